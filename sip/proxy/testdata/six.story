# "If a 6xx response is received, it is not immediately forwarded, but the stateful
# proxy SHOULD cancel all client pending transactions", "and it MUST NOT create any
# new branches in this context".
INVITE 1 2 1
	send 0.0
	send 1.0
	send 2.0
provisional 0.0 180
	forward 0.0
provisional 2.0 180
	forward 2.0
final 2.0 603
	keep 2.0
	cancel 0.0
	cancel 1.0
provisional 0.0 180
final 0.0 487
	keep 0.0
lost 1.0 480
	choose 2.0
	forget
is over
