# Timer C: "If the client transaction has received a provisional response, the proxy
# MUST generate a CANCEL request matching that transaction"; each 101-199 resets it.
INVITE 1
	send 0.0
provisional 0.0 180
	forward 0.0
+2m
provisional 0.0 180
	forward 0.0
+2m
+2m
	cancel 0.0  at 5m1s
final 0.0 487
	reply 408
	forget
is over
