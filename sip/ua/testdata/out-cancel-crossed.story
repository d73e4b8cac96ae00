# The answer crosses our CANCEL: it is acknowledged, and hung up.
dial
	lookup
located 1
	invite contact=0 fresh=false
sent
provisional 180
	report progress 180
hangup
	report ended 487 by us: 
	CANCEL
success
	ACK
	BYE
success
	ACK
bye-done
	forget
is over
