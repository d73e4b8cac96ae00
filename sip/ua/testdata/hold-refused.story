# The far side does not want to be held; nothing changes, and we say so.
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
renewed 488
	revert hold=false
	report held=false by us
hold
	re-INVITE hold=true
renewed 503
	revert hold=false
	report held=false by us
hangup
	report ended 200 by us: 
	BYE
bye-done
	forget
is over
