# No final response at all to our re-INVITE.
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
+10m
	report ended 408 by far: the far side knows the call no more  at 1m4s
	BYE  at 1m4s
	forget  at 1m36.5s
bye-done
is over
