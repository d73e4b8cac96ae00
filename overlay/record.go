package overlay

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/cryptobyte"
)

// Limits on one record; what exceeds them is refused on every way in.
const (
	MaxValue = 4096 // octets; leaves room for the rest of a 5000-octet Store (RFC 6940, section 6.6)
	MaxKey   = 255  // octets of a dictionary key
	MaxChain = 8    // certificates under one signature
	MaxCert  = 2048 // octets of one certificate
)

// Version numbers what one writer stored under one key; greater is newer. It
// holds the writer's boot epoch in the upper 32 bits and a counter below, so
// that no clock is needed and no restart repeats one. On the wire it is
// storage_time. // RFC 6940, section 7
type Version uint64

// MakeVersion puts a version together.
func MakeVersion(epoch, counter uint32) Version {
	return Version(epoch)<<32 | Version(counter)
}

// Epoch is the boot epoch of the writer, Counter what it counted since.
func (v Version) Epoch() uint32   { return uint32(v >> 32) }
func (v Version) Counter() uint32 { return uint32(v) }

// Record is one entry of a dictionary that is kept at a point of the ring:
// RELOAD's StoredData with a DictionaryEntry. It is complete in itself: with the
// office's root certificate anybody can verify it.
type Record struct {
	Resource ID
	Kind     Kind
	Key      []byte        // dictionary key
	Version  Version       // storage_time
	Lifetime time.Duration // remaining when handed on, whole seconds on the wire; not under the signature
	Removed  bool          // a tombstone: exists = false (RFC 6940, section 7.2)
	Value    []byte
	Owner    ID // Node-ID of the signer; Verify makes sure that the certificate agrees
	Signature
}

// Signature is an ECDSA P-256 signature with SHA-256 and the certificates that
// vouch for its key.
type Signature struct {
	Chain [][]byte // X.509 in DER, the signer's own first, the office's root left out
	Sig   []byte   // ASN.1 DER, as in TLS
}

// Slot names the place a record takes in the store: two records of the same slot
// are versions of one thing.
type Slot struct {
	Resource ID
	Kind     Kind
	Key      string
}

// MarshalText is RESOURCE/KIND/KEY: hexadecimal, decimal, hexadecimal. A type that
// embeds a Slot has this method too, and is to have its own.
func (s Slot) MarshalText() ([]byte, error) {
	return fmt.Appendf(nil, "%s/%d/%x", s.Resource, uint32(s.Kind), s.Key), nil
}

// UnmarshalText reads what MarshalText wrote.
func (s *Slot) UnmarshalText(b []byte) error {
	resource, rest, _ := strings.Cut(string(b), "/")
	kind, key, ok := strings.Cut(rest, "/")
	id, err := ParseID(resource)
	if err != nil {
		return err
	}
	k, err := strconv.ParseUint(kind, 10, 32)
	octets, err2 := hex.DecodeString(key)
	if !ok || err != nil || err2 != nil {
		return fmt.Errorf("overlay: slot %q: want RESOURCE/KIND/KEY", b)
	}
	*s = Slot{id, Kind(k), string(octets)}
	return nil
}

// Slot is the place r takes.
func (r Record) Slot() Slot { return Slot{r.Resource, r.Kind, string(r.Key)} }

// Supersedes reports whether r replaces old in the same slot. It orders any two
// different records, so that stores merge to the same content in whatever order
// they meet: greater version first; for equal versions (a writer that lost its
// memory) the tombstone, then the greater value, then the greater signature.
func (r Record) Supersedes(old Record) bool {
	if r.Version != old.Version {
		return r.Version > old.Version
	}
	if r.Removed != old.Removed {
		return r.Removed
	}
	if c := bytes.Compare(r.Value, old.Value); c != 0 {
		return c > 0
	}
	if c := r.Owner.Compare(old.Owner); c != 0 {
		return c > 0
	}
	return bytes.Compare(r.Sig, old.Sig) > 0
}

// CheckSize says whether r keeps to the limits.
func (r Record) CheckSize() error {
	switch {
	case len(r.Value) > MaxValue:
		return fmt.Errorf("overlay: record value of %d octets: at most %d", len(r.Value), MaxValue)
	case len(r.Key) > MaxKey:
		return fmt.Errorf("overlay: record key of %d octets: at most %d", len(r.Key), MaxKey)
	case len(r.Chain) > MaxChain:
		return fmt.Errorf("overlay: chain of %d certificates: at most %d", len(r.Chain), MaxChain)
	case len(r.Sig) > 255:
		return errors.New("overlay: signature too long")
	}
	for _, c := range r.Chain {
		if len(c) > MaxCert {
			return fmt.Errorf("overlay: certificate of %d octets: at most %d", len(c), MaxCert)
		}
	}
	return nil
}

// AppendValue appends the StoredDataValue of r: a DictionaryEntry.
// RFC 6940, section 7.2.3
//
//	opaque  key<0..2^16-1>;
//	Boolean exists; opaque value<0..2^32-1>;
func (r Record) AppendValue(b *cryptobyte.Builder) {
	b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(r.Key) })
	if r.Removed {
		b.AddUint8(0)
	} else {
		b.AddUint8(1)
	}
	b.AddUint32(uint32(len(r.Value)))
	b.AddBytes(r.Value)
}

// SignedBytes is what the signature covers. // RFC 6940, section 7.1
//
//	resource_id || kind || storage_time || StoredDataValue || SignerIdentity
func (r Record) SignedBytes() []byte {
	var b cryptobyte.Builder
	b.AddUint8LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(r.Resource[:]) })
	b.AddUint32(uint32(r.Kind))
	b.AddUint64(uint64(r.Version))
	r.AppendValue(&b)
	r.Signature.AppendIdentity(&b)
	return b.BytesOrPanic()
}

// AppendIdentity appends the SignerIdentity: the hash of the signer's
// certificate. // RFC 6940, section 6.3.4
func (s Signature) AppendIdentity(b *cryptobyte.Builder) {
	const certHash, sha256ID = 1, 4 // SignerIdentityType; HashAlgorithm of RFC 5246, section 7.4.1.4.1
	b.AddUint8(certHash)
	b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
		b.AddUint8(sha256ID)
		b.AddUint8LengthPrefixed(func(b *cryptobyte.Builder) {
			var leaf []byte
			if len(s.Chain) > 0 {
				leaf = s.Chain[0]
			}
			h := sha256.Sum256(leaf)
			b.AddBytes(h[:])
		})
	})
}

// errRecord is what every failure to parse a record comes down to.
var errRecord = errors.New("overlay: malformed record")

// recordFormat is the first octet of a record at rest.
const recordFormat = 1

// MarshalBinary is the form at rest, for the disk: complete and self-contained.
func (r Record) MarshalBinary() ([]byte, error) {
	if err := r.CheckSize(); err != nil {
		return nil, err
	}
	var b cryptobyte.Builder
	b.AddUint8(recordFormat)
	b.AddBytes(r.Resource[:])
	b.AddUint32(uint32(r.Kind))
	b.AddUint64(uint64(r.Version))
	b.AddUint32(uint32(r.Lifetime / time.Second))
	r.AppendValue(&b)
	b.AddBytes(r.Owner[:])
	b.AddUint8(uint8(len(r.Chain)))
	for _, c := range r.Chain {
		b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(c) })
	}
	b.AddUint8LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(r.Sig) })
	return b.Bytes()
}

// UnmarshalBinary reads what MarshalBinary wrote. The record shares no memory
// with data.
func (r *Record) UnmarshalBinary(data []byte) error {
	var (
		s              = cryptobyte.String(bytes.Clone(data))
		out            Record
		format, chain  uint8
		exists         uint8
		kind, lifetime uint32
		version        uint64
		n              uint32
		key, sig       cryptobyte.String
	)
	if !s.ReadUint8(&format) || format != recordFormat ||
		!s.CopyBytes(out.Resource[:]) || !s.ReadUint32(&kind) || !s.ReadUint64(&version) ||
		!s.ReadUint32(&lifetime) || !s.ReadUint16LengthPrefixed(&key) || !s.ReadUint8(&exists) || exists > 1 ||
		!s.ReadUint32(&n) || n > MaxValue || !s.ReadBytes(&out.Value, int(n)) ||
		!s.CopyBytes(out.Owner[:]) || !s.ReadUint8(&chain) {
		return errRecord
	}
	for range chain {
		var c cryptobyte.String
		if !s.ReadUint16LengthPrefixed(&c) {
			return errRecord
		}
		out.Chain = append(out.Chain, c)
	}
	if !s.ReadUint8LengthPrefixed(&sig) || !s.Empty() {
		return errRecord
	}
	out.Kind, out.Version, out.Removed = Kind(kind), Version(version), exists == 0
	out.Lifetime = time.Duration(lifetime) * time.Second
	out.Key, out.Sig = key, sig
	if err := out.CheckSize(); err != nil {
		return err
	}
	*r = out
	return nil
}
