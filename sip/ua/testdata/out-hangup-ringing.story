# Hung up while it rings.
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
failure 487 Request Terminated
	forget
is over
