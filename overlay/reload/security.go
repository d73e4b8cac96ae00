package reload

import (
	"fmt"

	"golang.org/x/crypto/cryptobyte"
)

// Security is the security block. // RFC 6940, section 6.3.4
type Security struct {
	Certificates []Certificate // those of every signature in the message
	Signature    Signature
}

// Certificate is a GenericCertificate.
type Certificate struct {
	Type uint8 // X509
	Data []byte
}

// Signature names an algorithm and a signer and holds the signature.
//
//	struct {
//	   SignatureAndHashAlgorithm algorithm;   // hash, signature
//	   SignerIdentity            identity;
//	   opaque                    signature_value<0..2^16-1>;
//	} Signature;
type Signature struct {
	Hash, Algorithm uint8
	Signer          Identity
	Value           []byte
}

// Identity is a SignerIdentity.
type Identity struct {
	Type IdentityType
	Hash uint8  // algorithm
	Sum  []byte // the hash; empty for NoIdentity
}

// Append appends the identity, which is also the end of what a signature covers.
func (id Identity) Append(out []byte) ([]byte, error) {
	b := cryptobyte.NewBuilder(out)
	id.add(b)
	return b.Bytes()
}

func (id Identity) add(b *cryptobyte.Builder) {
	b.AddUint8(uint8(id.Type))
	b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
		switch id.Type {
		case CertHash, CertHashNodeID:
			b.AddUint8(id.Hash)
			opaque8(b, id.Sum)
		case NoIdentity:
		default:
			b.SetError(fmt.Errorf("reload: signer identity of type %d", id.Type))
		}
	})
}

func readIdentity(s *cryptobyte.String, id *Identity) bool {
	var (
		typ uint8
		v   cryptobyte.String
	)
	if !s.ReadUint8(&typ) || !s.ReadUint16LengthPrefixed(&v) {
		return false
	}
	id.Type = IdentityType(typ)
	switch id.Type {
	case CertHash, CertHashNodeID:
		return v.ReadUint8(&id.Hash) && read8(&v, &id.Sum) && v.Empty()
	case NoIdentity:
		return v.Empty()
	}
	return false
}

func (sig Signature) add(b *cryptobyte.Builder) {
	b.AddUint8(sig.Hash)
	b.AddUint8(sig.Algorithm)
	sig.Signer.add(b)
	opaque16(b, sig.Value)
}

func readSignature(s *cryptobyte.String, sig *Signature) bool {
	return s.ReadUint8(&sig.Hash) && s.ReadUint8(&sig.Algorithm) && readIdentity(s, &sig.Signer) && read16(s, &sig.Value)
}

// Append appends the security block.
func (sec Security) Append(out []byte) ([]byte, error) {
	if len(sec.Certificates) > MaxCertificates {
		return nil, fmt.Errorf("%d certificates: %w", len(sec.Certificates), ErrTooLarge)
	}
	b := cryptobyte.NewBuilder(out)
	b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
		for _, c := range sec.Certificates {
			b.AddUint8(c.Type)
			opaque16(b, c.Data)
		}
	})
	sec.Signature.add(b)
	return b.Bytes()
}

// ParseSecurity reads a security block that stands alone.
func ParseSecurity(octets []byte) (sec Security, err error) {
	s := cryptobyte.String(octets)
	if !readSecurity(&s, &sec) || !s.Empty() {
		return Security{}, malformed("security block")
	}
	return sec, nil
}

func readSecurity(s *cryptobyte.String, sec *Security) bool {
	var (
		v  cryptobyte.String
		ok bool
	)
	if !s.ReadUint16LengthPrefixed(&v) {
		return false
	}
	sec.Certificates, ok = list(v, MaxCertificates, func(s *cryptobyte.String, c *Certificate) bool {
		return s.ReadUint8(&c.Type) && read16(s, &c.Data)
	})
	return ok && readSignature(s, &sec.Signature)
}

// AppendSigned appends what the signature of a message covers.
// RFC 6940, section 6.3.4
//
//	overlay || transaction_id || MessageContents || SignerIdentity
func AppendSigned(out []byte, overlay uint32, tx uint64, contents []byte, signer Identity) ([]byte, error) {
	b := cryptobyte.NewBuilder(out)
	b.AddUint32(overlay)
	b.AddUint64(tx)
	b.AddBytes(contents)
	signer.add(b)
	return b.Bytes()
}
