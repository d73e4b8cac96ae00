# The caller's telephone loses its power: ours stops ringing at once.
invited offer
	respond 100
	negotiate answer
agreed
	respond 180
	report offered
unreachable
	report ended 487 by far: the connection to the caller broke
	forget
is over
