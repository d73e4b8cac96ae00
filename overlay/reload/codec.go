package reload

import (
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/crypto/cryptobyte"

	"chordophone/overlay"
)

// Errors of Parse and Append.
var (
	ErrMalformed   = errors.New("reload: malformed")
	ErrTooLarge    = errors.New("reload: too large")
	ErrUnknownKind = errors.New("reload: unknown kind")
	ErrUnknownCode = errors.New("reload: unknown message code")
	ErrFragment    = errors.New("reload: fragment of a message") // TCP needs none
	ErrVersion     = errors.New("reload: not version 1.0")
)

// UnknownKindError is an ErrUnknownKind that tells which.
type UnknownKindError Kind

func (e UnknownKindError) Error() string { return fmt.Sprintf("%v: %#x", ErrUnknownKind, uint32(e)) }
func (e UnknownKindError) Unwrap() error { return ErrUnknownKind }

// read32 reads opaque<0..2^32-1>.
func read32(s, out *cryptobyte.String) bool {
	var n uint32
	return s.ReadUint32(&n) && uint64(n) <= uint64(len(*s)) && s.ReadBytes((*[]byte)(out), int(n))
}

// add32 adds it.
func add32(b *cryptobyte.Builder, f func(b *cryptobyte.Builder)) { b.AddUint32LengthPrefixed(f) }

// opaque8 and opaque16 add a vector of octets.
func opaque8(b *cryptobyte.Builder, v []byte) {
	b.AddUint8LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(v) })
}

func opaque16(b *cryptobyte.Builder, v []byte) {
	b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(v) })
}

func opaque32(b *cryptobyte.Builder, v []byte) {
	add32(b, func(b *cryptobyte.Builder) { b.AddBytes(v) })
}

func read8(s *cryptobyte.String, out *[]byte) bool {
	return s.ReadUint8LengthPrefixed((*cryptobyte.String)(out))
}

func read16(s *cryptobyte.String, out *[]byte) bool {
	return s.ReadUint16LengthPrefixed((*cryptobyte.String)(out))
}

// readBool accepts 0 and 1 only. // RFC 6940, section 6.3.1.1
func readBool(s *cryptobyte.String, out *bool) bool {
	var v uint8
	if !s.ReadUint8(&v) || v > 1 {
		return false
	}
	*out = v == 1
	return true
}

func addBool(b *cryptobyte.Builder, v bool) {
	if v {
		b.AddUint8(1)
	} else {
		b.AddUint8(0)
	}
}

// readID reads a Node-ID: 16 octets without a length.
func readID(s *cryptobyte.String, id *overlay.ID) bool { return s.CopyBytes(id[:]) }

// readIDs reads NodeId list<0..2^16-1>.
func readIDs(s *cryptobyte.String, out *[]overlay.ID) bool {
	var v cryptobyte.String
	if !s.ReadUint16LengthPrefixed(&v) || len(v)%len(overlay.ID{}) != 0 {
		return false
	}
	*out = nil
	if n := len(v) / len(overlay.ID{}); n > 0 {
		*out = make([]overlay.ID, n)
	}
	for i := range *out {
		v.CopyBytes((*out)[i][:])
	}
	return true
}

func addIDs(b *cryptobyte.Builder, ids []overlay.ID) {
	b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
		for i := range ids {
			b.AddBytes(ids[i][:])
		}
	})
}

// list reads the entries of a vector one after the other until it is empty.
func list[T any](v cryptobyte.String, max int, read func(*cryptobyte.String, *T) bool) (out []T, ok bool) {
	for !v.Empty() {
		var t T
		if len(out) == max || !read(&v, &t) {
			return nil, false
		}
		out = append(out, t)
	}
	return out, true
}

// Address types. // RFC 6940, section 6.3.1.1
const (
	addrIPv4 = 1
	addrIPv6 = 2
)

// readAddr reads an IpAddressPort:
//
//	type 1: length  6, IPv4 address, port
//	type 2: length 18, IPv6 address, port
func readAddr(s *cryptobyte.String, out *netip.AddrPort) bool {
	var (
		typ  uint8
		v    cryptobyte.String
		ip   []byte
		port uint16
	)
	if !s.ReadUint8(&typ) || !s.ReadUint8LengthPrefixed(&v) {
		return false
	}
	n := 4
	switch typ {
	case addrIPv4:
	case addrIPv6:
		n = 16
	default:
		return false
	}
	if !v.ReadBytes(&ip, n) || !v.ReadUint16(&port) || !v.Empty() {
		return false
	}
	addr, _ := netip.AddrFromSlice(ip)
	*out = netip.AddrPortFrom(addr, port)
	return true
}

func addAddr(b *cryptobyte.Builder, a netip.AddrPort) {
	if !a.IsValid() {
		b.SetError(errors.New("reload: invalid address"))
		return
	}
	typ := uint8(addrIPv6)
	if a.Addr().Is4() {
		typ = addrIPv4
	}
	b.AddUint8(typ)
	b.AddUint8LengthPrefixed(func(b *cryptobyte.Builder) {
		b.AddBytes(a.Addr().AsSlice())
		b.AddUint16(a.Port())
	})
}
