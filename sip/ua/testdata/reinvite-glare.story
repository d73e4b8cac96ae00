# INVITE within the dialog while another one is not settled.
invited offer
	respond 100
	negotiate answer
agreed
	respond 180
	report offered
reinvite offer
	respond 500 to that request
answer
	respond 200
	report answered
reinvite offer
	respond 491 to that request
ack
reinvite offer
	take
	negotiate answer
agreed
	respond 200
+1500ms
	respond 200  at 500ms
	respond 200  at 1.5s
ack
bye
	respond 200 to that request
	report ended 200 by far: 
	forget
is over
