package sound

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"strings"
	"time"

	"chordophone/hal"
	"chordophone/hal/alsa"
	"chordophone/hal/echo"
)

// Card is the sound of a board.
type Card struct {
	Capture, Playback string // ALSA devices such as hw:Device,0

	// Speaker says that the microphone hears a loudspeaker: its echo is taken out.
	Speaker bool
	// SideTone is how loud a speaker hears himself, in decibel, less than 0; 0: not at
	// all.
	SideTone float64
	// Control is how the card makes the earpiece louder and softer.
	Control alsa.Control
}

// echoTail is the longest echo that is cancelled, with the delay of the card: 10 to 30 ms
// in it, up to as much again on USB.
const echoTail = 256 * time.Millisecond

// OpenCard prepares the sound of a board, whose card need not be there yet.
func OpenCard(c Card) (*Audio, error) {
	a := newAudio()
	if err := a.open("alsa:"+c.Capture, "alsa:"+c.Playback); err != nil {
		return nil, err
	}
	if c.Speaker {
		a.line = echo.NewLine(echoTail)
	}
	a.side = side(c.SideTone)
	a.volume.control, a.volume.driven = c.Control, true
	return a, nil
}

// side is a side tone as a factor.
func side(decibel float64) float64 {
	if decibel >= 0 {
		return 0
	}
	return math.Pow(10, decibel/20)
}

// look is how often Watch looks after the sound cards.
const look = 2 * time.Second

// Watch tells what is wrong with the sound cards whenever that changes, for as long as ctx
// lasts. It sets the cards' volumes: of a card that comes, or comes back, and of one
// whose volume is turned.
func (a *Audio) Watch(ctx context.Context, log *slog.Logger, tell func(hal.Fault)) {
	clock := time.NewTicker(look)
	defer clock.Stop()
	for said, first := "", true; len(a.cards) > 0; first = false {
		switch trouble := a.trouble(); {
		case trouble == nil && said == "" && !first:
		case trouble == nil:
			if said != "" {
				log.Info("the sound is back")
			}
			said = ""
			a.setVolumes(log)
		case trouble.Error() != said:
			said = trouble.Error()
			tell(hal.Fault{Message: "no sound: " + said, Hint: remedy(trouble)})
			a.setVolumes(log) // one card may be there
		}
		a.count(log)
		select {
		case <-ctx.Done():
			return
		case <-a.turned:
			a.setVolumes(log)
		case <-clock.C:
		}
	}
}

// count says how often the telephone was too late for a card, or lost it, since the last
// time.
func (a *Audio) count(log *slog.Logger) {
	for i := range a.cards {
		c := &a.cards[i]
		if now := c.port.Stats(); now != c.seen {
			log.Info("sound card", "part", c.name, "xruns", now.Xruns-c.seen.Xruns, "losses", now.Losses-c.seen.Losses)
			c.seen = now
		}
	}
}

// trouble is all that keeps the cards silent.
func (a *Audio) trouble() error {
	var errs []error
	for _, c := range a.cards {
		if err := c.port.Trouble(); err != nil {
			errs = append(errs, named(c.name, err))
		}
	}
	if len(errs) == 0 {
		return nil
	}
	return several(errs)
}

// several is errors in one line.
type several []error

func (s several) Error() string {
	var all []string
	for _, err := range s {
		all = append(all, err.Error())
	}
	return strings.Join(all, "; ")
}

func (s several) Unwrap() []error { return s }

func remedy(err error) string {
	if errors.Is(err, alsa.ErrNoDevice) {
		return "connect the sound card; the telephone finds it within some seconds"
	}
	return "unplug the sound card and connect it again; its name stands in the board file"
}
