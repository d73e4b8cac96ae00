# "If a matching response context is found, the element MUST ... CANCEL all pending
# client transactions associated with the response context".
INVITE 1 2
	send 0.0
	send 1.0
provisional 0.0 180
	forward 0.0
cancel
	cancel 0.0
	cancel 1.0
+1s
final 0.0 487
	keep 0.0
lost 1.0 408
	reply 487
	forget
is over
