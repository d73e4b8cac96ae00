# A 2xx that crosses the CANCEL after a 6xx still goes upstream.
INVITE 1 1
	send 0.0
	send 1.0
final 0.0 600
	keep 0.0
	cancel 1.0
final 1.0 200
	forward 1.0
	forget
is over
