# ... unless the two sides have nothing in common; then the old call stays.
invited offer replacing
	respond 100
	negotiate answer
disagreed
	respond 488
	forget
is over
