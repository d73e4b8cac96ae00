# The far side never says what became of it.
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
transfer
	REFER
referred 202
+5m
	report referred 408: the far side does not say what became of it  at 3m32s
transfer
	REFER
referred 202
notified 0 last
	report referred 408: the far side does not say what became of it
hangup
	report ended 200 by us: 
	BYE
bye-done
	forget
is over
