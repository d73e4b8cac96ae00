package usage

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"chordophone/overlay"
	"chordophone/overlay/reload"
	"chordophone/sip/location"
)

// Registrations say where the telephones of the office are, kept in the ring: one
// SIP-REGISTRATION record for each phone, at the Resource-ID of its user name, in
// the form that names the phone's Node-ID. // RFC 7904, section 3.3
type Registrations struct {
	ring   Ring
	writer *Writer
	self   overlay.ID
	port   uint16 // SIP over TLS, the same at every phone
}

// NewRegistrations makes what the phone self needs to register.
func NewRegistrations(ring Ring, writer *Writer, self overlay.ID, port uint16) *Registrations {
	return &Registrations{ring: ring, writer: writer, self: self, port: port}
}

// Bind registers this phone as the place to reach aor, which must be its own
// address. The contact itself is not stored: it follows from where the node is
// when somebody looks it up.
func (s *Registrations) Bind(ctx context.Context, aor string, bindings []location.Binding) error {
	user, err := userName(aor)
	if err != nil {
		return err
	}
	r := overlay.Record{
		Resource: overlay.ResourceID(user),
		Kind:     overlay.SIPRegistration,
		Key:      s.self[:],
		Lifetime: tombstoneLife,
		Removed:  len(bindings) == 0,
	}
	if !r.Removed {
		r.Lifetime = bindings[0].Expires
		here := reload.SipRegistration{To: []reload.Destination{reload.Node(s.self)}}
		if r.Value, err = here.Append(nil); err != nil {
			return err
		}
	}
	_, err = s.writer.Put(ctx, r)
	return err
}

// tombstoneLife is how long a removal is remembered: as long as the longest
// registration that it may have to overtake.
const tombstoneLife = 2 * time.Hour

// Resource is where on the ring an address of record is kept; zero for what is
// none.
func (s *Registrations) Resource(aor string) overlay.ID {
	user, err := userName(aor)
	if err != nil {
		return overlay.ID{}
	}
	return overlay.ResourceID(user)
}

// Place is a phone at which an address of record is reached.
type Place struct {
	Node overlay.ID
	location.Binding
}

// telephones are the phones that registration records name. A phone that is
// registered but whose node does not answer is none of them.
func (s *Registrations) telephones(ctx context.Context, user string, records []overlay.Record) (out []Place) {
	for _, r := range records {
		if r.Kind != overlay.SIPRegistration {
			continue
		}
		node, err := registeredNode(r)
		if err != nil {
			continue // signed, but not by anything that we understand
		}
		peer, ok := s.find(ctx, node)
		if !ok {
			continue // its place on the ring is somebody else's: it is gone
		}
		out = append(out, Place{node, location.Binding{Contact: s.contact(user, peer), Expires: r.Lifetime}})
	}
	return out
}

// find finds a node. One that is not found is looked for again: just after a phone has
// died its neighbours may not yet know of one that came a moment before.
func (s *Registrations) find(ctx context.Context, node overlay.ID) (overlay.Peer, bool) {
	for try := 0; ; try++ {
		peer, _, err := s.ring.Find(ctx, node)
		if err == nil && peer.ID == node {
			return peer, true
		}
		if try == findTries {
			return overlay.Peer{}, false
		}
		select {
		case <-ctx.Done():
			return overlay.Peer{}, false
		case <-time.After(findAgain):
		}
	}
}

const (
	findTries = 5
	findAgain = 250 * time.Millisecond
)

func (s *Registrations) contact(user string, peer overlay.Peer) string {
	ext, _, _ := strings.Cut(user, "@")
	return fmt.Sprintf("sip:%s@%s;transport=tls", ext, netip.AddrPortFrom(peer.Addr.Addr(), s.port))
}

var errRegistration = errors.New("usage: not a registration that names a node")

// registeredNode is the node that a SIP-REGISTRATION record names.
func registeredNode(r overlay.Record) (overlay.ID, error) {
	reg, err := reload.ParseSipRegistration(r.Value)
	if err != nil {
		return overlay.ID{}, err
	}
	if len(reg.To) != 1 || reg.To[0].Type != reload.DestNode {
		return overlay.ID{}, errRegistration
	}
	return overlay.ID(reg.To[0].ID), nil
}

// userName is the RELOAD user name of an address of record: without the scheme, in
// lower case. // RFC 7904, section 3.1
func userName(aor string) (string, error) {
	user, ok := strings.CutPrefix(aor, "sip:")
	if !ok || strings.Count(user, "@") != 1 || strings.ContainsAny(user, ";?<> \t\r\n") {
		return "", fmt.Errorf("usage: %q is not an address of record like sip:102@office: %w", aor, location.ErrNotFound)
	}
	return strings.ToLower(user), nil
}
