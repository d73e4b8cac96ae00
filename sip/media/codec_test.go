package media

import (
	"math"
	"testing"
	"time"
)

// TestG711Tables checks all code words against the definition in ITU-T G.711,
// tables 1 and 2, worked out from the segments' end points.
func TestG711Tables(t *testing.T) {
	for code := range 256 {
		// u-law: value = (33 + 2 step) 2^segment - 33, of 14 bits.
		c := ^byte(code)
		u := (33+2*int(c&15))<<(c>>4&7) - 33
		if c&0x80 != 0 {
			u = -u
		}
		if got := int(ulaw[code]); got != u*4 {
			t.Errorf("u-law %02x: %d, want %d", code, got, u*4)
		}
		// A-law: the middle of the step, of 13 bits: segments of 0, 32, 64 ... 2048.
		c = byte(code) ^ 0x55
		a := 2*int(c&15) + 1
		if s := int(c >> 4 & 7); s > 0 {
			a = (2*int(c&15) + 33) << (s - 1)
		}
		if c&0x80 == 0 {
			a = -a
		}
		if got := int(alaw[code]); got != a*8 {
			t.Errorf("A-law %02x: %d, want %d", code, got, a*8)
		}
		if got := encodeAlaw(alaw[code]); got != byte(code) {
			t.Errorf("A-law %02x comes back as %02x", code, got)
		}
		want := byte(code)
		if want == 0x7F { // the negative zero
			want = 0xFF
		}
		if got := encodeUlaw(ulaw[code]); got != want {
			t.Errorf("u-law %02x comes back as %02x", code, got)
		}
	}
}

// TestG711Decisions: each of the 65536 samples gets the code word between whose
// decision values it lies, the second columns of tables 1 and 2.
func TestG711Decisions(t *testing.T) {
	for s := -32768; s <= 32767; s++ {
		c := ^encodeUlaw(int16(s))
		low := ((32+2*int(c&15))<<(c>>4&7) - 33) * 4
		high := ((34+2*int(c&15))<<(c>>4&7) - 33) * 4
		if m := min(abs(s), 8158*4); m < low || m >= high || s != 0 && (s < 0) != (c&0x80 != 0) {
			t.Fatalf("u-law: %d becomes %02x, which is for %d to %d", s, ^c, low, high)
		}
		c = encodeAlaw(int16(s)) ^ 0x55
		low, high = int(c&15)*2, int(c&15)*2+2
		if seg := int(c >> 4 & 7); seg > 0 {
			low, high = (low+32)<<(seg-1), (high+32)<<(seg-1)
		}
		m := s
		if s < 0 {
			m = -s - 1 // a sample on the border belongs to the value nearer to zero
		}
		if m < low*8 || m >= high*8 || (s >= 0) != (c&0x80 != 0) {
			t.Fatalf("A-law: %d becomes %02x, which is for %d to %d", s, c^0x55, low*8, high*8)
		}
	}
}

func abs(x int) int {
	if x < 0 {
		return -x
	}
	return x
}

// gain is the filter's gain at a frequency, in dB, from its impulse response.
func gain(f float64) float64 {
	re := 0.5
	for j, h := range half {
		re += float64(h) * math.Cos(2*math.Pi*f/Rate*float64(2*j-halfDelay))
	}
	return 20 * math.Log10(math.Abs(re))
}

func TestResamplerResponse(t *testing.T) {
	ripple, stop := 0.0, -200.0
	for f := 0.0; f <= 3400; f += 10 {
		ripple = max(ripple, math.Abs(gain(f)))
	}
	for f := 4600.0; f <= 8000; f += 10 {
		stop = max(stop, gain(f))
	}
	t.Logf("ripple to 3.4 kHz %.3f dB, stop band from 4.6 kHz %.1f dB", ripple, stop)
	if ripple > 0.05 || stop > -50 {
		t.Errorf("ripple %.3f dB, stop band %.1f dB", ripple, stop)
	}
}

func tone(f float64, n int) []int16 {
	pcm := make([]int16, n)
	for i := range pcm {
		pcm[i] = int16(10000 * math.Sin(2*math.Pi*f*float64(i)/Rate))
	}
	return pcm
}

// TestResamplerTones sends tones down and up again: those of the telephone band come
// back, those above do not fold into it.
func TestResamplerTones(t *testing.T) {
	for _, c := range []struct{ f, low, high float64 }{
		{200, -0.1, 0.1}, {1000, -0.1, 0.1}, {3300, -0.1, 0.1}, {5000, -200, -50}, {7000, -200, -50},
	} {
		var d decimator
		var u interpolator
		in := tone(c.f, 10*FrameSamples)
		var out []int16
		narrow := make([]int16, FrameSamples/2)
		for at := 0; at < len(in); at += FrameSamples {
			d.convert(narrow, in[at:at+FrameSamples])
			out = u.convert(out, narrow)
		}
		got := 10 * math.Log10((power(out[FrameSamples:])+1e-9)/power(in[FrameSamples:]))
		if got < c.low || got > c.high {
			t.Errorf("%g Hz comes back at %.2f dB, want %g to %g", c.f, got, c.low, c.high)
		}
	}
}

// TestCodecsTakeAnyLength: peers send 10, 20, 30 and 60 ms.
func TestCodecsTakeAnyLength(t *testing.T) {
	for _, name := range []string{"G722", "PCMA", "PCMU"} {
		k, ok := codecKind(name)
		if !ok {
			t.Fatalf("no codec %s", name)
		}
		said := speech(time.Second, 1)
		payload := k.new().encode(nil, said)
		if len(payload) != len(said)/2 {
			t.Fatalf("%s: %d bytes for a second", name, len(payload))
		}
		for _, n := range []int{1, 80, 160, 240, 480, 960} {
			dec := k.new()
			var heard []int16
			for at := 0; at < len(payload); at += n {
				heard = dec.decode(heard, payload[at:min(at+n, len(payload))])
			}
			if c, _ := compare(said, heard); len(heard) != len(said) || c < 0.99 {
				t.Errorf("%s in packets of %d bytes: %d samples, correlation %.3f", name, n, len(heard), c)
			}
		}
	}
}

// TestConcealment loses frames of a steady voice: the made-up sound is like the real
// one at first, fades to silence within 60 ms, and has no steps at its ends.
func TestConcealment(t *testing.T) {
	voice := make([]int16, 20*FrameSamples)
	for i := range voice {
		for h := 1.0; h <= 5; h++ {
			voice[i] += int16(4000 / h * math.Sin(2*math.Pi*125*h*float64(i)/Rate+h))
		}
	}
	steepest := 0
	for i := 1; i < len(voice); i++ {
		steepest = max(steepest, abs(int(voice[i])-int(voice[i-1])))
	}
	var c concealer
	c.played(voice[:8*FrameSamples])
	out := append([]int16(nil), voice...)
	for f := 8; f < 12; f++ {
		c.conceal(out[f*FrameSamples : (f+1)*FrameSamples])
	}
	c.resume(out[12*FrameSamples : 13*FrameSamples])
	if s := similarity(out[8*FrameSamples:], voice[8*FrameSamples:], FrameSamples, 1); s < 0.95 {
		t.Errorf("first frame made up is like the lost one by %.3f", s)
	}
	if p := power(out[11*FrameSamples : 12*FrameSamples]); p != 0 {
		t.Errorf("after 60 ms still sound of power %g", p)
	}
	for i := 8*FrameSamples - 1; i < 13*FrameSamples; i++ {
		if d := abs(int(out[i]) - int(out[i-1])); d > steepest*3/2 {
			t.Errorf("step of %d at sample %d, the voice has at most %d", d, i-8*FrameSamples, steepest)
		}
	}
}

// TestShorten removes whole periods and leaves no step.
func TestShorten(t *testing.T) {
	const period = 128
	voice := tone(Rate/period, 2*FrameSamples)
	steepest := 0
	for i := 1; i < len(voice); i++ {
		steepest = max(steepest, abs(int(voice[i])-int(voice[i-1])))
	}
	out := shorten(append([]int16(nil), voice...), FrameSamples, false)
	if removed := len(voice) - len(out); abs(removed-period) > 2 {
		t.Errorf("%d samples removed, a period is %d", removed, period)
	}
	for i := 1; i < len(out); i++ {
		if d := abs(int(out[i]) - int(out[i-1])); d > steepest*2 {
			t.Errorf("step of %d at %d", d, i)
		}
	}
}

// TestStretch inserts whole periods and leaves no step.
func TestStretch(t *testing.T) {
	const period = 128
	voice := tone(Rate/period, 2*FrameSamples)
	steepest, _ := curve(voice)
	buf := append(append([]int16(nil), voice...), make([]int16, FrameSamples)...)
	n := stretch(buf, len(voice), false)
	if added := n - len(voice); added%period > 2 && added%period < period-2 || added == 0 {
		t.Errorf("%d samples added, a period is %d", added, period)
	}
	if now, _ := curve(buf[:n]); now > steepest*5/4 {
		t.Errorf("second difference %d, %d before", now, steepest)
	}
	for i := range 10 {
		if buf[i] != voice[i] || abs(int(buf[n-1-i])-int(voice[len(voice)-1-i])) > 200 {
			t.Fatal("the ends do not join what stands beside them")
		}
	}
	ramp := make([]int16, 3*FrameSamples) // nothing in it repeats: a wrong join is a step
	for i := range 2 * FrameSamples {
		ramp[i] = int16(30 * i)
	}
	n = stretch(ramp, 2*FrameSamples, true)
	for i := 1; i < n; i++ {
		if d := abs(int(ramp[i]) - int(ramp[i-1])); d > 100 {
			t.Fatalf("a step of %d at %d of %d", d, i, n)
		}
	}
	// A sound that is nowhere like itself waits, unless it must.
	rough := make([]int16, 2*FrameSamples, 3*FrameSamples)
	for i := range rough {
		rough[i] = int16(i * i * 7919)
	}
	if got := stretch(rough[:cap(rough)], len(rough), false); got != len(rough) {
		t.Errorf("noise was stretched by %d", got-len(rough))
	}
	if got := stretch(rough[:cap(rough)], len(rough), true); got == len(rough) {
		t.Error("noise was not stretched though it had to be")
	}
}

// TestTimeline: timestamps of 48 kHz become those of 8 kHz also where they wrap, in
// whatever order packets come.
func TestTimeline(t *testing.T) {
	var l timeline
	const first = 0xFFFFFF00
	for _, n := range []uint32{0, 1, 3, 2, 5, 4, 100, 99} {
		if got := l.convert(first+n*960, 48000); got != n*frameTicks {
			t.Errorf("packet %d begins at %d", n, got)
		}
	}
	if got := l.convert(77, clock); got != 77 {
		t.Errorf("8 kHz: %d", got)
	}
}
