# Nobody comes to the telephone.
invited offer
	respond 100
	negotiate answer
agreed
	respond 180
	report offered
+180s
	respond 480  at 3m0s
	report ended 480 by us: nobody answered  at 3m0s
	forget  at 3m0s
is over
