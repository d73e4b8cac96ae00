// Package location is the location service of RFC 3261, section 10: all that SIP
// asks of the network of phones.
package location

import (
	"context"
	"errors"
	"net/netip"
	"time"
)

// ErrNotFound means that nobody in the office has the address: 404, as opposed
// to a known address that has no binding now: 480.
var ErrNotFound = errors.New("location: no such address")

// Binding says that an address of record is reachable at a contact.
type Binding struct {
	Contact string        // SIP URI, e.g. sip:102@192.0.2.7:5061;transport=tls
	Expires time.Duration // how much longer it holds

	// Of the contact of an existing client, registered at one of our phones:
	// all that another phone needs to ring it, also when that phone is dead.

	Server   netip.AddrPort // SIP/TLS of the phone that serves the client; zero: Contact is a telephone of the office itself
	Node     string         // which phone that is: "103@office"
	Flow     string         // the connection on which only Server reaches it; empty: Contact is reachable from everywhere
	Path     []string       // RFC 3327, as registered
	Instance string         // +sip.instance, empty if the client names none (RFC 5626)
	RegID    uint32         // reg-id, 0 if the client names none
	CallID   string         // of the REGISTER, with CSeq: RFC 3261, section 10.3, step 7
	CSeq     uint32
	Q        uint16 // preference in thousandths: 1000 for q=1.0
	Agent    string // User-Agent, for people
	Methods  string // the methods parameter, empty: unknown
}

// Client reports whether the binding is that of an existing client, as opposed
// to a telephone of the office.
func (b Binding) Client() bool { return b.Server.IsValid() }

// Service is the location service. An address of record is written without
// parameters: sip:102@office.
type Service interface {
	// Lookup returns the bindings of aor that hold now, best first. The error
	// is ErrNotFound, or says why the network could not answer.
	Lookup(ctx context.Context, aor string) ([]Binding, error)
}

// Prompt is a Service that at times needs not wait for the network.
type Prompt interface {
	// Known is Lookup where that takes no time; else ok is false.
	Known(aor string) (bindings []Binding, ok bool, err error)
}

// Known asks a Service for what it knows without waiting. One that is no Prompt
// knows nothing.
func Known(s Service, aor string) (bindings []Binding, ok bool, err error) {
	if p, prompt := s.(Prompt); prompt {
		return p.Known(aor)
	}
	return nil, false, nil
}

// Own is what a telephone of the office says of itself.
type Own interface {
	// Bind replaces the bindings that this phone made for aor, its own address;
	// none removes them. It returns when they are durable.
	Bind(ctx context.Context, aor string, bindings []Binding) error
}

// Registrar keeps the bindings of existing clients. Whatever phone wrote a
// binding, any phone may replace or remove it: the newest holds everywhere.
type Registrar interface {
	Service

	// Register makes or replaces bindings of aor, each known by its instance
	// and reg-id, or else by its contact; one with Expires 0 is removed. It
	// returns when two disks have it, and what holds then.
	Register(ctx context.Context, aor string, changes []Binding) ([]Binding, error)
}
