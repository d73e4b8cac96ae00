# Nobody has the number.
dial
	lookup
unlocated 404 nobody has this number
	report ended 404 by us: nobody has this number
	forget
is over
