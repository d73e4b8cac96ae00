# It rings and rings.
dial
	lookup
located 1
	invite contact=0 fresh=false
sent
provisional 180
	report progress 180
+180s
	report ended 408 by us: nobody answered  at 3m0s
	CANCEL  at 3m0s
failure 487 Request Terminated
	forget
is over
