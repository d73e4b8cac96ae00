# Hung up, and the contact says nothing at all: the connection is dropped, for
# there is nobody to send CANCEL to.
dial
	lookup
located 1
	invite contact=0 fresh=false
sent
hangup
	report ended 487 by us: 
+3s
	drop  at 3s
	forget  at 3s
is over
