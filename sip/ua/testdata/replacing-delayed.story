# ... also one that leaves the offer to us.
invited replacing
	respond 100
	negotiate offer
agreed
	report replaced
	respond 200
	supplant
ack answer
	negotiate accept
agreed
	report answered
bye
	respond 200 to that request
	report ended 200 by far: 
	forget
is over
