//go:build !noopus

package media

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"os"
	"testing"
	"time"
)

// TestOpusParity decodes packets that libopus 1.3.1 made, in each of its modes, and
// compares with what libopus itself decodes them to, at 16 kHz and one channel:
//
//	silk    wideband, 20 ms, mono      hybrid  fullband, 20 ms, stereo
//	celt    fullband, 10 ms, stereo    long    wideband, 60 ms, mono
//
// A packet is its length (two bytes, big-endian) and itself; the sound is s16le. Some
// processors round in other places, so the last bits may differ.
func TestOpusParity(t *testing.T) {
	for _, c := range []struct {
		name  string
		ticks int
	}{{"silk", 160}, {"celt", 80}, {"hybrid", 160}, {"long", 480}} {
		packets, err := os.ReadFile("testdata/opus/" + c.name + ".packets")
		if err != nil {
			t.Fatal(err)
		}
		reference, err := os.ReadFile("testdata/opus/" + c.name + ".s16le")
		if err != nil {
			t.Fatal(err)
		}
		dec := newOpus()
		var got []int16
		for n := 0; len(packets) > 0; packets = packets[2+n:] {
			n = int(binary.BigEndian.Uint16(packets))
			p := packets[2 : 2+n]
			if ticks := dec.ticks(p); ticks != c.ticks {
				t.Fatalf("%s: packet of %d ticks, want %d", c.name, ticks, c.ticks)
			}
			got = dec.decode(got, p)
		}
		if len(got)*2 != len(reference) {
			t.Fatalf("%s: %d samples, libopus makes %d", c.name, len(got), len(reference)/2)
		}
		differ, worst := 0.0, 0
		want := plain{}.decode(nil, reference)
		for i, s := range want {
			d := abs(int(s) - int(got[i]))
			worst = max(worst, d)
			differ += float64(d) * float64(d)
		}
		snr := 10 * math.Log10(power(want)*float64(len(want))/(differ+1e-9))
		t.Logf("%s: %d samples, greatest difference %d, %.0f dB", c.name, len(got), worst, snr)
		if snr < 60 || worst > 8 {
			t.Errorf("%s: greatest difference %d, %.1f dB", c.name, worst, snr)
		}
	}
}

// TestOpusRate: the coder keeps to its bit rate, and to each packet time that it has.
func TestOpusRate(t *testing.T) {
	said := speech(4*time.Second, 1)
	for _, ms := range []int{10, 20, 40, 60} {
		if raced && ms > 20 {
			continue
		}
		enc, dec := newOpus(), newOpus()
		var heard []int16
		size, n := 0, ms*Rate/1000
		for at := 0; at+n <= len(said); at += n {
			p := enc.encode(make([]byte, 0, maxPacket), said[at:at+n])
			if dec.ticks(p) != n/2 {
				t.Fatalf("%d ms: a packet of %d ticks", ms, dec.ticks(p))
			}
			size += len(p)
			heard = dec.decode(heard, p)
		}
		c, delay := compare(said, heard)
		rate := size * 8 / 4
		t.Logf("%d ms: %d bit/s, correlation %.3f, delay %v", ms, rate, c, delay)
		if rate < opusBitRate/2 || rate > opusBitRate*3/2 || c < 0.93 || delay > 10*time.Millisecond {
			t.Errorf("%d ms: %d bit/s, correlation %.3f, delay %v", ms, rate, c, delay)
		}
	}
}

// TestOpusGarbage: whatever comes, a payload sounds as long as its ticks say.
func TestOpusGarbage(t *testing.T) {
	dec := newOpus()
	rng := rand.New(rand.NewPCG(1, 1))
	sound := make([]int16, 0, 4*maxTicks)
	for range 3000 {
		p := make([]byte, rng.IntN(200))
		for i := range p {
			p[i] = byte(rng.Uint32())
		}
		ticks := dec.ticks(p)
		if ticks < 0 || ticks > maxTicks {
			t.Fatalf("%d ticks", ticks)
		}
		if ticks == 0 {
			continue
		}
		if got := len(dec.decode(sound[:0], p)); got != 2*ticks {
			t.Fatalf("%d samples for %d ticks", got, ticks)
		}
	}
}

func BenchmarkOpus(b *testing.B) {
	c := newOpus()
	said := speech(Frame, 1)
	payload := make([]byte, 0, maxPacket)
	out := make([]int16, 0, 2*maxTicks)
	b.ReportAllocs()
	for b.Loop() {
		c.decode(out, c.encode(payload, said))
	}
}
