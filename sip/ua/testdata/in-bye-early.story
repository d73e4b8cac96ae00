# BYE within the early dialog.
invited offer
	respond 100
	negotiate answer
agreed
	respond 180
	report offered
bye
	respond 200 to that request
	respond 487
	report ended 487 by far: 
	forget
is over
