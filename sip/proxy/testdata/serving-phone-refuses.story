# The phone that serves the client refuses the connection: straight to the client.
INVITE 2
	send 0.0
lost 0.0 480
	send 0.1
provisional 0.1 180
	forward 0.1
final 0.1 200
	forward 0.1
	forget
is over
