# Both hang up at once.
dial
	lookup
located 1
	invite contact=0 fresh=false
sent
success
	ACK
	negotiate accept
agreed
	report answered
hangup
	report ended 200 by us: 
	BYE
bye
	respond 200 to that request
bye-done
	forget
is over
