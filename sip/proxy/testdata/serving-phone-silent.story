# It is dead without a word: half a second later straight to the client.
INVITE 2
	send 0.0
+1s
	send 0.1  at 500ms
provisional 0.1 100
provisional 0.1 180
	cancel 0.0
	forward 0.1
final 0.1 200
	forward 0.1
lost 0.0 408
	forget
is over
