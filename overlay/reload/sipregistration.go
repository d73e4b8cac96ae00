package reload

import (
	"fmt"

	"golang.org/x/crypto/cryptobyte"
)

// SipRegistration is the value of the Kind SIP-REGISTRATION: where the user of
// an address of record can be reached. // RFC 7904, section 3.2
//
//	+------+----------------+
//	| type | length, 16     |
//	+------+----------------+
//	type 1: uri<0..2^16-1>, another address of record
//	type 2: contact_prefs<0..2^16-1>, destination_list<3..2^16-1>
type SipRegistration struct {
	URI          []byte        // type 1 when To is empty
	ContactPrefs []byte        // feature parameters, as (sip.schemes=SIPS); type 2
	To           []Destination // destination list of the phone; type 2
}

const (
	registrationURI   = 1
	registrationRoute = 2
)

// Append appends the value.
func (r SipRegistration) Append(out []byte) ([]byte, error) {
	b := cryptobyte.NewBuilder(out)
	if len(r.To) == 0 {
		b.AddUint8(registrationURI)
		b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { opaque16(b, r.URI) })
		return b.Bytes()
	}
	if len(r.To) > MaxDestinations {
		return nil, fmt.Errorf("destination list: %w", ErrTooLarge)
	}
	b.AddUint8(registrationRoute)
	b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
		opaque16(b, r.ContactPrefs)
		b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
			for _, d := range r.To {
				addDestination(b, d)
			}
		})
	})
	return b.Bytes()
}

// ParseSipRegistration reads a value.
func ParseSipRegistration(octets []byte) (r SipRegistration, err error) {
	var (
		s    = cryptobyte.String(octets)
		typ  uint8
		data cryptobyte.String
		v    cryptobyte.String
		ok   bool
	)
	if s.ReadUint8(&typ) && s.ReadUint16LengthPrefixed(&data) && s.Empty() {
		switch typ {
		case registrationURI:
			ok = read16(&data, &r.URI)
		case registrationRoute:
			if read16(&data, &r.ContactPrefs) && data.ReadUint16LengthPrefixed(&v) {
				r.To, ok = list(v, MaxDestinations, readDestination)
				ok = ok && len(r.To) > 0 // destination_list<3..>
			}
		}
	}
	if !ok || !data.Empty() {
		return SipRegistration{}, malformed("SIP registration")
	}
	return r, nil
}
