package overlay

import (
	"bytes"
	"crypto/sha1"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/bits"
)

// ID is a point on the identifier circle of 2^128 points: a Node-ID or a
// Resource-ID (RFC 6940, section 6.3.1.1; CHORD-RELOAD uses 128 bits).
type ID [16]byte

// ResourceID is the point at which what belongs to name is kept: the first 16
// octets of its SHA-1. // RFC 6940, section 10.2
func ResourceID(name string) ID {
	h := sha1.Sum([]byte(name))
	return ID(h[:16])
}

// ParseID reads 32 hexadecimal digits.
func ParseID(s string) (ID, error) {
	var x ID
	if len(s) != 2*len(x) {
		return x, fmt.Errorf("overlay: identifier %q: want %d hexadecimal digits", s, 2*len(x))
	}
	if _, err := hex.Decode(x[:], []byte(s)); err != nil {
		return ID{}, fmt.Errorf("overlay: identifier %q: %w", s, err)
	}
	return x, nil
}

// Between reports whether x lies on the open arc that runs clockwise from a to
// b. When a equals b the arc is the whole circle but a itself.
func (x ID) Between(a, b ID) bool {
	if a.Compare(b) < 0 {
		return a.Compare(x) < 0 && x.Compare(b) < 0
	}
	return a.Compare(x) < 0 || x.Compare(b) < 0
}

// Compare orders identifiers as unsigned integers: -1, 0 or +1.
func (x ID) Compare(y ID) int { return bytes.Compare(x[:], y[:]) }

// IsZero reports whether x is the zero ID, which no node has: it stands for
// "none".
func (x ID) IsZero() bool { return x == ID{} }

// Distance is the length of the clockwise arc from x to y.
func (x ID) Distance(y ID) ID {
	xh, xl := x.halves()
	yh, yl := y.halves()
	lo, borrow := bits.Sub64(yl, xl, 0)
	hi, _ := bits.Sub64(yh, xh, borrow)
	return fromHalves(hi, lo)
}

// Plus is the point 2^power steps clockwise of x: where a finger starts.
// power is 0 to 127.
func (x ID) Plus(power uint) ID {
	var addHi, addLo uint64
	if power < 64 {
		addLo = 1 << power
	} else {
		addHi = 1 << (power - 64)
	}
	hi, lo := x.halves()
	lo, carry := bits.Add64(lo, addLo, 0)
	hi, _ = bits.Add64(hi, addHi, carry)
	return fromHalves(hi, lo)
}

// Forward is the point that share of the circle clockwise of x, 0 <= share < 1.
func (x ID) Forward(share float64) ID {
	hi, lo := x.halves()
	return fromHalves(hi+uint64(share*(1<<64)), lo)
}

func (x ID) halves() (hi, lo uint64) {
	return binary.BigEndian.Uint64(x[:8]), binary.BigEndian.Uint64(x[8:])
}

func fromHalves(hi, lo uint64) (x ID) {
	binary.BigEndian.PutUint64(x[:8], hi)
	binary.BigEndian.PutUint64(x[8:], lo)
	return x
}

// String is all 32 hexadecimal digits.
func (x ID) String() string { return hex.EncodeToString(x[:]) }

// Short is the first eight digits, enough for a person to tell nodes apart.
func (x ID) Short() string { return hex.EncodeToString(x[:4]) }

// MarshalText implements encoding.TextMarshaler.
func (x ID) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, x[:]), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (x *ID) UnmarshalText(b []byte) (err error) {
	*x, err = ParseID(string(b))
	return err
}
