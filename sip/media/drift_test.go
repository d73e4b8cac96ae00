package media

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// plain is a codec that changes nothing and costs nothing.
type plain struct{}

func (plain) encode(dst []byte, pcm []int16) []byte {
	for _, s := range pcm {
		dst = binary.LittleEndian.AppendUint16(dst, uint16(s))
	}
	return dst
}

func (plain) decode(dst []int16, payload []byte) []int16 {
	for i := 0; i+1 < len(payload); i += 2 {
		dst = append(dst, int16(binary.LittleEndian.Uint16(payload[i:])))
	}
	return dst
}

func (plain) ticks(payload []byte) int { return len(payload) / 4 }

// hum is ten seconds of a voice that holds a vowel and glides a little, without an end.
func hum() []int16 {
	pcm := make([]int16, 10*Rate)
	phase := 0.0
	for i := range pcm {
		f := 130 + 8*math.Sin(2*math.Pi*float64(i)/float64(len(pcm)/4))
		phase += 2 * math.Pi * f / Rate
		s := 0.0
		for h := 1.0; h <= 12; h++ {
			s += math.Sin(h*phase+h*h) / (1 + math.Abs(h*f-600)/300)
		}
		pcm[i] = int16(2500 * s)
	}
	return pcm
}

// curve is the greatest second difference, which a click has and a voice has not, and softest
// the least power of 10 ms.
func curve(pcm []int16) (steepest int, softest float64) {
	for i := 2; i < len(pcm); i++ {
		steepest = max(steepest, abs(int(pcm[i])-2*int(pcm[i-1])+int(pcm[i-2])))
	}
	softest = math.Inf(1)
	for i := 0; i+160 <= len(pcm); i += 160 {
		softest = min(softest, power(pcm[i:i+160]))
	}
	return steepest, softest
}

// TestHourOfDrift: two sound cards whose clocks differ by 200 ppm drift apart by 720 ms
// in an hour. It is absorbed without a click, a hole or a packet lost, and the delay stays
// what it was, with packets of 20 ms and of 10. They wander by up to 2 ms, as they do in
// any machine.
func TestHourOfDrift(t *testing.T) {
	voice := hum()
	minutes := 60
	if raced {
		minutes = 2
	}
	steepest, softest := curve(append(append([]int16(nil), voice...), voice...))
	for _, c := range []struct {
		ppm    float64
		packet int // samples
	}{{200, FrameSamples}, {-200, FrameSamples}, {200, short}, {-200, short}} {
		ppm := c.ppm
		rng := rand.New(rand.NewPCG(1, 1))
		var r receiver
		r.init(make(chan rune, 1))
		r.ready, r.active = true, true
		r.codecs[96], r.rate[96] = plain{}, clock
		now := epoch
		var worst time.Duration
		payload := make([]byte, 0, 2*FrameSamples)
		out := make([]int16, short)
		window := make([]int16, 0, 60*Rate)
		sent := 0
		least := softest
		send := func(at time.Time) {
			from := sent * c.packet % len(voice)
			payload = plain{}.encode(payload[:0], voice[from:from+c.packet])
			r.header.SequenceNumber, r.header.Timestamp = uint16(sent), uint32(sent*c.packet/2)
			r.take(at, block{pt: 96, payload: payload})
			sent++
		}
		const step, second = Frame / 2, Rate / short
		every := float64(Frame) * float64(c.packet) / FrameSamples * (1 + ppm/1e6)
		for f := range minutes * 60 * second {
			now = epoch.Add(time.Duration(f) * step)
			for {
				at := epoch.Add(3*time.Millisecond + time.Duration(float64(sent)*every)).Add(time.Duration(rng.Int64N(int64(2 * time.Millisecond))))
				if at.After(now) {
					break
				}
				send(at)
			}
			r.playout(now, out)
			if f < 10*second {
				continue
			}
			worst = max(worst, r.delay())
			window = append(window, out...)
			if len(window) == cap(window) {
				s, p := curve(window)
				least = min(least, p)
				if s > steepest*5/4 {
					t.Fatalf("%+.0f ppm: a click of %d after %d s, the voice has %d", ppm, s, f/second, steepest)
				}
				window = window[:copy(window, window[len(window)-2:])]
			}
		}
		q := &r.quality
		t.Logf("%+.0f ppm, packets of %d samples: %d frames, %d made up, late %d, dropped %d, delay mean %v, most %v; softest 10 ms %.2f of the voice's",
			ppm, c.packet, q.frames, q.concealed, r.late, r.dropped, q.delay(), worst, least/softest)
		if q.concealed > 0 || r.late > 0 || r.dropped > 0 || worst > 60*time.Millisecond || least < softest*0.7 {
			t.Errorf("%+.0f ppm, packets of %d samples: %d made up, late %d, dropped %d, delay up to %v, softest 10 ms %.2f", ppm, c.packet, q.concealed, r.late, r.dropped, worst, least/softest)
		}
	}
}
