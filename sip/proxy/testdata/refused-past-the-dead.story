# The serving phone is dead without a word; the client itself is busy, and the caller
# does not wait for the dead.
INVITE 2
	send 0.0
+600ms
	send 0.1  at 500ms
provisional 0.1 100
final 0.1 486
	keep 0.1
	cancel 0.0
	choose 0.1
+30s
lost 0.0 408
	forget
is over
