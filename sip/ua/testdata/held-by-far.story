# The far side holds, changes something else, and retrieves.
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
agreed held
	report held=true by far
	respond 200
ack
reinvite offer
	take
	negotiate answer
agreed held
	respond 200
ack
reinvite offer
	take
	negotiate answer
agreed
	report held=false by far
	respond 200
ack
bye
	respond 200 to that request
	report ended 200 by far: 
	forget
is over
