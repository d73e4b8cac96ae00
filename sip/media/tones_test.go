package media

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// keyTones is the sound of keys: each for so long, with a pause after it.
func keyTones(keys string, on, off time.Duration, level, twist, detune float64) (pcm []int16) {
	for _, k := range keys {
		i := strings.IndexRune(toneKeys, k)
		low := []float64{697, 770, 852, 941}[i/4] * (1 + detune)
		high := []float64{1209, 1336, 1477, 1633}[i%4] * (1 - detune)
		for j := range int(on * Rate / time.Second) {
			t := 2 * math.Pi * float64(j) / Rate
			pcm = append(pcm, int16(level*(math.Sin(low*t)+twist*math.Sin(high*t))))
		}
		pcm = append(pcm, make([]int16, off*Rate/time.Second)...)
	}
	return pcm
}

func detect(pcm []int16) string {
	var d toneDetector
	var got []rune
	for _, s := range pcm {
		if k, ok := d.sample(s); ok {
			got = append(got, k)
		}
	}
	return string(got)
}

// TestTones holds the bounds of ITU-T Q.24: 40 ms of tone and of pause, 1.5 % of
// frequency, some dB of twist, a wide range of levels; nothing of 20 ms.
func TestTones(t *testing.T) {
	const keys = "1234567890*#ABCD5550"
	ms := time.Millisecond
	for _, c := range []struct {
		name                 string
		on, off              time.Duration
		level, twist, detune float64
		want                 string
	}{
		{"usual", 100 * ms, 100 * ms, 4000, 1, 0, keys},
		{"shortest", 40 * ms, 40 * ms, 4000, 1, 0, keys},
		{"soft", 60 * ms, 60 * ms, 350, 1, 0, keys},
		{"loud", 60 * ms, 60 * ms, 16000, 1, 0, keys},
		{"treble softer", 60 * ms, 60 * ms, 4000, 0.45, 0, keys},
		{"bass softer", 60 * ms, 60 * ms, 4000, 2, 0, keys},
		{"out of tune", 60 * ms, 60 * ms, 4000, 1, 0.015, keys},
		{"out of tune the other way", 60 * ms, 60 * ms, 4000, 1, -0.015, keys},
		{"long", 2 * time.Second, 50 * ms, 4000, 1, 0, keys},
		{"too short", 18 * ms, 60 * ms, 4000, 1, 0, ""},
		{"too far out of tune", 100 * ms, 60 * ms, 4000, 1, 0.06, ""},
		{"one tone", 100 * ms, 60 * ms, 4000, 0, 0, ""},
	} {
		pcm := keyTones(keys, c.on, c.off, c.level, c.twist, c.detune)
		rng := rand.New(rand.NewPCG(1, 1))
		for i := range pcm {
			pcm[i] += int16(rng.NormFloat64() * c.level / 40) // 29 dB below a tone
		}
		if got := detect(pcm); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	talk := speech(20*time.Second, 9)
	if raced {
		talk = talk[:5*Rate]
	}
	if got := detect(talk); got != "" {
		t.Errorf("speech has keys %q", got)
	}
}

// TestTonesOfAGateway: keys reach Digits by their tones if the other side does no events,
// and only then.
func TestTonesOfAGateway(t *testing.T) {
	for _, events := range []bool{false, true} {
		clearCall(t, Config{Codecs: []string{"PCMU"}}, Config{}, func(t *testing.T, n *network, a, b *Session) {
			inClear(t, a, b, func(s string) string {
				if events {
					return s
				}
				return strings.ReplaceAll(strings.ReplaceAll(s, "telephone-event", "speex"), " 101", " 101")
			}, nil)
			const keys = "0815*#"
			pcm := keyTones(keys, 80*time.Millisecond, 80*time.Millisecond, 4000, 1, 0)
			talk(a, b, append(pcm, make([]int16, Rate)...))
			got := ""
			for len(b.Digits()) > 0 {
				got += string(<-b.Digits())
			}
			want := keys
			if events {
				want = ""
			}
			if got != want {
				t.Errorf("events %v: %q, want %q", events, got, want)
			}
		})
	}
}

func TestReceiveDigit(t *testing.T) {
	call(t, Config{}, Config{}, func(t *testing.T, n *network, a, b *Session) {
		for _, k := range "5#d" {
			if !b.ReceiveDigit(k) {
				t.Errorf("key %c refused", k)
			}
		}
		for _, k := range "xE!\u0661" {
			if b.ReceiveDigit(k) {
				t.Errorf("%c is no key", k)
			}
		}
		if got := string([]rune{<-b.Digits(), <-b.Digits(), <-b.Digits()}); got != "5#D" || len(b.Digits()) != 0 {
			t.Errorf("got %q", got)
		}
	})
}
