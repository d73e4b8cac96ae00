# "If there are no final responses in the context, the proxy MUST send a 408 (Request
# Timeout) response to the server transaction."
INVITE 1
	send 0.0
lost 0.0 408
	reply 408
	forget
is over
