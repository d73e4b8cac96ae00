package echo

// means are the averages by which the step is found.
type means struct {
	error, echo band    // power in each band
	cross, self float32 // of their deviations from these averages
	leak        float32 // share of the echo's power that is left in the error
}

const (
	slow     = 0.01 // of the averages: one second
	leakSlow = 0.005
	leakFast = 0.05
	leakMost = 1
	leakMin  = 0.005
)

// learn finds the steps for the next block. How much of the error is echo is told by
// how alike the powers of error and of estimated echo rise and fall: speech here does
// so at other times.
func (c *Canceller) learn() {
	// Spectra of the error, after a block of zeros as the gradient wants it, and of the
	// echo.
	clear(c.work[:Block])
	copy(c.work[Block:], c.back1.rest[:])
	c.fft.forward(c.error[:], c.work[:])
	copy(c.work[Block:], c.back1.echo[:])
	c.fft.forward(c.echo[:], c.work[:])

	rest, echo := energy(&c.back1.rest), energy(&c.back1.echo)
	ear := float32(0)
	for _, v := range c.ear[Block:] {
		ear += v * v
	}
	newest := &c.far[c.newest]
	smooth := 0.35 / float32(c.parts)
	var cross, self float32
	for k := range bins {
		x, e, y := power(newest[k]), power(c.error[k]), power(c.echo[k])
		c.power[k] += smooth * (x - c.power[k])
		de, dy := e-c.mean.error[k], y-c.mean.echo[k]
		cross += de * dy
		self += dy * dy
		c.mean.error[k] += slow * de
		c.mean.echo[k] += slow * dy
	}
	self = sqrt(self)
	cross /= self + 1e-9

	// The averages follow quickly when there is echo to learn from.
	speed := min(leakFast*echo, leakSlow*rest) / (rest + 1)
	c.mean.cross += speed * (cross - c.mean.cross)
	c.mean.self += speed * (self - c.mean.self)
	c.mean.self = max(c.mean.self, 1)
	c.mean.cross = max(leakMin*c.mean.self, min(c.mean.cross, leakMost*c.mean.self))
	c.mean.leak = c.mean.cross / c.mean.self

	// The share of the echo in the error, over all bands.
	share := (0.0001*ear + 3*c.mean.leak*echo) / (rest + 1)
	both := dot(&c.back1.rest, &c.back1.echo)
	share = min(max(share, both*both/(1+rest*echo)), 0.5)

	if c.learnt > float32(c.parts) {
		for k := range c.steps {
			e := power(c.error[k]) + 1
			r := min(c.mean.leak*power(c.echo[k]), 0.5*e)
			r = 0.7*r + 0.3*share*e
			c.steps[k] = r / (e * (c.power[k] + 1000))
		}
		c.divide()
		return
	}
	// In the beginning there is no echo estimated to compare with.
	step := float32(0)
	if ear > 1000*Block {
		step = min(0.25*ear, 0.25*rest) / (rest + 1)
	}
	for k := range c.steps {
		c.steps[k] = step / (c.power[k] + 1000)
	}
	c.learnt += step
}

// divide gives the parts of the filter steps by how much there is in them.
func (c *Canceller) divide() {
	most, sum := float32(0), float32(0)
	for i := range c.share {
		p := float32(1)
		for _, w := range &c.back[i] {
			p += power(w)
		}
		c.share[i] = sqrt(p)
		most = max(most, c.share[i])
	}
	for i := range c.share {
		c.share[i] += 0.1 * most
		sum += c.share[i]
	}
	for i := range c.share {
		c.share[i] *= 0.99 / sum
	}
}

func power(z complex64) float32 { return real(z)*real(z) + imag(z)*imag(z) }
