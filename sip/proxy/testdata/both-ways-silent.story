# Three ways, none answers.
INVITE 3
	send 0.0
+3s
	send 0.1  at 500ms
	send 0.2  at 1s
lost 0.0 480
lost 0.1 480
lost 0.2 408
	reply 480
	forget
is over
