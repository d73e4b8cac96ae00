# A client that does not know merged requests rings once all the same: the first way
# to ring counts, the other is cancelled.
INVITE 2
	send 0.0
+600ms
	send 0.1  at 500ms
provisional 0.0 100
provisional 0.1 180
	cancel 0.0
	forward 0.1
provisional 0.0 180
final 0.0 487
	keep 0.0
final 0.1 200
	forward 0.1
	forget
is over
