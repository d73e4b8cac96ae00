package usage

import (
	"context"
	"errors"
	"fmt"
	"math"
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
// When the ring knows a newer version, it goes on from there: this phone may have
// lost its disk and count from the beginning, or another phone may have written
// the slot last. So what is written later is the newer one, whoever writes it.
func (w *Writer) Put(ctx context.Context, r overlay.Record) (copies int, err error) {
	var after overlay.Version
	for range tries {
		copies, after, err = w.put(ctx, &r, after)
		if !errors.Is(err, chord.ErrTooOld) {
			break
		}
	}
	return copies, err
}

// tries is how often a record is put that the ring finds too old. A second time is
// needed when another phone writes the same slot in the same moment.
const tries = 3

// put is one try: it makes r newer than after, and not the next one: that is for
// take. With chord.ErrTooOld comes the version that the ring has.
func (w *Writer) put(ctx context.Context, r *overlay.Record, after overlay.Version) (copies int, newer overlay.Version, err error) {
	if after >= maxVersion {
		return 0, after, fmt.Errorf("usage: store %v: %w", r.Kind, errWornOut)
	}
	r.Version = w.next(after + 1)
	return w.store(ctx, r)
}

// take is one try to put a tombstone in the place of one version of a record: what
// anybody has written since stands, and the error is chord.ErrTooOld.
func (w *Writer) take(ctx context.Context, r *overlay.Record, version overlay.Version) (newer overlay.Version, err error) {
	if version >= maxVersion {
		return version, fmt.Errorf("usage: remove %v: %w", r.Kind, errWornOut)
	}
	r.Version = version + 1
	_, newer, err = w.store(ctx, r)
	return newer, err
}

// store signs and stores what is numbered.
func (w *Writer) store(ctx context.Context, r *overlay.Record) (copies int, newer overlay.Version, err error) {
	if err := w.signer.SignRecord(r); err != nil {
		return 0, 0, fmt.Errorf("usage: sign %v: %w", r.Kind, err)
	}
	if copies, newer, err = w.ring.Put(ctx, *r); err != nil {
		return 0, newer, fmt.Errorf("usage: store %v: %w", r.Kind, err)
	}
	return copies, 0, nil
}

// errWornOut means that somebody gave a slot the last of all versions.
var errWornOut = errors.New("no version is left above the one in the ring; find out who wrote it, and revoke that phone")

// maxVersion is the greatest version after which there is another.
const maxVersion = math.MaxUint64 - 1

// honest is above all versions that phones reach by counting. Whoever writes one
// from beyond wants to wear the numbers out: it is passed for that slot only.
const honest = overlay.Version(1) << 63

// next is a version newer than all that this phone has given, and than after.
func (w *Writer) next(after overlay.Version) overlay.Version {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last++
	if after < honest {
		w.last = max(w.last, after+1)
	}
	return max(w.last, after+1)
}
