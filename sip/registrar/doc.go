// Package registrar answers REGISTER (RFC 3261, section 10; RFC 5626; RFC 3327) out
// of a location service that all phones of the office share. The phone that answers
// is the one that serves the client from then on, until another does.
//
// # Parts
//
//	            REGISTER                                   200, 403, 423 ...
//	               |                                             ^
//	request.go  read: form, whose, for how long                  |
//	lanes.go    wait for the REGISTER before, of the same address|
//	               |                                             |
//	 (goroutine)   Lookup --> decide.go --> Register (two disks) |
//	               |                                             |
//	book.go     note who is served here --> answer.go: what holds
//
// read, decide and the book are values without I/O. The rest runs in the stack's
// loop; only the location service is asked outside of it, one question after the
// other for one address.
//
// # What a binding says
//
// Contact is the client's own, unchanged. Flow is set where only this phone can reach
// the client: it came over TLS, or over a connection that it opened from the very
// port that it names, or with ;ob or outbound, or from an address that is not its Contact's (a
// translated one; received and rport of RFC 3581 are this flow's far end, and the
// token of a UDP flow names it). The flow is then the way to the client. A client
// that can be reached at its Contact keeps Flow empty, so that others still reach
// it when this phone is dead.
//
// Instance and RegID are set together or not at all: only then are they, and not the
// Contact, what a binding is known by (RFC 5626, section 6). Over UDP outbound is not
// applied, because its keep-alive would be STUN.
//
// # Refreshes
//
// A client that was granted g seconds is stored for g+min(g, 600 s). Its next REGISTER that
// changes nothing else is stored only if less is left there than is granted now: a
// client that refreshes each minute costs a write in two or three. At the true end this
// phone removes the binding; if this phone has died meanwhile, others see it for at
// most min(g, 600 s) too long. The CSeq of a refresh that was not stored is known
// only here, so another phone would take an older REGISTER of that same Call-ID, if
// its nonce were still good there; it is not.
//
// A client whose connection is gone has 5 s to come back on another one before what
// only that connection reached is removed. A removal leaves alone what another phone
// serves by now. A phone that was started anew knows none of its clients of before;
// what only their connections reached goes when they register again, the rest ends
// by itself.
package registrar
