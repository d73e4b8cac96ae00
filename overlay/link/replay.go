package link

import (
	"crypto/sha256"
	"encoding/binary"
	"sync"

	"chordophone/overlay"
)

// replays remembers the messages that ended here, to refuse them a second time.
// It goes by what was signed and not by the signature, which whoever passes a
// message on could change into another good one (ECDSA).
//
// The bound makes it forget. What a replay could do after that is bounded by
// other means: a Store by the versions of its records, an Update or a Leave
// because they are only taken from the connection to their maker.
type replays struct {
	mu   sync.Mutex
	seen map[digest]bool
	ring []digest // of seen, oldest at next once it is full
	next int
}

type digest [16]byte

// maxReplays is more than a busy node hears in a minute.
const maxReplays = 8192

// fresh notes a message and reports whether it is here for the first time.
func (r *replays) fresh(maker overlay.ID, tx uint64, signed []byte) bool {
	h := sha256.New()
	h.Write(maker[:])
	h.Write(binary.BigEndian.AppendUint64(make([]byte, 0, 8), tx))
	h.Write(signed)
	d := digest(h.Sum(nil)[:len(digest{})])
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.seen[d]:
		return false
	case r.seen == nil:
		r.seen = make(map[digest]bool)
	}
	if len(r.ring) < maxReplays {
		r.ring = append(r.ring, d)
	} else {
		delete(r.seen, r.ring[r.next])
		r.ring[r.next] = d
		r.next = (r.next + 1) % maxReplays
	}
	r.seen[d] = true
	return true
}
