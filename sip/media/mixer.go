package media

// Mixer joins the parties of a local conference: each hears all others and not itself.
// It is a value without I/O; the zero value is ready.
//
//	out[j] = gain x (sum of all in - in[j])
//
// There is one gain for all, sample by sample, so that nobody is louder to one listener
// than to another. It is 1 while all that anybody hears fits into 16 bits. It falls
// before the sample that would not, exactly so far that it does, and comes back slowly.
type Mixer struct {
	fall  float32 // 1 less the gain
	sum   [FrameSamples]int32
	gains [FrameSamples]float32
}

// mixRise is how much gain comes back with each sample: all of it in half a second.
const mixRise = 1. / (Rate / 2)

// Mix writes to each party's out what the others' in say. All are of one length, at most a
// Frame; a party may have the same for both. A party that says nothing has nil in, one that
// does not listen nil out.
func (m *Mixer) Mix(out, in [][]int16) {
	n := 0
	for _, p := range in {
		n = max(n, len(p))
	}
	for _, p := range out {
		n = max(n, len(p))
	}
	if n > FrameSamples {
		panic("BUG: more than a frame to mix")
	}
	sum := m.sum[:n]
	clear(sum)
	for _, p := range in {
		for i, s := range p {
			sum[i] += int32(s)
		}
	}
	gains := m.plan(sum, out, in)
	for j := range out {
		for i := range out[j] {
			out[j][i] = clip(float32(m.heard(in, j, i)) * gains[i])
		}
	}
}

// heard is what party j hears at gain 1.
func (m *Mixer) heard(in [][]int16, j, i int) int32 {
	if j < len(in) && i < len(in[j]) {
		return m.sum[i] - int32(in[j][i])
	}
	return m.sum[i]
}

// plan is the gain of each sample. Where the frame's loudest sample is too loud, the
// gain falls towards what it needs evenly from the beginning of the frame.
func (m *Mixer) plan(sum []int32, out, in [][]int16) []float32 {
	gains := m.gains[:len(sum)]
	least, at := float32(1), 0
	for i := range sum {
		peak := int32(32767)
		for j := range out {
			if i < len(out[j]) {
				s := m.heard(in, j, i)
				peak = max(peak, s, -s)
			}
		}
		gains[i] = 32767 / float32(peak)
		if gains[i] < least {
			least, at = gains[i], i
		}
	}
	first := 1 - m.fall
	gain := first
	for i, fits := range gains {
		gain = min(gain+mixRise, 1, fits)
		if least < first && i <= at {
			gain = min(gain, first+(least-first)*float32(i+1)/float32(at+1))
		}
		gains[i] = gain
	}
	m.fall = 1 - gain
	return gains
}
