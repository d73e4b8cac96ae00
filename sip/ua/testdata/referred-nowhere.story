# Nobody is there where we were sent: the call goes on.
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
followed 486
+10m
bye
	respond 200 to that request
	report ended 200 by far: 
	forget
is over
