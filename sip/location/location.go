// Package location is the location service of RFC 3261, section 10: all that SIP
// asks of the network of phones.
package location

import (
	"context"
	"errors"
	"time"
)

// ErrNotFound means that nobody in the office has the address: 404, as opposed
// to a known address that has no binding now: 480.
var ErrNotFound = errors.New("location: no such address")

// Binding says that an address of record is reachable at a contact.
type Binding struct {
	Contact string        // SIP URI, e.g. sip:102@192.0.2.7:5061;transport=tls
	Expires time.Duration // how much longer it holds
}

// Service is the location service. An address of record is written without
// parameters: sip:102@office.
type Service interface {
	// Bind replaces the bindings that this phone made for aor; none removes
	// them. It returns when the bindings are durable.
	Bind(ctx context.Context, aor string, bindings []Binding) error

	// Lookup returns the bindings of aor that hold now, best first. The error
	// is ErrNotFound, or says why the network could not answer.
	Lookup(ctx context.Context, aor string) ([]Binding, error)
}
