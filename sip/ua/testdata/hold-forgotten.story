# The far side has no such call any more: RFC 3261, section 12.2.1.2.
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
renewed 481
	report ended 481 by far: the far side knows the call no more
	BYE
bye-done
	forget
is over
