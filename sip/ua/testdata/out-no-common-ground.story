# The answer to our offer is not acceptable: the dialog exists, so it has to be
# hung up.
dial
	lookup
located 1
	invite contact=0 fresh=false
sent
success
	ACK
	negotiate accept
disagreed
	report ended 488 by us: no common ground in the session descriptions
	BYE
bye-done
	forget
is over
