# The far side hangs up by itself once it is on its way.
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
transfer
	REFER
referred 202
transfer
	report referred 491: the call cannot be transferred now
bye
	respond 200 to that request
	report referred 200: 
	report ended 200 by far: 
	forget
is over
