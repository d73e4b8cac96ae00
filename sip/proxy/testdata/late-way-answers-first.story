# The way that was given up is answered all the same: at least one call stands.
INVITE 2
	send 0.0
+600ms
	send 0.1  at 500ms
provisional 0.1 180
	cancel 0.0
	forward 0.1
final 0.0 200
	forward 0.0
	cancel-elsewhere 0.1
final 0.1 487
	keep 0.1
	forget
is over
