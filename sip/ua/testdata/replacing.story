# A call that takes the place of another does not ring (RFC 3891).
invited offer replacing
	respond 100
	negotiate answer
agreed
	report replaced
	respond 200
	report answered
	supplant
ack
bye
	respond 200 to that request
	report ended 200 by far: 
	forget
is over
