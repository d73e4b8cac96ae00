# No ACK comes: 200 is sent again after 0.5 s, 1 s, 2 s, 4 s and every 4 s, and
# after 32 s the call is over (RFC 3261, section 13.3.1.4).
invited offer
	respond 100
	negotiate answer
agreed
	respond 180
	report offered
answer
	respond 200
	report answered
+40s
	respond 200  at 500ms
	respond 200  at 1.5s
	respond 200  at 3.5s
	respond 200  at 7.5s
	respond 200  at 11.5s
	respond 200  at 15.5s
	respond 200  at 19.5s
	respond 200  at 23.5s
	respond 200  at 27.5s
	respond 200  at 31.5s
	report ended 408 by us: the far side never acknowledged the answer  at 32s
	BYE  at 32s
bye-done
	forget
is over
