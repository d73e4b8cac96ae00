# The telephone is in use.
invited offer
	respond 100
	negotiate answer
agreed
	respond 180
	report offered
reject 486
	respond 486
	report ended 486 by us: 
	forget
is over
