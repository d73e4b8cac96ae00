# The other way begins later, since nothing but the answer can come.
MESSAGE 2
	send 0.0
+1s
+2s
	send 0.1  at 2s
lost 0.0 408
final 0.1 404
	keep 0.1
	choose 0.1
	forget
is over
