package sound

import (
	"fmt"
	"log/slog"
	"math"
	"sync/atomic"

	"chordophone/hal/alsa"
)

// unity is a gain that changes nothing.
const unity = 1 << 12

// volume is how loud the earpiece or the bell is. A sound card's own control does it as
// far as it reaches (alsa.Port.SetLoudness), and the samples are changed by the rest; all
// of it where there is no such control. Earpiece and bell may be one card with one
// control, which then is the bell's while it rings.
type volume struct {
	control alsa.Control
	driven  bool   // by Watch, which asks the card
	said    string // what is wrong with the control, of Watch

	wanted atomic.Uint64 // dB, the bits of a float64
	gain   atomic.Int32  // of the samples, in parts of unity
}

// turn changes the volume from now on, or as soon as Watch has asked the card.
func (v *volume) turn(decibel float64) {
	v.wanted.Store(math.Float64bits(decibel))
	if !v.driven {
		v.scale(decibel)
	}
}

// scale changes the samples by so many decibel.
func (v *volume) scale(decibel float64) {
	v.gain.Store(int32(math.Round(unity * math.Pow(10, decibel/20))))
}

// SetGain makes the earpiece louder or softer by some decibel from now on.
func (a *Audio) SetGain(decibel float64) {
	a.volume.turn(decibel)
	a.wake()
}

// SetBell makes the bell that rings on a sound card louder or softer by some decibel from
// now on.
func (a *Audio) SetBell(decibel float64) {
	a.bell.turn(decibel)
	a.wake()
}

// wake has Watch set the volumes anew.
func (a *Audio) wake() {
	select {
	case a.turned <- struct{}{}:
	default:
	}
}

// setVolumes sets the cards' own controls: that of the bell while it rings, else that of
// the earpiece.
func (a *Audio) setVolumes(log *slog.Logger) {
	name, v := earpiece, &a.volume
	if a.rings.Load() {
		name, v = bellPart, &a.bell
	}
	if !v.driven {
		return
	}
	for _, c := range a.cards {
		if c.name != name {
			continue
		}
		wanted := math.Float64frombits(v.wanted.Load())
		rest, err := c.port.SetLoudness(v.control, wanted)
		v.scale(rest)
		if err == nil {
			v.said = ""
		} else if text := err.Error(); text != v.said && c.port.Trouble() == nil {
			v.said = text
			log.Info("volume is made without the sound card", "why", fmt.Errorf("%s: %w", c.name, err))
		}
	}
}

// softer is a sink of which the samples are changed by a volume.
type softer struct {
	sink
	by *volume
}

// Write implements sink. It changes the caller's samples.
func (s softer) Write(samples []int16) error {
	gain := int(s.by.gain.Load())
	for i, one := range samples {
		samples[i] = scaled(int(one) * gain)
	}
	return s.sink.Write(samples)
}

// scaled is a sample, in parts of unity, which wraps nothing round.
func scaled(v int) int16 {
	return int16(max(math.MinInt16, min(math.MaxInt16, (v+unity/2)>>12)))
}
