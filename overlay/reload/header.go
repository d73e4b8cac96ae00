package reload

import (
	"crypto/sha1"
	"encoding/binary"
	"fmt"

	"golang.org/x/crypto/cryptobyte"

	"chordophone/overlay"
)

// OverlayHash is the overlay field of the header: the low 32 bits of the SHA-1
// of the overlay's name. // RFC 6940, section 6.3.2
func OverlayHash(name string) uint32 {
	h := sha1.Sum([]byte(name))
	return binary.BigEndian.Uint32(h[len(h)-4:])
}

// ConfigOlder reports whether configuration sequence a comes before b. They count
// modulo 65535. // RFC 6940, section 6.3.2.1
func ConfigOlder(a, b uint16) bool {
	ahead := (uint32(b) + NoConfig - uint32(a)) % NoConfig
	return ahead != 0 && ahead < NoConfig/2
}

// Header is the forwarding header without its constant fields.
// RFC 6940, section 6.3.2
type Header struct {
	Overlay     uint32 // OverlayHash
	Config      uint16 // configuration_sequence
	TTL         uint8
	Tx          uint64
	MaxResponse uint32 // octets; 0: no limit
	Via         []Destination
	To          []Destination
	Options     []Option
}

// Destination is an entry of a via or destination list.
// RFC 6940, section 6.3.2.2
//
//	node        type 1, length 16, Node-ID
//	resource    type 2, length n+1, n, Resource-ID of n octets
//	opaque      type 3, length n+1, n, n octets
//	short form  two octets with the top bit set: an opaque of two octets
type Destination struct {
	Type DestinationType
	ID   []byte
}

// Node and Resource make a Destination.
func Node(id overlay.ID) Destination     { return Destination{DestNode, id[:]} }
func Resource(id overlay.ID) Destination { return Destination{DestResource, id[:]} }

// Option is a forwarding option. // RFC 6940, section 6.3.2.3
type Option struct {
	Type  uint8
	Flags uint8
	Value []byte
}

// Flags of an Option.
const (
	ForwardCritical     = 0x01
	DestinationCritical = 0x02
	ResponseCopy        = 0x04
)

// Append appends the header of a message whose Contents and Security have
// payload octets.
func (h Header) Append(out []byte, payload int) ([]byte, error) {
	start := len(out)
	b := cryptobyte.NewBuilder(out)
	b.AddUint32(token)
	b.AddUint32(h.Overlay)
	b.AddUint16(h.Config)
	b.AddUint8(version)
	b.AddUint8(h.TTL)
	b.AddUint32(unbroken)
	b.AddUint32(0) // length
	b.AddUint64(h.Tx)
	b.AddUint32(h.MaxResponse)
	b.AddUint16(0) // list lengths
	b.AddUint16(0)
	b.AddUint16(0)
	out, err := b.Bytes()
	if err != nil {
		return nil, err
	}
	var via, to, options int
	if out, via, err = appendList(out, h.Via, MaxDestinations, addDestination); err != nil {
		return nil, fmt.Errorf("reload: via list: %w", err)
	}
	if out, to, err = appendList(out, h.To, MaxDestinations, addDestination); err != nil {
		return nil, fmt.Errorf("reload: destination list: %w", err)
	}
	if out, options, err = appendList(out, h.Options, MaxOptions, addOption); err != nil {
		return nil, fmt.Errorf("reload: forwarding options: %w", err)
	}
	length := len(out) - start + payload
	if length > MaxMessage {
		return nil, fmt.Errorf("message of %d octets: %w", length, ErrTooLarge)
	}
	binary.BigEndian.PutUint32(out[start+16:], uint32(length))
	binary.BigEndian.PutUint16(out[start+32:], uint16(via))
	binary.BigEndian.PutUint16(out[start+34:], uint16(to))
	binary.BigEndian.PutUint16(out[start+36:], uint16(options))
	return out, nil
}

// appendList appends entries end to end and says how many octets they take.
func appendList[T any](out []byte, list []T, max int, add func(*cryptobyte.Builder, T)) ([]byte, int, error) {
	if len(list) > max {
		return nil, 0, ErrTooLarge
	}
	b := cryptobyte.NewBuilder(out)
	for _, t := range list {
		add(b, t)
	}
	res, err := b.Bytes()
	if n := len(res) - len(out); err == nil && n <= 0xffff {
		return res, n, nil
	}
	if err == nil {
		err = ErrTooLarge
	}
	return nil, 0, err
}

// ParseHeader reads the header of the message in b, which must be whole, and
// returns the rest: Contents and Security.
func ParseHeader(b []byte) (h Header, payload []byte, err error) {
	s := cryptobyte.String(b)
	var (
		tok, fragment, length uint32
		ver                   uint8
		nVia, nTo, nOptions   uint16
		via, to, options      []byte
		ok                    bool
	)
	if len(b) > MaxMessage {
		return h, nil, fmt.Errorf("message of %d octets: %w", len(b), ErrTooLarge)
	}
	if !s.ReadUint32(&tok) || tok != token ||
		!s.ReadUint32(&h.Overlay) || !s.ReadUint16(&h.Config) || !s.ReadUint8(&ver) ||
		!s.ReadUint8(&h.TTL) || !s.ReadUint32(&fragment) || !s.ReadUint32(&length) || !s.ReadUint64(&h.Tx) ||
		!s.ReadUint32(&h.MaxResponse) || !s.ReadUint16(&nVia) || !s.ReadUint16(&nTo) || !s.ReadUint16(&nOptions) {
		return h, nil, malformed("header")
	}
	switch {
	case ver != version:
		return h, nil, ErrVersion
	case fragment != unbroken:
		return h, nil, ErrFragment
	case uint64(length) != uint64(len(b)):
		return h, nil, malformed("message length")
	case !s.ReadBytes(&via, int(nVia)), !s.ReadBytes(&to, int(nTo)), !s.ReadBytes(&options, int(nOptions)):
		return h, nil, malformed("header")
	}
	if h.Via, ok = list(via, MaxDestinations, readDestination); !ok {
		return h, nil, malformed("via list")
	}
	if h.To, ok = list(to, MaxDestinations, readDestination); !ok {
		return h, nil, malformed("destination list")
	}
	if h.Options, ok = list(options, MaxOptions, readOption); !ok {
		return h, nil, malformed("forwarding options")
	}
	return h, s, nil
}

func malformed(noun string) error { return fmt.Errorf("%w: %s", ErrMalformed, noun) }

func readDestination(s *cryptobyte.String, d *Destination) bool {
	var (
		typ uint8
		v   cryptobyte.String
	)
	if s.Empty() {
		return false
	}
	if (*s)[0]&0x80 != 0 {
		d.Type = DestShort
		return s.ReadBytes(&d.ID, 2)
	}
	if !s.ReadUint8(&typ) || !s.ReadUint8LengthPrefixed(&v) {
		return false
	}
	d.Type = DestinationType(typ)
	switch d.Type {
	case DestNode:
		d.ID = v
		return len(v) == len(overlay.ID{})
	case DestResource, DestOpaque:
		return read8(&v, &d.ID) && v.Empty()
	}
	return false
}

func addDestination(b *cryptobyte.Builder, d Destination) {
	switch {
	case d.Type == DestShort && len(d.ID) == 2 && d.ID[0]&0x80 != 0:
		b.AddBytes(d.ID)
	case d.Type == DestNode && len(d.ID) == len(overlay.ID{}):
		b.AddUint8(uint8(d.Type))
		opaque8(b, d.ID)
	case d.Type == DestResource || d.Type == DestOpaque:
		b.AddUint8(uint8(d.Type))
		b.AddUint8LengthPrefixed(func(b *cryptobyte.Builder) { opaque8(b, d.ID) })
	default:
		b.SetError(fmt.Errorf("reload: destination of type %d with %d octets", d.Type, len(d.ID)))
	}
}

func readOption(s *cryptobyte.String, o *Option) bool {
	return s.ReadUint8(&o.Type) && s.ReadUint8(&o.Flags) && read16(s, &o.Value)
}

func addOption(b *cryptobyte.Builder, o Option) {
	b.AddUint8(o.Type)
	b.AddUint8(o.Flags)
	opaque16(b, o.Value)
}
