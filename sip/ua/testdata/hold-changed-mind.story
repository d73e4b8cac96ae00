# Retrieved before the far side has said yes to hold: that is asked for next.
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
retrieve
renewed 200
	ACK
	negotiate accept
agreed
	report held=true by us
	re-INVITE hold=false
renewed 200
	ACK
	negotiate accept
agreed
	report held=false by us
hangup
	report ended 200 by us: 
	BYE
bye-done
	forget
is over
