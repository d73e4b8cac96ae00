# Within 4xx what the person said counts more than what a place says.
INVITE 1 1 1
	send 0.0
	send 1.0
	send 2.0
final 0.0 480
	keep 0.0
final 1.0 486
	keep 1.0
final 2.0 404
	keep 2.0
	choose 1.0
	forget
is over
