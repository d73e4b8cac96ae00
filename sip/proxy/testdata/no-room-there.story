# The serving phone has too much to do, or has lost the client's connection.
INVITE 3
	send 0.0
provisional 0.0 100
final 0.0 503
	keep 0.0
	send 0.1
provisional 0.1 100
final 0.1 430
	keep 0.1
	send 0.2
provisional 0.2 180
	forward 0.2
final 0.2 486
	keep 0.2
	choose 0.2
	forget
is over
