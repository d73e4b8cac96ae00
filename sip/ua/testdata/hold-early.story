# Hold waits for ACK, and for a change of the far side to be over.
invited offer
	respond 100
	negotiate answer
agreed
	respond 180
	report offered
answer
	respond 200
	report answered
hold
ack
	re-INVITE hold=true
renewed 200
	ACK
	negotiate accept
agreed
	report held=true by us
reinvite offer
	take
	negotiate answer
retrieve
agreed
	respond 200
ack
	re-INVITE hold=false
renewed 200
	ACK
	negotiate accept
agreed
	report held=false by us
bye
	respond 200 to that request
	report ended 200 by far: 
	forget
is over
