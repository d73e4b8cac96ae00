# An old connection that gives no answer says nothing about the telephone: it
# is tried once more over a new one.
dial
	lookup
located 1
	invite contact=0 fresh=false
sent reused
+3s
	drop  at 3s
	invite contact=0 fresh=true  at 3s
sent
provisional 180
	report progress 180
success
	ACK
	negotiate accept
agreed
	report answered
bye
	respond 200 to that request
	report ended 200 by far: 
	forget
is over
