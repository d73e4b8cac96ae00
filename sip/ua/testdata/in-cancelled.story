# The caller gives up.
invited offer
	respond 100
	negotiate answer
agreed
	respond 180
	report offered
cancel
	respond 487
	report ended 487 by far: 
	forget
is over
