# Hung up while the re-INVITE is under way: its late 200 is acknowledged.
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
hangup
	report ended 200 by us: 
	BYE
renewed 200
	ACK
bye-done
	forget
is over
