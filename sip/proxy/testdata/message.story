# Not INVITE: no CANCEL, no Timer C, the first 2xx and nothing else.
MESSAGE 1 2
	send 0.0
	send 1.0
+1s
final 0.0 200
	forward 0.0
final 1.0 200
	forget
is over
