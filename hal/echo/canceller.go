package echo

import (
	"math"
	"time"

	"chordophone/hal"
)

// Block is the step of the filter, 10 ms.
const Block = hal.Rate / 100

const (
	bins     = Block + 1
	emphasis = 0.9 // of high frequencies before the filter, so that all bands learn alike
	loudest  = 32767

	// highPass removes what a microphone has below some 30 Hz.
	highPass = 0.988
)

type (
	samples [Block]float32
	window  [2 * Block]float32
	band    [bins]float32
	bands   [bins]complex64
)

// Canceller is one microphone's. It takes no memory after New and belongs to one
// goroutine.
type Canceller struct {
	fft   *transform
	parts int // of the impulse response, one block each

	far    []bands // spectra of the last blocks of the ear, the newest at newest
	newest int
	back   []bands   // the filter that adapts
	front  []bands   // the one that is heard
	share  []float32 // of the step, for each part
	turn   int       // the part of back whose end is made zero next

	ear    window // the last two blocks
	mic    samples
	front1 filterOut // what front leaves
	back1  filterOut // what back leaves
	work   window
	error  bands // spectrum of what back leaves
	echo   bands // of what back takes for echo
	mean   means
	steps  band
	power  band // of the ear
	learnt float32
	louder int // blocks in a row that front has made louder

	better     comparison
	suppressor suppressor

	micIn, micOut, earIn, out float32 // memories of the high-pass and of the emphasis
}

// filterOut is what a filter makes of a block.
type filterOut struct{ echo, rest samples }

// New returns a canceller of echoes up to tail late, which knows nothing of its room
// yet.
func New(tail time.Duration) *Canceller {
	parts := max(1, int((tail*hal.Rate/time.Second+Block-1)/Block))
	c := &Canceller{
		fft: newTransform(2 * Block), parts: parts,
		far: make([]bands, parts+1), back: make([]bands, parts), front: make([]bands, parts),
		share: make([]float32, parts),
	}
	for k := range c.power {
		c.power[k] = 1
	}
	c.suppressor = suppressor{gain: 1, least: quietest}
	// Until the room is known the early part of a response is the more likely one.
	decay := float32(math.Exp(-2.4 / float64(parts)))
	sum := float32(0)
	for i := range c.share {
		c.share[i] = 0.7
		if i > 0 {
			c.share[i] = c.share[i-1] * decay
		}
		sum += c.share[i]
	}
	for i := range c.share {
		c.share[i] *= 0.8 / sum
	}
	return c
}

// Cancel takes the echo of ear out of mic. Both are blocks of the same time, or ear
// earlier by less than the tail.
func (c *Canceller) Cancel(mic, ear []int16) {
	for at := 0; at+Block <= len(mic); at += Block {
		c.block(mic[at:at+Block], ear[at:at+Block])
	}
}

func (c *Canceller) block(mic, ear []int16) {
	clipped := c.take(mic, ear)
	c.newest = (c.newest + len(c.far) - 1) % len(c.far)
	c.fft.forward(c.far[c.newest][:], c.ear[:])
	c.filter(&c.front1, c.front)
	if !clipped {
		c.adapt()
	}
	c.filter(&c.back1, c.back)
	heard := c.front1
	switch c.better.look(&c.front1, &c.back1) {
	case backBetter:
		copy(c.front, c.back)
		// From the one to the other without a step.
		for i := range Block {
			w := float32(i) / Block
			heard.rest[i] += w * (c.back1.rest[i] - c.front1.rest[i])
			heard.echo[i] += w * (c.back1.echo[i] - c.front1.echo[i])
		}
	case backWorse:
		copy(c.back, c.front)
		c.back1 = c.front1
	}
	c.learn()
	c.give(mic, &heard)
	c.doubt()
}

const (
	useless = 20          // blocks that a filter may make louder until it is given up: the room is another one
	silence = 100 * Block // energy of a block in which nothing can be told
)

func (c *Canceller) doubt() {
	if energy(&c.front1.rest) <= 1.1*energy(&c.mic)+silence {
		c.louder = 0
		return
	}
	if c.louder++; c.louder < useless {
		return
	}
	c.louder, c.learnt = 0, 0
	clear(c.front)
	clear(c.back)
}

// take brings a block in, and says whether the microphone was too loud: what is
// clipped teaches nothing.
func (c *Canceller) take(mic, ear []int16) (clipped bool) {
	copy(c.ear[:Block], c.ear[Block:])
	for i := range Block {
		x := float32(ear[i])
		c.ear[Block+i], c.earIn = x-emphasis*c.earIn, x
		m := float32(mic[i])
		clipped = clipped || m >= loudest || m <= -loudest
		pass := highPass*c.micOut + (1+highPass)/2*(m-c.micIn)
		c.mic[i] = pass - emphasis*c.micOut
		c.micIn, c.micOut = m, pass
	}
	return clipped
}

// filter sets what a filter takes for echo, and what it leaves.
func (c *Canceller) filter(out *filterOut, filter []bands) {
	var sum bands
	for i := range filter {
		x, w := &c.far[(c.newest+i)%len(c.far)], &filter[i]
		for k := range sum {
			sum[k] += x[k] * w[k]
		}
	}
	c.fft.inverse(c.work[:], sum[:])
	copy(out.echo[:], c.work[Block:])
	for i := range out.rest {
		out.rest[i] = c.mic[i] - out.echo[i]
	}
}

// adapt moves the filter in the background against the error that it left in the last
// block, by the steps that learn found.
func (c *Canceller) adapt() {
	for i := range c.back {
		x, w := &c.far[(c.newest+1+i)%len(c.far)], &c.back[i] // the error is one block old
		share := c.share[i]
		for k := range w {
			xk, e := x[k], c.error[k]
			step := share * c.steps[k]
			w[k] += complex(
				step*(real(xk)*real(e)+imag(xk)*imag(e)),
				step*(real(xk)*imag(e)-imag(xk)*real(e)))
		}
	}
	// A product of spectra is a circular convolution unless half of the response is
	// zero: it is made so for one part after the other.
	part := c.back[c.turn][:]
	c.fft.inverse(c.work[:], part)
	clear(c.work[Block:])
	c.fft.forward(part, c.work[:])
	c.turn = (c.turn + 1) % c.parts
}

// give puts out what is left of the microphone, with less of what remains of the echo.
func (c *Canceller) give(mic []int16, heard *filterOut) {
	from, to := c.suppressor.look(energy(&c.mic), energy(&heard.rest), energy(&heard.echo)*c.mean.leak)
	for i := range Block {
		c.out = heard.rest[i] + emphasis*c.out
		v := c.out * (from + (to-from)*float32(i)/Block)
		mic[i] = int16(max(-loudest-1, min(loudest, v)))
	}
}

func energy(s *samples) (sum float32) {
	for _, v := range s {
		sum += v * v
	}
	return sum
}

func dot(a, b *samples) (sum float32) {
	for i, v := range a {
		sum += v * b[i]
	}
	return sum
}
