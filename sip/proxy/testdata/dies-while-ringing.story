# The serving phone dies while the client rings: the client is asked again, and what
# it says to a request that it has already is not the caller's business.
INVITE 2
	send 0.0
provisional 0.0 180
	forward 0.0
lost 0.0 480
	send 0.1
final 0.1 482
	keep 0.1
	reply 480
	forget
is over
