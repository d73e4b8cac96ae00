package sound

import "chordophone/hal/wav"

// silence is a microphone in a silent room and an earpiece that nobody holds.
type silence struct{}

func (silence) Read(samples []int16) error { clear(samples); return nil }
func (silence) Write([]int16) error        { return nil }
func (silence) Close() error               { return nil }

// player plays a sound once from the first Read, then silence.
type player struct{ rest []int16 }

func (p *player) Read(samples []int16) error {
	n := copy(samples, p.rest)
	p.rest = p.rest[n:]
	clear(samples[n:])
	return nil
}

func (p *player) Close() error { return nil }

// recording is the earpiece of one stream. A full disk must not end a call, so
// what goes wrong is said when the recording is closed.
type recording struct{ rec *wav.Recorder }

func (r recording) Write(samples []int16) error { r.rec.Write(samples); return nil }
func (r recording) Close() error                { return r.rec.Flush() }
