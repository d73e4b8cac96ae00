# It was only slow, and the client says 482 to what it has already.
INVITE 2
	send 0.0
+600ms
	send 0.1  at 500ms
provisional 0.0 100
final 0.1 482
	keep 0.1
provisional 0.0 180
	forward 0.0
final 0.0 200
	forward 0.0
	forget
is over
