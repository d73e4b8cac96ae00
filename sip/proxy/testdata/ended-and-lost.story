# A client that refused is not asked again when its other way breaks.
INVITE 3
	send 0.0
+600ms
	send 0.1  at 500ms
final 0.1 486
	keep 0.1
	cancel 0.0
	choose 0.1
lost 0.0 480
	forget
is over
