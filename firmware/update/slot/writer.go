package slot

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"chordophone/firmware/update/pace"
	"chordophone/firmware/update/release"
)

// syncEvery is how many chunks may wait in the card's cache.
const syncEvery = 4

// ErrReadBack means that the card does not hold what was written to it.
var ErrReadBack error = hinted{"the card reads back otherwise than it was written", "the card is worn out: replace it"}

// hinted is an error for people, with what to do about it.
type hinted struct{ text, hint string }

func (e hinted) Error() string { return e.text }

// Hint is what to do about it.
func (e hinted) Hint() string { return e.hint }

// Writer writes a release into a slot: Put for each chunk, in any order, then Finish.
// It is safe for concurrent use.
type Writer struct {
	slots     *Slots
	partition int
	m         *release.Manifest
	reading   *pace.Pace
	writing   *pace.Pace

	mu       sync.Mutex // guards what follows, and the writing
	have     []bool
	done     int
	unsynced int
	buf      []byte
}

// Write begins to write a release into the slot in partition p, which is neither the
// one that runs nor the one that is started.
func (s *Slots) Write(p int, m *release.Manifest) *Writer {
	return &Writer{
		slots: s, partition: p, m: m, reading: pace.New(readRate), writing: pace.New(writeRate),
		have: make([]bool, len(m.Chunks)), buf: make([]byte, release.ChunkSize),
	}
}

// Put writes a chunk, unless the slot has it already: to read is faster, and costs the
// card nothing. A chunk that is not what the manifest says is not written: the error wraps
// release.ErrContent.
func (w *Writer) Put(ctx context.Context, i int, data []byte) error {
	if i < 0 || i >= len(w.m.Chunks) || !w.m.IsChunk(i, data) {
		return fmt.Errorf("chunk %d: %w", i+1, release.ErrContent)
	}
	if has, err := w.look(ctx, i); has || err != nil {
		return err
	}
	if err := w.writing.Wait(ctx, len(data)); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.have[i] {
		return nil
	}
	if err := w.write(i, data); err != nil {
		return fmt.Errorf("write chunk %d of the slot: %w", i+1, err)
	}
	w.have[i] = true
	w.done++
	return nil
}

func (w *Writer) write(i int, data []byte) error {
	disk := w.slots.disk(w.partition)
	if _, err := disk.WriteAt(data, int64(i)*release.ChunkSize); err != nil {
		return err
	}
	if w.unsynced++; w.unsynced < syncEvery {
		return nil
	}
	w.unsynced = 0
	return disk.Sync()
}

// look finds out whether the slot has chunk i.
func (w *Writer) look(ctx context.Context, i int) (has bool, err error) {
	if err := w.reading.Wait(ctx, w.m.ChunkLen(i)); err != nil {
		return false, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.have[i] && w.onDisk(i) {
		w.have[i] = true
		w.done++
	}
	return w.have[i], nil
}

// onDisk reads chunk i. The caller holds mu.
func (w *Writer) onDisk(i int) bool {
	chunk := w.buf[:w.m.ChunkLen(i)]
	_, err := w.slots.disk(w.partition).ReadAt(chunk, int64(i)*release.ChunkSize)
	return err == nil && w.m.IsChunk(i, chunk)
}

// Find looks which chunks the slot has from an earlier try and returns those that it
// lacks, in order.
func (w *Writer) Find(ctx context.Context) (lacking []int, err error) {
	for i := range w.m.Chunks {
		has, err := w.look(ctx, i)
		if err != nil {
			return nil, err
		}
		if !has {
			lacking = append(lacking, i)
		}
	}
	return lacking, nil
}

// Done is how many chunks the slot has, of how many.
func (w *Writer) Done() (done, of int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.done, len(w.m.Chunks)
}

// errIncomplete means that Finish was called too early.
var errIncomplete = errors.New("BUG: slot is not complete")

// Finish makes sure that the medium has the release: it is synced, and read back.
func (w *Writer) Finish(ctx context.Context) error {
	if done, of := w.Done(); done < of {
		return errIncomplete
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	disk := w.slots.disk(w.partition)
	if err := disk.Sync(); err != nil {
		return fmt.Errorf("sync the slot: %w", err)
	}
	if err := disk.Forget(); err != nil {
		return fmt.Errorf("drop what is remembered of the slot: %w", err)
	}
	err := w.slots.Verify(ctx, w.partition, w.m)
	if errors.Is(err, release.ErrContent) {
		err = fmt.Errorf("%w: %w", ErrReadBack, err)
	}
	return err
}
