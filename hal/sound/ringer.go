package sound

import (
	"math"
	"time"

	"chordophone/hal"
	"chordophone/hal/alsa"
)

// AddRinger gives the telephone a sound card to ring on, which need not be there yet. It
// may be that of the handset.
func (a *Audio) AddRinger(device string) error {
	port, err := a.card(bellPart, device, alsa.Playback)
	if err != nil {
		return named(bellPart, err)
	}
	a.bell.driven = true
	a.ringer = startRinger(func() sink { return softer{port.Open(), &a.bell} })
	a.owned = append(a.owned, a.ringer)
	return nil
}

// Ring starts or stops ringing, if there is a card for it.
func (a *Audio) Ring(on bool) {
	if a.ringer != nil {
		a.rings.Store(on)
		a.wake()
		a.ringer.ring(on)
	}
}

// ringer rings on a sink that it opens for as long as it does.
type ringer struct {
	open func() sink
	want chan bool // capacity 1, holds the newest; closed by Close
	done chan struct{}
}

func startRinger(open func() sink) *ringer {
	r := &ringer{open: open, want: make(chan bool, 1), done: make(chan struct{})}
	go r.run()
	return r
}

// ring is called by one goroutine.
func (r *ringer) ring(on bool) {
	select {
	case <-r.want: // not seen yet: overtaken
	default:
	}
	r.want <- on
}

// Close ends the ringing. It is called by the goroutine that calls ring.
func (r *ringer) Close() error {
	close(r.want)
	<-r.done
	return nil
}

func (r *ringer) run() {
	defer close(r.done)
	for on := range r.want {
		if on && !r.sound() {
			return
		}
	}
}

// sound rings until it is told not to, and returns false if it is closed.
func (r *ringer) sound() (open bool) {
	out := r.open()
	defer out.Close()
	var b bell
	var frame [hal.FrameSamples]int16
	for {
		select {
		case on, ok := <-r.want:
			if !ok || !on {
				return ok
			}
		default:
		}
		b.next(frame[:])
		if out.Write(frame[:]) != nil {
			time.Sleep(hal.Frame)
		}
	}
}

// bell is the sound of a telephone that rings: two notes in quick turn, in the cadence of
// hal.Bell.
type bell struct {
	at    int     // samples since it began
	phase float64 // of the note, in turns
	level float64 // 0 to 1
}

const (
	bellNote   = hal.Rate / 25 // samples of a note
	bellVolume = 12000         // amplitude
	bellRamp   = hal.Rate / 200
)

func (b *bell) next(frame []int16) {
	for i := range frame {
		hertz := 853.0 // and a pure fourth above, within what small loudspeakers are good at
		if b.at/bellNote%2 == 1 {
			hertz *= 4. / 3
		}
		b.phase += hertz / hal.Rate
		b.phase -= math.Floor(b.phase)
		if hal.Bell.At(b.at / (hal.Rate * int(hal.Blink/time.Millisecond) / 1000)) {
			b.level = min(1, b.level+1./bellRamp)
		} else {
			b.level = max(0, b.level-1./bellRamp)
		}
		// A little of the third harmonic makes it heard through a door.
		tone := math.Sin(2*math.Pi*b.phase) + 0.3*math.Sin(6*math.Pi*b.phase)
		frame[i] = int16(bellVolume * b.level * tone)
		b.at++
	}
}
