# The location service does not answer at all.
dial
	lookup
+5s
	report ended 503 by us: the office did not say in time where the number is  at 5s
	forget  at 5s
is over
