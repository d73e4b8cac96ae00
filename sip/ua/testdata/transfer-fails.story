# ... but nobody is there: the call goes on, and a second try is refused.
dial
	lookup
located 1
	invite contact=0 fresh=false
sent
provisional 180
	report progress 180
success
	ACK
	negotiate accept
agreed
	report answered
transfer
	REFER
referred 202
notified 100
notified 486 last
	report referred 486: the call went on to nobody
transfer
	REFER
referred 603
	report referred 603: the far side refused to be transferred
hangup
	report ended 200 by us: 
	BYE
bye-done
	forget
is over
