# Nothing is passed on, or said of it, once the call has ended.
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
hangup
	report ended 200 by us: 
	BYE
transfer
hold
bye-done
	forget
is over
