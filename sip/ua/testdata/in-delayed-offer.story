# An INVITE without a description: ours goes out in the 200, the answer comes
# in ACK, and only then there is a session.
invited
	respond 100
	negotiate offer
agreed
	respond 180
	report offered
answer
	respond 200
ack answer
	negotiate accept
agreed
	report answered
bye
	respond 200 to that request
	report ended 200 by far: 
	forget
is over
