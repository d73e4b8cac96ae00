# The far side passes us on, and hangs up once we speak with the other.
dial
	lookup
located 1
	invite contact=0 fresh=false
sent
provisional 180
	report progress 180
success
	ACK
	negotiate accept
agreed
	report answered
refer
	respond 202 to that request
	follow
# One at a time.
refer
	respond 480 to that request
followed 200
bye
	respond 200 to that request
	report ended 200 by far: 
	forget
is over
