// Package tone makes the sounds of a telephone: dial tone, ringback, busy and
// their kin, as the networks of some countries do. ITU-T E.180 recommends what a
// tone is made of, E.182 where it is used.
//
// A tone is a cadence, steps of sine waves and silence:
//
//	busy "uk"   ▐████████▌        ▐████████▌        400 Hz
//	             375 ms    375 ms  375 ms    375 ms
//
// The sines run on through the silence, so phases never jump, and each edge is a
// short ramp, so nothing clicks.
package tone

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"chordophone/hal"
)

// ErrCountry means that no tones of a country are known.
var ErrCountry = errors.New("tone: unknown country")

// Level is the power of a tone, both frequencies together: within the -10 +/- 5
// dBm0 that E.180 asks for the dial tone, and no louder than speech.
const Level = -13.0 // dBm0

// A full-scale sine is +3.14 dBm0. // ITU-T G.711, tables 1 and 2: 0 dBm0
const fullScale = 3.14

const ramp = 5 // ms from silence to full level and back

const pressed = 100 // ms of a key's tone; receivers want 40 at least (ITU-T Q.24)

// Generator makes one tone at a time, sample by sample. Its methods are for one
// goroutine and allocate nothing.
type Generator struct {
	plan *plan
	rate int
	wave [tableSize + 1]float32 // a sine at full level
	rise float32                // gain gained or lost per sample on a ramp

	tone  hal.Tone // what Play asked for
	keyed bool     // a key plays, or will next; then comes tone
	key   [1]step  // what that key sounds like

	// What sounds now; next replaces it as soon as it has fallen silent.
	now  cadence
	next cadence
	cut  bool // now gives way to next
	step int  // of now; len(now.steps): ended
	left int  // samples of the step; -1: for ever
	gain float32
	a, b oscillator
	am   bool
}

// New returns a generator of a country's tones at a rate in samples a second.
func New(country string, rate int) (*Generator, error) {
	if rate < 8000 {
		return nil, fmt.Errorf("tone: rate %d: want at least 8000 samples a second", rate)
	}
	for i := range plans {
		if plans[i].country == country {
			return newGenerator(&plans[i], rate), nil
		}
	}
	return nil, fmt.Errorf("%w %q: known are %s", ErrCountry, country, strings.Join(Countries(), ", "))
}

func newGenerator(p *plan, rate int) *Generator {
	g := &Generator{plan: p, rate: rate, rise: 1 / float32(rate*ramp/1000)}
	amplitude := math.MaxInt16 * math.Pow(10, (Level-fullScale)/20)
	for i := range g.wave {
		g.wave[i] = float32(amplitude * math.Sin(2*math.Pi*float64(i)/tableSize))
	}
	return g
}

// Play changes the tone; the same one goes on undisturbed. The cadence begins at
// its beginning.
func (g *Generator) Play(t hal.Tone) {
	if t == g.tone || int(t) >= len(g.plan.tones) {
		return
	}
	g.tone = t
	if !g.keyed {
		g.follow(g.plan.tones[t])
	}
}

// Press plays a key's pair of frequencies for a moment, then the tone from its
// beginning. Other keys than those of ITU-T Q.23 are silent.
func (g *Generator) Press(k hal.Key) {
	low, high, ok := dtmf(k)
	if !ok {
		return
	}
	g.key[0] = on(pressed, low, high)
	g.keyed = true
	g.follow(cadence{steps: g.key[:], loop: 1})
}

// follow makes c the next cadence, soon.
func (g *Generator) follow(c cadence) { g.next, g.cut = c, true }

// Next fills pcm with what comes next.
func (g *Generator) Next(pcm []int16) {
	for i := range pcm {
		pcm[i] = g.sample()
	}
}

func (g *Generator) sample() int16 {
	if g.cut && g.gain == 0 {
		g.now, g.cut = g.next, false
		g.step = -1
		g.advance()
	}
	for g.left == 0 {
		g.advance()
	}
	if g.left > 0 {
		g.left--
	}

	sounds := !g.cut && g.step < len(g.now.steps) && g.now.steps[g.step].a != 0
	switch {
	case sounds && g.gain < 1:
		g.gain = min(1, g.gain+g.rise)
	case !sounds && g.gain > 0:
		g.gain = max(0, g.gain-g.rise)
	}
	a, b := g.a.next(&g.wave), g.b.next(&g.wave)
	if g.gain == 0 {
		return 0
	}
	return int16(g.gain * mix(a, b, g.am, g.b.delta != 0, g.wave[tableSize/4]))
}

// mix puts the two sines together at the power of one.
func mix(a, b float32, am, two bool, peak float32) float32 {
	switch {
	case am: // both sidebands and the carrier: 1 + 1/2 of its power
		return a * (1 + b/peak) * float32(0.816496580927726) // sqrt(2/3)
	case two:
		return (a + b) * float32(math.Sqrt2/2)
	}
	return a
}

// advance begins the next step. Silence leaves the sines as they are, for they
// are still heard fading.
func (g *Generator) advance() {
	g.step++
	if g.step >= len(g.now.steps) {
		g.step = g.now.loop
	}
	if g.step >= len(g.now.steps) { // ended
		g.left = -1
		if g.keyed && !g.cut {
			g.keyed = false
			g.follow(g.plan.tones[g.tone])
		}
		return
	}
	s := g.now.steps[g.step]
	g.left = s.ms * g.rate / 1000
	if s.ms == 0 {
		g.left = -1
	}
	if s.a != 0 {
		g.a.tune(s.a, g.rate)
		g.b.tune(s.b, g.rate)
		g.am = s.am
	}
}

// oscillator is a point moving round a circle of 2^32 steps.
type oscillator struct{ phase, delta uint32 }

const (
	tableBits = 9
	tableSize = 1 << tableBits
)

func (o *oscillator) tune(hz float64, rate int) {
	o.delta = uint32(math.Round(hz / float64(rate) * (1 << 32)))
	if o.delta == 0 {
		o.phase = 0
	}
}

func (o *oscillator) next(wave *[tableSize + 1]float32) float32 {
	if o.delta == 0 {
		return 0
	}
	i := o.phase >> (32 - tableBits)
	f := float32(o.phase<<tableBits>>8) / (1 << 24) // between two entries
	o.phase += o.delta
	return wave[i] + f*(wave[i+1]-wave[i])
}
