# The session is changed: hold, then an offer that does not suit us, then one
# that we are asked to make.
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
reinvite offer
	take
	negotiate answer
agreed
	respond 200
ack
reinvite offer
	take
	negotiate answer
disagreed
	respond 488
reinvite
	take
	negotiate offer
agreed
	respond 200
ack answer
	negotiate accept
agreed
bye
	respond 200 to that request
	report ended 200 by far: 
	forget
is over
