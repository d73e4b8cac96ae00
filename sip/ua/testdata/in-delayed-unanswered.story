# ... but the ACK brings none.
invited
	respond 100
	negotiate offer
agreed
	respond 180
	report offered
answer
	respond 200
ack
	report ended 488 by us: no common ground in the session descriptions
	BYE
bye-done
	forget
is over
