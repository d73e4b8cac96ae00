# Nothing to pass on before the call is answered.
invited offer
	respond 100
	negotiate answer
agreed
	respond 180
	report offered
transfer
	report referred 491: the call cannot be transferred now
refer
	respond 481 to that request
cancel
	respond 487
	report ended 487 by far: 
	forget
is over
