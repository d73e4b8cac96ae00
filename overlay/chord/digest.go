package chord

import (
	"crypto/sha256"
	"encoding/binary"
	"hash/fnv"

	"chordophone/overlay"
)

// Most of what nodes ask each other in a quiet office has the answer that it had
// the last time. So a question carries a digest of what the asker has, and the
// answer may say that it is the same.

// digest is FNV-1a, 64 bits, of the nodes before and after: for each list the
// number of nodes, then Node-ID, address and port of each, IPv4 mapped into IPv6
// and zero where it is not known. It is 1 where it would be 0, which means none.
// Whoever would choose two tables of one digest could lie about either.
func (t Table) digest() uint64 {
	h := fnv.New64a()
	for _, list := range [][]overlay.Peer{t.Pred, t.Succ} {
		h.Write(binary.BigEndian.AppendUint16(nil, uint16(len(list))))
		for _, p := range list {
			var b [16 + 16 + 2]byte
			copy(b[:], p.ID[:])
			if p.Addr.IsValid() {
				a := p.Addr.Addr().As16()
				copy(b[16:], a[:])
				binary.BigEndian.PutUint16(b[32:], p.Addr.Port())
			}
			h.Write(b[:])
		}
	}
	return max(1, h.Sum64())
}

// sum is the first eight octets of SHA-256 over what the writer signed and the
// signature.
func sum(r overlay.Record) uint64 {
	h := sha256.Sum256(append(r.SignedBytes(), r.Sig...))
	return binary.BigEndian.Uint64(h[:8])
}

// HeldOf names a record as a Versions does.
func HeldOf(r overlay.Record) Held { return Held{r.Slot(), r.Version, sum(r)} }

// digest is the first eight octets of SHA-256 over version and sum of each
// record, in the order of Resource-ID, Kind and key. It is 1 where it would be 0.
func digest(held []Held) uint64 {
	b := make([]byte, 0, 16*len(held))
	for _, h := range held {
		b = binary.BigEndian.AppendUint64(b, uint64(h.Version))
		b = binary.BigEndian.AppendUint64(b, h.Sum)
	}
	d := sha256.Sum256(b)
	return max(1, binary.BigEndian.Uint64(d[:8]))
}

// pong answers a Ping.
func (n *Node) pong(p Ping) Pong {
	t := n.table()
	if p.Seen != 0 && p.Seen == t.digest() {
		return Pong{Same: true}
	}
	return Pong{Table: t}
}

// versions answers a Stat.
func (n *Node) versions(s Stat) Versions {
	held := n.shelf.held(n.now, s.After, s.Upto, maxHeld)
	if s.Seen != 0 && s.Seen == digest(held) {
		return Versions{Same: true}
	}
	return Versions{Held: held}
}
