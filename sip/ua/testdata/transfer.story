# We pass the far side on, it calls there, and our call is over.
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
notified 100
notified 180
notified 200 last
	report referred 200: 
	report ended 200 by us: transferred
	BYE
bye-done
	forget
is over
