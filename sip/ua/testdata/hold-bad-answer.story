# A far answer that does not fit ends the call.
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
disagreed
	report ended 488 by us: no common ground in the session descriptions
	BYE
bye-done
	forget
is over
