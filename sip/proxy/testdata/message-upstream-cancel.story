# A final response that is not 2xx ends the caller's transaction: nothing follows.
MESSAGE 1 1
	send 0.0
	send 1.0
final 0.0 404
	keep 0.0
final 1.0 404
	keep 1.0
	choose 0.0
	forget
final 1.0 200
is over
