// Package floating keeps an address that always one phone of the office has: for SIP
// clients that know one registrar and no name.
//
// Who has it: the phone whose arc of the ring contains the identifier of the
// address, so every phone of the office needs to be told the address, and needs
// the right to take it. When that phone dies, leaves, or another one comes between,
// the ring says so and the next phone takes it: it puts the address on the
// interface of its own address and tells the network by gratuitous ARP (RFC 5227)
// or unsolicited neighbour advertisements (RFC 4861).
//
//	chord.View --> Holder (state machine) --> Take, Keep, Announce, Release --> Interface
//
// The kernel is given the address for six seconds at a time, so that the machine of
// a phone that was killed loses it by itself. While the ring is in two parts each of
// them has a phone with the address, as it has all else.
//
// Nothing is asked of the network before the address is taken: it must be free, and
// outside of what a DHCP server hands out.
package floating
