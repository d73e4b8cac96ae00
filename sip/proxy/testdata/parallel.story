# "forking": all contacts ring at once, the first to answer gets the call, and
# the others are told that it was answered elsewhere.
INVITE 1 1 1
	send 0.0
	send 1.0
	send 2.0
provisional 0.0 100
provisional 0.0 180
	forward 0.0
provisional 1.0 180
	forward 1.0
provisional 2.0 183
	forward 2.0
final 1.0 200
	forward 1.0
	cancel-elsewhere 0.0
	cancel-elsewhere 2.0
final 0.0 487
	keep 0.0
final 2.0 487
	keep 2.0
	forget
is over
