package usage

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"chordophone/overlay"
	"chordophone/overlay/chord"
)

// Writer numbers, signs and stores this phone's records.
type Writer struct {
	ring   Ring
	signer Signer

	mu   sync.Mutex // guards last
	last overlay.Version
}

// NewWriter makes a writer for this boot's epoch, which the disk has raised.
func NewWriter(ring Ring, signer Signer, epoch uint32) *Writer {
	return &Writer{ring: ring, signer: signer, last: overlay.MakeVersion(epoch, 0)}
}

// Put gives r the next version, signs it and stores it. It returns on how many
// disks the record is.
//
// A phone that lost its disk counts from the beginning, while the ring still
// knows what it wrote before: then it goes on from there.
func (w *Writer) Put(ctx context.Context, r overlay.Record) (copies int, err error) {
	const tries = 3
	for range tries {
		r.Version = w.next()
		if err := w.signer.SignRecord(&r); err != nil {
			return 0, fmt.Errorf("usage: sign %v: %w", r.Kind, err)
		}
		var newer overlay.Version
		copies, newer, err = w.ring.Put(ctx, r)
		if !errors.Is(err, chord.ErrTooOld) {
			break
		}
		w.pass(newer)
	}
	if err != nil {
		return 0, fmt.Errorf("usage: store %v: %w", r.Kind, err)
	}
	return copies, nil
}

func (w *Writer) next() overlay.Version {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last++
	return w.last
}

// pass makes sure that the next version is newer than v.
func (w *Writer) pass(v overlay.Version) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last = max(w.last, v)
}
