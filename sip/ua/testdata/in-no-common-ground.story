# Nothing in the offer suits us: nobody is bothered.
invited offer
	respond 100
	negotiate answer
disagreed
	respond 488
	forget
is over
