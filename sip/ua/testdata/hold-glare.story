# Both sides change the session at once: each refuses with 491 and waits
# (RFC 3261, section 14.1).
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
hold
	re-INVITE hold=true
reinvite offer
	respond 491 to that request
renewed 491 2.5s
reinvite offer
	take
	negotiate answer
agreed held
	report held=true by far
	respond 200
+3s
	respond 200  at 500ms
	respond 200  at 1.5s
ack
	re-INVITE hold=true
+1s
renewed 491 100ms
+1s
	re-INVITE hold=true  at 4.1s
renewed 200
	ACK
	negotiate accept
agreed
	report held=true by us
bye
	respond 200 to that request
	report ended 200 by far: 
	forget
is over
