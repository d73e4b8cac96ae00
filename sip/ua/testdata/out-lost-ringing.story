# The telephone that rings loses its power; the next one of that number rings.
dial
	lookup
located 2
	invite contact=0 fresh=false
sent
provisional 180
	report progress 180
unreachable
	invite contact=1 fresh=false
sent
provisional 180
hangup
	report ended 487 by us: 
	CANCEL
failure 487
	forget
is over
