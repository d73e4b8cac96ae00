package media

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// TestSilenceIsNotSent: with VAD a silent room costs a few packets, the other side hears
// its noise, and words are whole.
func TestSilenceIsNotSent(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	said := make([]int16, 20*Rate)
	for i := range said {
		said[i] = int16(rng.NormFloat64() * 60) // -55 dBov
	}
	word := speech(2*time.Second, 1)
	for i, s := range word {
		said[12*Rate+i] += s
	}
	for _, vad := range []bool{false, true} {
		call(t, Config{Codecs: []string{"PCMU"}, VAD: vad}, Config{}, func(t *testing.T, n *network, a, b *Session) {
			heard := talk(a, b, said)
			st, got := a.Stats(), b.Stats()
			room := 10 * math.Log10(power(heard[5*Rate:11*Rate])/power(said[5*Rate:11*Rate]))
			c, _ := compare(said[12*Rate:14*Rate], heard[12*Rate:14*Rate])
			t.Logf("VAD %v: %d packets, noise %+.1f dB, word %.3f, %+v", vad, st.Sent, room, c, got)
			if !vad && st.Sent != 1000 {
				t.Errorf("without VAD %d packets", st.Sent)
			}
			if vad && (st.Sent < 100 || st.Sent > 350) {
				t.Errorf("%d packets of 1000 sent", st.Sent)
			}
			if room > 2 || room < -5 || c < 0.97 { // half of white noise is above the telephone band
				t.Errorf("VAD %v: noise of %+.1f dB against the room's, correlation of the word %.3f", vad, room, c)
			}
			if got.Concealed > 2 || got.Late > 0 {
				t.Errorf("%+v", got)
			}
		})
	}
}

// TestNoisePayload: "the magnitude of the noise level is packed into the least significant
// bits ... expressed in -dBov, with values from 0 to 127" (RFC 3389, section 3.1).
func TestNoisePayload(t *testing.T) {
	var r room
	for _, level := range []byte{40, 50, 60} {
		r = room{}
		r.set([]byte{level | 0x80, 1, 2, 3}) // a spectrum of order 3, and the reserved bit
		pcm := make([]int16, Rate)
		r.fill(pcm)
		if got := 10 * math.Log10(power(pcm)/fullPower); math.Abs(got+float64(level)) > 1 {
			t.Errorf("noise of level %d has %.1f dBov", level, got)
		}
	}
	r.set([]byte{0}) // as loud as can be
	pcm := make([]int16, Rate)
	r.fill(pcm)
	if p := 10 * math.Log10(power(pcm)/fullPower); p > -20 {
		t.Errorf("noise of %.1f dBov", p)
	}
	r = room{}
	r.set([]byte{127})
	if r.fill(pcm); power(pcm) != 0 {
		t.Error("silence hums")
	}
}
