# We are called, answer, and the caller hangs up.
invited offer
	respond 100
	negotiate answer
agreed
	respond 180
	report offered
answer
	respond 200
	report answered
ack
bye user hung up
	respond 200 to that request
	report ended 200 by far: user hung up
	forget
is over
