package pcm

import (
	"time"

	"chordophone/hal"
)

// Pacer blocks as the write of a sound device would: the first call returns at
// once, each following one when the sound before it has been played. Its
// deadlines lie on one grid, so a late wake-up is not carried over and nothing
// drifts. The zero value is ready; it belongs to one goroutine.
type Pacer struct {
	next    time.Time // when what was written so far has been played
	skipped int
}

// lag is how far a writer may fall behind before the time is given up as lost,
// as a device gives it up with an underrun. Below it the writer catches up.
const lag = 10 * hal.Frame

// Wait blocks until there is room for n samples at hal.Rate.
func (p *Pacer) Wait(n int) {
	now := time.Now()
	switch late := now.Sub(p.next); {
	case p.next.IsZero():
		p.next = now
	case late > lag:
		p.skipped += int(late / hal.Frame)
		p.next = now
	case late < 0:
		time.Sleep(-late)
	}
	p.next = p.next.Add(time.Duration(n) * time.Second / hal.Rate)
}

// Skipped is how many frames were given up because the writer was late.
func (p *Pacer) Skipped() int { return p.skipped }
