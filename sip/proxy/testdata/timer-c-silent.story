# A branch that said 100 and nothing since.
INVITE 1
	send 0.0
provisional 0.0 100
+4m
	cancel 0.0  at 3m1s
lost 0.0 408
	reply 408
	forget
is over
