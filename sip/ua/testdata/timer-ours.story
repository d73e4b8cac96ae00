# A session of 90 s that we refresh at half the time, as RFC 4028 wants.
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
timed 90s ours
+45s
	re-INVITE hold=false  at 45s
renewed 200
	ACK
	negotiate accept
agreed
timed 90s ours
+45s
	re-INVITE hold=false  at 1m30s
# A refusal is tried again until there is no time left: 30 s before the end.
renewed 500
+10s
	re-INVITE hold=false  at 1m40s
renewed 500
+10m
	report ended 408 by us: the far side was not heard of any more  at 1m45s
	BYE  at 1m45s
	forget  at 2m17.5s
bye-done
is over
