# CANCEL after the answer has no effect.
invited offer
	respond 100
	negotiate answer
agreed
	respond 180
	report offered
answer
	respond 200
	report answered
cancel
ack
hangup
	report ended 200 by us: 
	BYE
bye-done
	forget
is over
