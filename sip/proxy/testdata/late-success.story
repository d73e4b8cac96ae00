# "After a final response has been sent on the server transaction, the following
# responses MUST be forwarded immediately: Any 2xx response to an INVITE request".
INVITE 1 1
	send 0.0
	send 1.0
provisional 0.0 180
	forward 0.0
provisional 1.0 180
	forward 1.0
final 0.0 200
	forward 0.0
	cancel-elsewhere 1.0
final 0.0 200
	forward 0.0
final 1.0 200
	forward 1.0
	forget
final 1.0 200
	forward 1.0
final 0.0 200
	forward 0.0
is over
