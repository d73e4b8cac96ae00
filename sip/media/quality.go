package media

import (
	"math"
	"time"

	"github.com/pion/rtcp"
)

// quality counts what was played and what was made up for missing packets, also
// apart in bursts of loss and the gaps between them as RFC 3611, appendix A.2 does.
type quality struct {
	frames, concealed uint64
	runs              uint64 // of concealed frames
	lost              bool   // the last frame was

	waits  uint64
	waited time.Duration // sum of what waited
	most   time.Duration

	since, run                   uint32 // good frames since the last loss, losses in the burst
	c11, c13, c14, c22, c23, c33 uint32 // changes of state, as RFC 3611 numbers them
}

// gmin is how many good frames end a burst, section 4.7.2.
const gmin = 16

// frame counts a packet's worth of sound.
func (q *quality) frame(concealed bool) {
	q.frames++
	before := q.lost
	q.lost = concealed
	if !concealed {
		q.since++
		return
	}
	q.concealed++
	if !before {
		q.runs++
	}
	switch {
	case q.since >= gmin:
		if q.run <= 1 { // the loss before was alone in its gap
			q.c14++
		} else {
			q.c13++
		}
		q.run = 1
		q.c11 += q.since
	default:
		q.run++
		if q.since == 0 {
			q.c33++
		} else {
			q.c23++
			q.c22 += q.since - 1
		}
	}
	q.since = 0
}

// delayed takes how much sound waits at one step, what it plays included.
func (q *quality) delayed(d time.Duration) {
	q.waits++
	q.waited += d
	q.most = max(q.most, d)
}

// delay is the mean of it.
func (q *quality) delay() time.Duration { return q.waited / time.Duration(max(q.waits, 1)) }

// ratio is the part of what was played that was made up, burst how much longer its runs are than
// those of losses at random.
func (q *quality) ratio() (ratio, burst float64) {
	if q.concealed == 0 {
		return 0, 1
	}
	ratio = float64(q.concealed) / float64(q.frames)
	return ratio, max(1, float64(q.concealed)/float64(q.runs)*(1-ratio))
}

// bursts are the densities of loss in 1/256 and the mean lengths in frames.
func (q *quality) bursts() (inBurst, inGap uint8, burst, gap float64) {
	c31, c32 := float64(q.c13), float64(q.c23)
	c11, c14, c22, c33 := float64(q.c11)+float64(q.since), float64(q.c14), float64(q.c22), float64(q.c33)
	if c11+c14 > 0 {
		inGap = uint8(min(256*c14/(c11+c14), 255))
	}
	if c31 == 0 {
		return 0, inGap, 0, c11 + c14
	}
	p32 := c32 / (c31 + c32 + c33)
	p23 := 1.0
	if c22+c32 >= 1 {
		p23 = 1 - c22/(c22+c32)
	}
	total := c11 + c14 + 2*c31 + c22 + 2*c32 + c33
	gap = (c11 + c14 + c31) / c31
	return uint8(min(256*p23/(p23+p32), 255)), inGap, total/c31 - gap, gap
}

// The E-model, ITU-T G.107, with its default values but for what we know: R without
// loss and delay is 93.2 (table 3); Bpl is that of G.711 with concealment (G.113,
// appendix I), which stands for all codecs here: the scale ends at the telephone band.
const (
	emodelR0  = 93.2
	emodelBpl = 25.1
)

// Rating is the transmission rating R of sound of which a part was lost in runs of a
// relative length (1: at random), and that comes so late, mouth to ear (ITU-T G.107): 93.2
// of the best that telephones do.
func Rating(loss, burst float64, delay time.Duration) (r float64) {
	ppl := 100 * loss
	r = emodelR0 - 95*ppl/(ppl/burst+emodelBpl) // section 7.5, Ie = 0
	if ta := delay.Seconds() * 1000; ta > 100 { // section 7.4, Idd
		x := math.Log2(ta / 100)
		r -= 25 * (math.Pow(1+math.Pow(x, 6), 1./6) - 3*math.Pow(1+math.Pow(x/3, 6), 1./6) + 2)
	}
	return max(r, 0)
}

// Opinion is the mean opinion score that a rating stands for, 1 to 4.5: G.107, annex B.
func Opinion(r float64) float64 {
	switch {
	case r <= 6.5: // where the polynomial falls below its value at 0
		return 1
	case r >= 100:
		return 4.5
	}
	return 1 + 0.035*r + r*(r-60)*(100-r)*7e-6
}

// score completes the figures by what follows from them.
func (q *quality) score(st *Stats) {
	if st.Received == 0 {
		return
	}
	loss, burst := q.ratio()
	st.ConcealedRatio = loss
	// What waits when a step is played is how much older than the newest sound its
	// first sample is; that came half a packet ago in the mean.
	st.MouthToEar = st.RoundTrip/2 + st.PacketTime/2 + q.delay()
	st.R = Rating(loss, burst, st.MouthToEar)
	st.MOSLQ, st.MOSCQ = Opinion(Rating(loss, burst, 0)), Opinion(st.R)
}

// voipMetrics is the block of RFC 3611, section 4.7.
func (r *receiver) voipMetrics(st Stats) (*rtcp.VoIPMetricsReportBlock, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.source.some || st.R == 0 {
		return nil, false
	}
	inBurst, inGap, burst, gap := r.quality.bursts()
	frames := func(n float64) uint16 { return uint16(min(n*float64(Frame/time.Millisecond), 65535)) }
	const unknown = 127
	expected := max(float64(r.source.expected()), 1)
	part := func(n float64) uint8 { return uint8(min(max(256*n/expected, 0), 255)) }
	return &rtcp.VoIPMetricsReportBlock{
		SSRC:           r.source.ssrc,
		LossRate:       part(float64(st.Lost)),
		DiscardRate:    part(float64(st.Late)),
		BurstDensity:   inBurst,
		GapDensity:     inGap,
		BurstDuration:  frames(burst),
		GapDuration:    frames(gap),
		RoundTripDelay: millis(st.RoundTrip),
		EndSystemDelay: millis(st.PacketTime/2 + r.quality.delay()),
		SignalLevel:    unknown,
		NoiseLevel:     unknown,
		RERL:           unknown,
		Gmin:           gmin,
		RFactor:        uint8(min(st.R, 100)),
		ExtRFactor:     unknown,
		MOSLQ:          uint8(math.Round(10 * st.MOSLQ)),
		MOSCQ:          uint8(math.Round(10 * st.MOSCQ)),
		RXConfig:       3<<6 | 3<<4, // enhanced concealment, adaptive buffer: section 4.7.6
		JBNominal:      millis(r.delay()),
		JBMaximum:      millis(r.quality.most),
		JBAbsMax:       uint16(maxDelay * 1000 / second),
	}, true
}

func millis(d time.Duration) uint16 { return uint16(min(max(d/time.Millisecond, 0), 65535)) }

func (r *receiver) score(st *Stats) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.quality.score(st)
}
