// Package dns lets SIP clients that look for the office by its name find the phones,
// where no other DNS knows it: RFC 3263 with NAPTR, SRV and addresses of whatever
// phones live, this one first.
//
//	OFFICE             NAPTR SRV... below, A and AAAA of the phones
//	_sip._udp.OFFICE   SRV  priority 10 this phone, 20 the others, port 5060
//	_sip._tcp.OFFICE   SRV
//	_sips._tcp.OFFICE  SRV  port 5061
//	102.OFFICE         A or AAAA of that phone
//
// NAPTR puts UDP first, then TCP, then TLS: a client takes the first that it can do,
// and nearly none trusts the office's own certificates. A sips URI leads to TLS all
// the same (RFC 3263, section 4.1).
//
// It is authoritative for that one name and all below, and refuses the rest: it asks
// nobody. Answers hold for 5 s. No zone transfer, no ANY. A datagram gets at most
// one answer of at most 512 octets, 1232 where EDNS says so; a source gets 20 a second, all
// together 500. What is malformed is dropped.
package dns
