# Nobody can be reached at any contact.
INVITE 1 2
	send 0.0
	send 1.0
lost 0.0 480
lost 1.0 480
	send 1.1
lost 1.1 480
	reply 480
	forget
is over
