# A call to one telephone: it rings, it is answered, we hang up.
dial
	lookup
located 1
	invite contact=0 fresh=false
sent
provisional 100
provisional 180
	report progress 180
provisional 180
success
	ACK
	negotiate accept
agreed
	report answered
# The 200 again: our ACK was lost.
success
	ACK
hangup
	report ended 200 by us: 
	BYE
bye-done
	forget
is over
