# ... or does not hang up.
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
followed 200
+40s
	report ended 200 by us: transferred  at 32s
	BYE  at 32s
bye-done
	forget
is over
