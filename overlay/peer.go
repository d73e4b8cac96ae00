package overlay

import "net/netip"

// Port is the TCP port of the overlay. // RFC 6940, section 14.2
const Port = 6084

// Peer is a node and where it listens for overlay connections. A Peer whose
// Addr is not valid is known by name only.
type Peer struct {
	ID   ID
	Addr netip.AddrPort
}

func (p Peer) String() string {
	if !p.Addr.IsValid() {
		return p.ID.Short()
	}
	return p.ID.Short() + "@" + p.Addr.String()
}
