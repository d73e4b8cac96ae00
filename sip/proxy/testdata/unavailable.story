# A 503 never goes upstream; 500 does in its place.
INVITE 1 1
	send 0.0
	send 1.0
final 0.0 503
	keep 0.0
final 1.0 503
	keep 1.0
	reply 500
	forget
is over
