# CANCEL brings no final response.
dial
	lookup
located 1
	invite contact=0 fresh=false
sent
provisional 180
	report progress 180
hangup
	report ended 487 by us: 
	CANCEL
+32s
	forget  at 32s
is over
