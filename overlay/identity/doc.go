// Package identity is who is who in an office: the office's root key, the
// phones' certificates, signatures, and the enrolment of new phones.
//
// # Certificates
//
//	root        self-signed, made by the founding phone, which keeps its key
//	 |-- leaf 101          signed by the founder with the root key
//	 |-- enroller 101      same key as leaf 101, a certification authority
//	 |-- leaf 102
//	 `-- enroller 102
//	      |-- leaf 103     enrolled by 102 while 101 was switched off
//	      `-- enroller 103
//
// There is no shared office key. Each phone makes its own P-256 key and never
// gives it away; at enrolment it gets two certificates for it: a leaf, with which
// it speaks and signs (RFC 6940, section 11.3), and an enroller certificate, with
// which it can enrol others. A chain is the leaf, then the enroller certificates
// above it, without the root; it has at most overlay.MaxChain certificates.
//
// A leaf has an empty subject and two subjectAltNames: the user name
// ("101@office") as rfc822Name and the Node-ID as RELOAD URI
// (RFC 6940, section 14.15):
//
//	reload://0110 00112233445566778899aabbccddeeff @office/
//	         |    Node-ID
//	         Destination of type node, length 16
//
// The Node-ID is the first 16 octets of the SHA-256 of the SubjectPublicKeyInfo.
// RFC 6940 lets its enrolment server choose it at random, so that nobody can
// choose a place on the ring; but there is no server here, and an enroller that
// chooses could give one Node-ID to two keys. Bound to the key it needs no
// registry, every node can check it, and a key that gets a new certificate keeps
// it. The price: who may enrol can try keys until one lies where he wants it.
//
// No clock is needed, and none can lock a phone out: an office certificate is
// valid from 1970 to the end of 9999, and one that is not valid for all of that
// time is refused. What ends a certificate is revocation (Refuse).
//
// The root key signs for the office itself, too: OfficeKey and VerifyOffice.
//
// # Enrolment
//
// The newcomer connects to the overlay port with TLS 1.3, ALPN EnrolALPN and no
// certificate. Inside that connection both prove that they know the code with
// SPAKE2 (RFC 9382), bound to the connection by its exporter (RFC 8446, section
// 7.5), so that nobody sits in between:
//
//	newcomer (A)                                  enroller (B)
//	   |---- hello:   pA ----------------------------->|
//	   |<--- share:   pB ------------------------------|
//	   |---- request: confirmation A, public key,      |
//	   |              signature, wished extension ---->|  wrong code? count it;
//	   |                                               |  after three: close
//	   |                                               |  claim an extension
//	   |<--- answer:  confirmation B, root, chain, ----|
//	   |              enroller certificate,            |
//	   |              configuration document           |
//
// or, in place of share or answer, refuse: a reason. The newcomer confirms
// first: whoever guesses a code learns whether he was right only by having the
// guess counted.
//
// A code may be for one place: then one newcomer gets that extension, and the phone
// whose it was is revoked at that moment, if it is dead. The newcomer need not ask for
// it.
//
// Each message is a type octet, a length of two octets, and the body.
package identity
