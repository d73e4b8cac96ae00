# The number is known, but has no telephone now.
dial
	lookup
located 0
	report ended 480 by us: the number has no telephone at the moment
	forget
is over
