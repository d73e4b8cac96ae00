# We hang up before ACK has come: BYE waits for it (RFC 3261, section 15).
invited offer
	respond 100
	negotiate answer
agreed
	respond 180
	report offered
answer
	respond 200
	report answered
hangup
	report ended 200 by us: 
+600ms
	respond 200  at 500ms
ack
	BYE
bye-done
	forget
is over
