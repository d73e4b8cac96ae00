# "the proxy SHOULD give preference to responses that provide information affecting
# resubmission of this request, such as 401, 407, 415, 420, and 484".
INVITE 1 1 1
	send 0.0
	send 1.0
	send 2.0
final 0.0 486
	keep 0.0
final 1.0 407
	keep 1.0
final 2.0 401
	keep 2.0
	choose 1.0
	forget
is over
