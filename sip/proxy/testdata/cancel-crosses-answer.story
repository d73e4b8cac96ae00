# The 200 was faster than the CANCEL: the caller gets it and must hang up.
INVITE 1
	send 0.0
provisional 0.0 180
	forward 0.0
cancel
	cancel 0.0
final 0.0 200
	forward 0.0
	forget
is over
