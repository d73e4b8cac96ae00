# The first contact is not there, the second is silent, the third has its
# telephone unplugged: then the number cannot be reached.
dial
	lookup
located 3
	invite contact=0 fresh=false
unreachable
	invite contact=1 fresh=false
sent
+3s
	drop  at 3s
	invite contact=2 fresh=false  at 3s
failure 480 Temporarily Unavailable
	report ended 480 by far: Temporarily Unavailable
	forget
is over
