package slot

import (
	"bytes"
	"context"
	"fmt"

	"chordophone/firmware/update/pace"
	"chordophone/firmware/update/release"
)

// Slots is the card. Of its methods one is called at a time.
type Slots struct {
	Selector Disk  // partition 1, or the whole card
	Offset   int64 // of the sector of autoboot.txt in it
	A, B     Disk
}

// Selected is what autoboot.txt says. The error wraps ErrAutoboot if that is nothing.
func (s *Slots) Selected() (Autoboot, error) {
	var sector [Sector]byte
	if _, err := s.Selector.ReadAt(sector[:], s.Offset); err != nil {
		return Autoboot{}, fmt.Errorf("read autoboot.txt: %w", err)
	}
	return ParseAutoboot(sector[:])
}

// Select makes partition p the one that is started. When it returns the medium says
// so.
func (s *Slots) Select(p int) error {
	want := Selecting(p).Text()
	if err := s.writeSector(want); err != nil {
		return fmt.Errorf("write autoboot.txt: %w", err)
	}
	var sector [Sector]byte
	if _, err := s.Selector.ReadAt(sector[:], s.Offset); err != nil {
		return fmt.Errorf("read autoboot.txt back: %w", err)
	}
	if !bytes.Equal(sector[:], want) {
		return fmt.Errorf("%w: it reads back otherwise than it was written", ErrAutoboot)
	}
	return nil
}

func (s *Slots) writeSector(text []byte) error {
	if _, err := s.Selector.WriteAt(text, s.Offset); err != nil {
		return err
	}
	if err := s.Selector.Sync(); err != nil {
		return err
	}
	return s.Selector.Forget()
}

func (s *Slots) disk(p int) Disk {
	if p == A {
		return s.A
	}
	return s.B
}

// How fast the card is used, in octets a second: others want it, too.
const (
	writeRate = 4 << 20
	readRate  = 16 << 20
)

// Verify reads the slot in partition p and says whether it has the release.
func (s *Slots) Verify(ctx context.Context, p int, m *release.Manifest) error {
	at := pace.New(readRate)
	buf := make([]byte, release.ChunkSize)
	for i := range m.Chunks {
		chunk := buf[:m.ChunkLen(i)]
		if err := at.Wait(ctx, len(chunk)); err != nil {
			return err
		}
		if _, err := s.disk(p).ReadAt(chunk, int64(i)*release.ChunkSize); err != nil {
			return fmt.Errorf("read chunk %d of the slot: %w", i+1, err)
		}
		if !m.IsChunk(i, chunk) {
			return fmt.Errorf("chunk %d of the slot: %w", i+1, release.ErrContent)
		}
	}
	return nil
}

// ReadChunk reads chunk i of a release from the slot in partition p. It does not check
// it. It may be called while other methods are.
func (s *Slots) ReadChunk(p int, m *release.Manifest, i int) ([]byte, error) {
	chunk := make([]byte, m.ChunkLen(i))
	_, err := s.disk(p).ReadAt(chunk, int64(i)*release.ChunkSize)
	return chunk, err
}
