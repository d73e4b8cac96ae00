package identity

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math/big"

	"filippo.io/nistec"
)

// SPAKE2-P256-SHA256-HKDF-HMAC. // RFC 9382, section 6
const (
	spakeM = "02886e2f97ace46e55ba9dd7242579f2993b64e16ef3dcab95afd497333d8fa12f"
	spakeN = "03d8bbd6c639c62937b04d997f38c3770719c629d7014d49a24b4f98baa1292b49"
	// spakeOrder is the order of P-256. // SEC 2, section 2.4.2
	spakeOrder = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"

	scalarLen  = 32
	shareLen   = 65 // an uncompressed point
	confirmLen = sha256.Size
)

var errShare = errors.New("identity: share is not a point on P-256")

// spake is one run of SPAKE2 on one side.
type spake struct {
	first    bool // the role A of RFC 9382
	idA, idB string
	w, x     []byte // password and own secret as scalars
	own      []byte // pA or pB
}

// newSpake begins a run with a secret scalar from newScalar.
// RFC 9382, section 3.3: pA = w*M + x*P, pB = w*N + y*P
func newSpake(first bool, idA, idB string, w, x []byte) (*spake, error) {
	blind, err := nistec.NewP256Point().ScalarMult(spakePoint(first), w)
	if err != nil {
		return nil, err
	}
	p, err := nistec.NewP256Point().ScalarBaseMult(x)
	if err != nil {
		return nil, err
	}
	return &spake{first, idA, idB, w, x, p.Add(p, blind).Bytes()}, nil
}

// confirmations takes the other side's share and gives the confirmation to send
// and the one to expect. aad is bound into both.
func (s *spake) confirmations(peer, aad []byte) (send, expect []byte, err error) {
	if len(peer) != shareLen || peer[0] != 4 {
		return nil, nil, errShare // the point at infinity among others
	}
	p, err := nistec.NewP256Point().SetBytes(peer)
	if err != nil {
		return nil, nil, errShare
	}
	// K = x*(pB - w*N); the group has prime order: no cofactor.
	blind, err := nistec.NewP256Point().ScalarMult(spakePoint(!s.first), s.w)
	if err != nil {
		return nil, nil, err
	}
	p.Add(p, blind.Negate(blind))
	k, err := p.ScalarMult(p, s.x)
	if err != nil {
		return nil, nil, err
	}
	if k.IsInfinity() == 1 {
		return nil, nil, errShare
	}
	pA, pB := s.own, peer
	if !s.first {
		pA, pB = pB, pA
	}
	tt := spakeTranscript([]byte(s.idA), []byte(s.idB), pA, pB, k.Bytes(), s.w)

	// Ke || Ka = Hash(TT); KcA || KcB = KDF(Ka, nil, "ConfirmationKeys" || AAD).
	// RFC 9382, section 4
	ka := sha256.Sum256(tt)
	kc, err := hkdf.Key(sha256.New, ka[16:], nil, "ConfirmationKeys"+string(aad), 32)
	if err != nil {
		return nil, nil, err
	}
	cA, cB := mac(kc[:16], tt), mac(kc[16:], tt)
	if s.first {
		return cA, cB, nil
	}
	return cB, cA, nil
}

// confirmed compares a confirmation in constant time.
func confirmed(got, expect []byte) bool { return subtle.ConstantTimeCompare(got, expect) == 1 }

// spakeTranscript is TT: each part with its length as 8 octets, little-endian.
// RFC 9382, section 3.3
func spakeTranscript(parts ...[]byte) []byte {
	var tt []byte
	for _, p := range parts {
		tt = binary.LittleEndian.AppendUint64(tt, uint64(len(p)))
		tt = append(tt, p...)
	}
	return tt
}

func mac(key, msg []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(msg)
	return h.Sum(nil)
}

func spakePoint(first bool) *nistec.P256Point {
	text := spakeN
	if first {
		text = spakeM
	}
	b, _ := hex.DecodeString(text)
	p, err := nistec.NewP256Point().SetBytes(b)
	if err != nil {
		panic("BUG: constant of RFC 9382 is not on P-256")
	}
	return p
}

// newScalar is a secret for one run.
func newScalar() []byte {
	b := make([]byte, scalarLen+16)
	rand.Read(b)
	return reduce(b)
}

// codeScalar is w for a pairing code. RFC 9382 wants a memory-hard function, for
// those who keep w and may lose it; the code is made for one use, lives for
// minutes and is written nowhere, so a plain one does and spares a small computer
// 16 MB.
func codeScalar(code string) ([]byte, error) {
	b, err := hkdf.Key(sha256.New, []byte(code), nil, EnrolALPN+" code", scalarLen+16)
	if err != nil {
		return nil, err
	}
	return reduce(b), nil
}

// reduce brings 16 octets more than needed below the order: the bias is nil.
func reduce(b []byte) []byte {
	order, _ := new(big.Int).SetString(spakeOrder, 16)
	n := new(big.Int).SetBytes(b)
	return n.Mod(n, order).FillBytes(make([]byte, scalarLen))
}
