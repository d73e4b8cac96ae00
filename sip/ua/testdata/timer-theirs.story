# A session that the far side refreshes, once; then it is dead.
invited offer
	respond 100
	negotiate answer
agreed
	respond 180
	report offered
answer
	respond 200
	report answered
timed 1800s
ack
+900s
reinvite offer
	take
	negotiate answer
agreed
	respond 200
timed 1800s
ack
+1767s
+1s
	report ended 408 by us: the far side was not heard of any more  at 44m28s
	BYE  at 44m28s
bye-done
	forget
is over
