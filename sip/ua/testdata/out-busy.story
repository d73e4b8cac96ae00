# Busy is the word of a person: no other contact is tried.
dial
	lookup
located 2
	invite contact=0 fresh=false
sent
failure 486 Busy Here
	report ended 486 by far: Busy Here
	forget
is over
