# We hold the call and retrieve it. What the far side says to an offer that holds
# is not taken for its own wish.
dial
	lookup
located 1
	invite contact=0 fresh=false
sent
provisional 180
	report progress 180
success
	ACK
	negotiate accept
agreed
	report answered
hold
	re-INVITE hold=true
renewed 200
	ACK
	negotiate accept
agreed held
	report held=true by us
# The 200 again: our ACK was lost.
renewed 200
	ACK
retrieve
	re-INVITE hold=false
renewed 200
	ACK
	negotiate accept
agreed
	report held=false by us
# Twice the same is nothing.
retrieve
hangup
	report ended 200 by us: 
	BYE
bye-done
	forget
is over
