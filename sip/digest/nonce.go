package digest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"hash"
	"net/netip"
	"time"
)

const (
	nonceLife = 5 * time.Minute
	nonceSize = 6 + 8 + 16
)

// nonces makes and checks nonces; see the package comment.
type nonces struct {
	boot  time.Time // with a monotonic reading: a clock that is set changes nothing
	hash  hash.Hash // HMAC with the key of this boot
	realm []byte
	last  uint64
	sum   []byte // room
}

func newNonces(boot time.Time, key []byte, realm string) nonces {
	return nonces{boot: boot, hash: hmac.New(sha256.New, key), realm: []byte(realm)}
}

func (n *nonces) make(now time.Time, source netip.Addr) string {
	n.last++
	var b [nonceSize]byte
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(now.Sub(n.boot).Milliseconds()))
	copy(b[:6], ms[2:])
	binary.BigEndian.PutUint64(b[6:14], n.last)
	copy(b[14:], n.mac(b[:14], source))
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// check returns the number of a nonce that was made here for source and has not
// expired.
func (n *nonces) check(now time.Time, nonce string, source netip.Addr) (number uint64, ok bool) {
	var b [nonceSize]byte
	if base64.RawURLEncoding.DecodedLen(len(nonce)) != nonceSize {
		return 0, false
	}
	if _, err := base64.RawURLEncoding.Strict().Decode(b[:], []byte(nonce)); err != nil {
		return 0, false
	}
	if !hmac.Equal(b[14:], n.mac(b[:14], source)) {
		return 0, false
	}
	var ms [8]byte
	copy(ms[2:], b[:6])
	age := now.Sub(n.boot) - time.Duration(binary.BigEndian.Uint64(ms[:]))*time.Millisecond
	return binary.BigEndian.Uint64(b[6:14]), age <= nonceLife
}

// mac is good until the next call.
func (n *nonces) mac(head []byte, source netip.Addr) []byte {
	n.hash.Reset()
	n.hash.Write(head)
	addr := source.As16()
	n.hash.Write(addr[:])
	n.hash.Write(n.realm)
	n.sum = n.hash.Sum(n.sum[:0])
	return n.sum[:16]
}

// maxUsed is a power of two: 128 KB of counts.
const maxUsed = 8192

// used remembers which nonce counts were used with which nonce.
type used []count

type count struct {
	nonce  uint64 // its number, 0: nobody's place
	high   uint32 // the greatest nonce count
	window uint32 // bit n: high-n was used
}

// take says whether a count is used for the first time with a nonce. A nonce whose
// place a newer one has taken cannot be told from a used one.
func (u used) take(nonce uint64, nc uint32) bool {
	c := &u[nonce%uint64(len(u))]
	switch {
	case nonce < c.nonce:
		return false
	case nonce > c.nonce:
		*c = count{nonce: nonce}
	}
	switch {
	case nc > c.high:
		c.window = c.window<<(nc-c.high) | 1
		c.high = nc
		return true
	case c.high-nc >= 32: // overtaken by that many: too long ago to know
		return false
	}
	bit := uint32(1) << (c.high - nc)
	if c.window&bit != 0 {
		return false
	}
	c.window |= bit
	return true
}
