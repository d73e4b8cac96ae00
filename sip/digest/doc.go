// Package digest is the server's side of HTTP digest (RFC 7616) as SIP uses it
// (RFC 3261, section 22.4, and RFC 8760). It is a value that is asked: no socket, no
// goroutine, no lock, no clock.
//
// # What is offered
//
// Two challenges with the same nonce, SHA-256 first, then MD5 for the many desk phones
// that know nothing else; qop is auth alone. MD5 goes only with a switch for the
// whole office or without the MD5 half of one account's [Secret]. There is no
// auth-int, no -sess, no userhash. A client that leaves qop out, as RFC 2069 knew none,
// is refused: each challenge has it, and "If a client receives a "qop" parameter in a
// challenge header field, it MUST send the "qop" parameter in any resulting
// authorization header field"; without it nothing would keep an answer from being
// sent a second time.
//
// # Nonces
//
//	 6 octets  milliseconds since this [Server] was made
//	 8 octets  number of the nonce
//	16 octets  HMAC-SHA-256 over both, the realm and the source address
//
// So no list of nonces is kept that a flood could fill; a nonce of another phone, of
// an earlier boot or given to another address is merely stale, and the client asks
// again. The source address is in it so that nobody can spend somebody else's wrong
// answers by forging an address: who forges it never sees the nonce.
//
// What was used is kept in a table of fixed size by the nonce's number: the highest
// nonce count and which of the 31 before it were seen. Only right answers get in.
// When two nonces want one place the newer gets it and the older is stale.
//
// # Guessing
//
// After ten wrong answers within a minute the next are not even looked at for a
// second, the same for all users whether they exist or not. A user from one source
// then waits twice as long after each further wrong answer, up to 32 s; a source as a
// whole is heard once a second. Who has given a right answer from a source lately is not held
// up by what others do there. Nobody is ever locked out elsewhere.
package digest
