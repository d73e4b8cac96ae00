# Hung up before anything was heard: CANCEL has to wait for a provisional
# response (RFC 3261, section 9.1), the owner does not.
dial
	lookup
located 1
	invite contact=0 fresh=false
sent
hangup
	report ended 487 by us: 
provisional 100
	CANCEL
provisional 180
failure 487 Request Terminated
	forget
is over
