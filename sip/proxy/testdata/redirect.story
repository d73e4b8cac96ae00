# "Otherwise the proxy MUST choose from the responses of the lowest response class":
# 3xx is passed on, not followed.
INVITE 1 1 1
	send 0.0
	send 1.0
	send 2.0
final 0.0 500
	keep 0.0
final 1.0 486
	keep 1.0
final 2.0 302
	keep 2.0
	choose 2.0
	forget
is over
