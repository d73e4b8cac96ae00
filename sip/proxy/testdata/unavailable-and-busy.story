# A 503 loses to anything else.
INVITE 1 1 1
	send 0.0
	send 1.0
	send 2.0
final 0.0 503
	keep 0.0
final 1.0 500
	keep 1.0
final 2.0 503
	keep 2.0
	choose 1.0
	forget
is over
