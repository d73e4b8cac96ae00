// Package network is the network program of the appliance: it brings the interfaces up,
// gets them addresses by DHCP and without, joins a Wi-Fi network, answers to the
// machine's name, sets its clock, and tells process 1 the machine's best address and
// what is wrong.
//
//	linklocal   RFC 3927, as a state machine
//	lease       the client of RFC 2131, as a state machine
//	arp         the packets of both
//
// Each Ethernet or Wi-Fi interface is a port, with a goroutine that owns both machines:
//
//	cable, Wi-Fi --> Up, Down --+--> lease -------> Put, Remove --> the kernel
//	server --------> Received --+      | Routable
//	ARP -----------> Heard -----+--> linklocal ---> Put, Remove --> the kernel
//
// IPv6 addresses are the kernel's business: link-local ones at once, others as a router
// announces them.
//
// A machine with an address from a server and one without reach each other: each of
// them has 169.254/16 on its link, and one that has no other address takes everything
// for its link (RFC 3927, section 2.6.2).
package network
