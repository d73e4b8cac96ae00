package link

import (
	"fmt"
	"sync"

	"chordophone/overlay"
	"chordophone/overlay/chord"
)

// trusts are the last messages that went out without the certificates of their
// records, because the other side was taken to know those: as a neighbour, which
// has shown its own, or as the holder of others' records it mostly does. Where it
// does not it says so, and the message is sent again.
type trusts struct {
	mu   sync.Mutex // guards what follows
	ring [maxTrusts]trust
	next int
}

type trust struct {
	to overlay.ID
	o  *outgoing
}

// maxTrusts is more than wait for an answer at the same time.
const maxTrusts = 256

func (t *trusts) add(to overlay.ID, o *outgoing) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ring[t.next] = trust{to, o}
	t.next = (t.next + 1) % maxTrusts
}

// take finds a message and forgets it: nil if it is not known.
func (t *trusts) take(to overlay.ID, tx uint64) *outgoing {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, e := range t.ring {
		if e.o != nil && e.to == to && e.o.header.Tx == tx {
			t.ring[i] = trust{}
			return e.o
		}
	}
	return nil
}

// sendAgain sends a message again, complete. It reports whether there was one.
func (l *Link) sendAgain(to overlay.Peer, tx uint64) bool {
	o := l.trusts.take(to.ID, tx)
	if o == nil {
		return false
	}
	whole := *o
	whole.trusting = false
	l.send(to, &whole)
	return true
}

// verifyRecords refuses a Store that holds a bad record (RFC 6940, section
// 7.4.1.1) and leaves bad ones out of what was fetched (section 7.4.2.2). A node
// that hands its copies over may not know yet that a signer was revoked: of those
// the bad ones are left out, too, or nobody could join through it.
func (l *Link) verifyRecords(b chord.Body) (chord.Body, error) {
	switch b := b.(type) {
	case chord.Store:
		if b.Replica > 0 {
			b.Records = l.good(b.Records)
			return b, nil
		}
		for _, r := range b.Records {
			if err := l.verifyRecord(r); err != nil {
				return nil, err
			}
		}
	case chord.Fetched:
		b.Records = l.good(b.Records)
		return b, nil
	}
	return b, nil
}

// good are the records that verify.
func (l *Link) good(records []overlay.Record) []overlay.Record {
	good := records[:0]
	for _, r := range records {
		if err := l.verifyRecord(r); err != nil {
			l.drop(BadRecord, "record", "err", err)
			continue
		}
		good = append(good, r)
	}
	return good
}

func (l *Link) verifyRecord(r overlay.Record) (err error) {
	if l.cfg.VerifyRecord != nil {
		err = l.cfg.VerifyRecord(r)
	} else {
		var owner overlay.ID
		owner, err = l.cfg.Verify(r.SignedBytes(), r.Signature)
		if err == nil && owner != r.Owner {
			err = fmt.Errorf("link: record of %s signed by %s", r.Owner.Short(), owner.Short())
		}
	}
	if err == nil {
		l.cabinet.prove(r.Chain)
	}
	return err
}
