package update

import (
	"context"
	"errors"
	"io"

	"chordophone/firmware/update/fetch"
	"chordophone/firmware/update/release"
	"chordophone/firmware/update/slot"
	"chordophone/firmware/update/trial"
	"chordophone/overlay"
)

// Progress is how far an installation is.
type Progress struct {
	Version release.Version `json:"version"`
	Stage   Stage           `json:"stage"`
	Done    int64           `json:"done"` // octets of the release
	Of      int64           `json:"of"`
}

// Stage is what an installation does.
type Stage string

// The stages, in order.
const (
	StageWrite    Stage = "write"
	StageReadBack Stage = "read back"
	StageReady    Stage = "ready" // the phone starts with it as soon as nobody calls
)

// Install reads a release file, checks it and writes it into the slot that does not run,
// while calls go on. When it returns without error the card has been read back, and the phone
// starts on trial as soon as nobody calls. Progress is called, from this goroutine, for
// each chunk and stage; nil: not at all. When the stream ends early, the next
// Install of the same release finds what is there already.
func (u *Updater) Install(ctx context.Context, r io.Reader, progress func(Progress)) error {
	if progress == nil {
		progress = func(Progress) {}
	}
	if u.cfg.Card == nil {
		return ErrNoSlots
	}
	keys, err := u.keys()
	if err != nil {
		return err
	}
	file, err := release.Open(r, keys)
	if err != nil {
		return err
	}
	defer file.Close()
	err = u.write(ctx, file.Signed, true, progress, func(w *slot.Writer) error {
		buf := make([]byte, release.ChunkSize)
		for done := int64(0); ; {
			i, data, err := file.Next(buf)
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err == nil {
				err = w.Put(ctx, i, data)
			}
			if err != nil {
				return err
			}
			done += int64(len(data))
			progress(Progress{file.Version, StageWrite, done, file.Length})
		}
	})
	if err != nil {
		return err
	}
	progress(Progress{file.Version, StageReady, file.Length, file.Length})
	return u.leave()
}

// ErrNothing means that no release waits to be started.
var ErrNothing error = hinted{"no release is ready to be started", "update < FILE installs one; update status says what the office has"}

// Leave starts the phone, as soon as nobody calls, with the release that is ready, whatever
// the hour and whoever's turn it is.
func (u *Updater) Leave() error {
	u.mu.Lock()
	ready := u.machine.Phase() == trial.Ready
	u.mu.Unlock()
	switch {
	case u.cfg.Card == nil:
		return ErrNoSlots
	case !ready:
		return ErrNothing
	}
	return u.leave()
}

func (u *Updater) leave() error {
	busy, report := u.cfg.Busy(), u.cfg.Health()
	u.mu.Lock()
	defer u.mu.Unlock()
	u.step(trial.Calls{Busy: busy})
	_, err := u.step(trial.Try{Now: report})
	return err
}

// bring writes a release into the slot that does not run, from other phones.
func (u *Updater) bring(ctx context.Context, s *release.Signed, dial fetch.Dial, sources []overlay.ID) error {
	return u.write(ctx, s, false, func(Progress) {}, func(w *slot.Writer) error {
		return fetch.Chunks(ctx, dial, sources, s, w)
	})
}

// write has a release written by fill, unless it may not be installed, and reads the slot
// back.
func (u *Updater) write(ctx context.Context, s *release.Signed, person bool, progress func(Progress), fill func(*slot.Writer) error) error {
	u.mu.Lock()
	write, err := u.step(trial.Begin{Release: s.ID(), Manifest: &s.Manifest, Person: person})
	if write == nil {
		u.mu.Unlock()
		return err
	}
	w := u.cfg.Card.Slots.Write(write.Partition, &s.Manifest)
	u.writer, u.writing = w, s.Version
	u.mu.Unlock()

	if err = fill(w); err == nil {
		progress(Progress{s.Version, StageReadBack, 0, s.Length})
		err = w.Finish(ctx)
	}
	if err == nil { // before the release is said to be there
		err = u.files.write(headFile(write.Partition), s.Head())
	}

	u.mu.Lock()
	defer u.mu.Unlock()
	u.writer = nil
	_, stepErr := u.step(trial.Written{Err: err})
	return errors.Join(err, stepErr)
}
