package sound

import (
	"errors"

	"chordophone/hal"
	"chordophone/hal/pcm"
)

// lift is the stream from one lift of the handset to its return. Of its two ends one is
// the clock: a microphone on a sound card while it is read, else the earpiece.
type lift struct {
	audio    *Audio
	mic      source
	ear      sink
	card     pushed // the earpiece, if it is on a sound card
	micPaces bool
	pacer    pcm.Pacer
	calm     func()
	closed   bool

	read  bool                    // since the last Write
	heard [hal.FrameSamples]int16 // by the microphone, for the side tone
	out   []int16
}

// pushed is an earpiece whose Write has a pace of its own, and whose Push has none.
type pushed interface {
	sink
	Push(samples []int16) error
}

func (l *lift) Read(samples []int16) error {
	l.read = true
	if err := l.mic.Read(samples); err != nil {
		return err
	}
	if l.audio.side > 0 {
		copy(l.heard[:], samples)
	}
	if l.audio.line != nil {
		l.audio.line.Heard(samples)
	}
	return nil
}

func (l *lift) Write(samples []int16) error {
	samples = l.mix(samples)
	if l.audio.line != nil {
		l.audio.line.Played(samples)
	}
	paced := l.micPaces && l.read
	l.read = false
	switch {
	case l.card != nil && paced:
		return l.card.Push(samples)
	case l.card != nil:
		return l.card.Write(samples)
	}
	if err := l.ear.Write(samples); err != nil {
		return err
	}
	if !paced {
		l.pacer.Wait(len(samples))
	}
	return nil
}

// mix is what the earpiece plays: louder or softer, with the speaker's own voice in it
// if he is to hear himself.
func (l *lift) mix(samples []int16) []int16 {
	gain := int(l.audio.volume.gain.Load())
	side := 0
	if l.read {
		side = int(l.audio.side * unity)
	}
	if gain == unity && side == 0 {
		return samples
	}
	l.out = l.out[:0]
	for i, s := range samples {
		v := int(s) * gain
		if side > 0 && i < len(l.heard) {
			v += int(l.heard[i]) * side
		}
		l.out = append(l.out, scaled(v))
	}
	return l.out
}

func (l *lift) Close() error {
	if l.closed {
		return nil
	}
	l.closed = true
	err := errors.Join(l.mic.Close(), l.ear.Close())
	l.calm()
	l.audio.inUse.Store(false)
	return err
}
