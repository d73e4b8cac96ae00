package media

import (
	"encoding/binary"
	"flag"
	"math/rand/v2"
	"net/netip"
	"os"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"chordophone/tools/bench/estoi"
)

var (
	seeds  = flag.Int("seeds", 1, "calls for each link in TestLinks")
	spoken = flag.String("spoken", "", "a file of speech for TestLinks, s16le mono 16 kHz")
)

// link is what a network does to the packets one way.
type link struct {
	name string
	path func(rng *rand.Rand) func() []time.Duration

	// Bounds: mouth to ear with packets of 20 ms and of 10, intelligibility, opinion.
	late, soon time.Duration

	estoi float64
	mos   float64
}

func random(p float64, burst int) func(*rand.Rand) func() []time.Duration {
	return func(rng *rand.Rand) func() []time.Duration {
		left := 0
		return func() []time.Duration {
			if left == 0 && rng.Float64() < p/float64(burst) {
				left = burst
			}
			if left > 0 {
				left--
				return nil
			}
			return []time.Duration{0}
		}
	}
}

func jitter(most time.Duration) func(*rand.Rand) func() []time.Duration {
	return func(rng *rand.Rand) func() []time.Duration {
		return func() []time.Duration { return []time.Duration{1 + time.Duration(rng.Int64N(int64(most)))} }
	}
}

// The bounds of intelligibility are what another telephone reached on such links.
var links = []link{
	{"clean", random(0, 1), 60 * time.Millisecond, 40 * time.Millisecond, 0.988, 4.4},
	{"1 % lost", random(0.01, 1), 100 * time.Millisecond, 80 * time.Millisecond, 0.94, 4.4},
	{"5 % lost", random(0.05, 1), 100 * time.Millisecond, 80 * time.Millisecond, 0.859, 4.3},
	{"10 % lost", random(0.10, 1), 100 * time.Millisecond, 80 * time.Millisecond, 0.80, 4.0},
	{"50 ms jitter", jitter(50 * time.Millisecond), 120 * time.Millisecond, 120 * time.Millisecond, 0.94, 4.0},
	{"10 % lost, threes", random(0.10, 3), 120 * time.Millisecond, 100 * time.Millisecond, 0.710, 3.0},
}

// TestLinks puts calls over links of all kinds and measures what arrives: the delay from
// mouth to ear (10 ms to capture a step included, no sound device), what was made
// up, intelligibility and the E-model's opinion, with packets of 20 ms and of 10. -seeds and
// -spoken make it a benchmark.
func TestLinks(t *testing.T) {
	said := speech(12*time.Second, 2)
	if raced {
		said = said[:9*Rate]
	}
	if *spoken != "" {
		b, err := os.ReadFile(*spoken)
		if err != nil {
			t.Fatal(err)
		}
		said = said[:0]
		for i := 0; i+1 < len(b); i += 2 {
			said = append(said, int16(binary.LittleEndian.Uint16(b[i:])))
		}
		said = said[:len(said)/FrameSamples*FrameSamples]
	}
	_, best, _ := measure(t, links[0], said, Config{Redundancy: Never}, 0) // what the codec leaves of this speech
	for _, cfg := range []Config{
		{Redundancy: Always, Ptime: Frame},
		{Redundancy: Always, Ptime: Frame / 2},
		{Redundancy: OnLoss, Ptime: Frame},
	} {
		for i, l := range links {
			switch {
			case raced && i != 2, *seeds == 1 && cfg.Redundancy == OnLoss, *seeds == 1 && cfg.Ptime < Frame && i%2 == 1:
				continue
			}
			want := l.late
			if cfg.Ptime < Frame {
				want = l.soon
			}
			var late []time.Duration
			var clear, mos, made []float64
			for seed := range uint64(*seeds) {
				d, e, st := measure(t, l, said, cfg, seed)
				late, clear, made = append(late, d), append(clear, e), append(made, 100*st.ConcealedRatio)
				mos = append(mos, Opinion(Rating(residual(st), 1, d)))
			}
			slices.Sort(late)
			slices.Sort(clear)
			slices.Sort(mos)
			slices.Sort(made)
			mid := len(late) / 2
			t.Logf("redundancy %d, %v, %-18s mouth to ear %v (to %v), made up %.2f %%, ESTOI %.3f, MOS %.2f", cfg.Redundancy, cfg.Ptime, l.name,
				late[mid].Round(time.Millisecond/10), late[len(late)-1].Round(time.Millisecond/10), made[mid], clear[mid], mos[mid])
			bound := l.estoi * min(best/links[0].estoi, 1)
			if cfg.Redundancy == Always && (late[mid] > want || clear[mid] < bound-0.001 || mos[mid] < l.mos) {
				t.Errorf("%s, packets of %v: mouth to ear %v (want %v), ESTOI %.3f (%.3f), MOS %.2f (%.2f)", l.name, cfg.Ptime, late[mid], want, clear[mid], bound, mos[mid], l.mos)
			}
		}
	}
}

// residual is the part of the packets that was lost for good.
func residual(st Stats) float64 {
	missing := st.Lost - int64(st.Restored) + int64(st.Late)
	return float64(max(missing, 0)) / float64(max(st.Received+uint64(max(st.Lost, 0)), 1))
}

func measure(t *testing.T, l link, said []int16, cfg Config, seed uint64) (late time.Duration, clear float64, st Stats) {
	synctest.Test(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(seed, 11))
		n := newNetwork()
		a, b := n.session(t, addrA, cfg), n.session(t, addrB, cfg)
		defer a.Close()
		defer b.Close()
		negotiate(t, a, b)
		path := l.path(rng)
		n.path = func(from, to netip.AddrPort, _ []byte) []time.Duration {
			if to.Addr() == addrB && to.Port()%2 == 0 {
				return path()
			}
			return []time.Duration{0}
		}
		const step = Frame / 2
		phase := time.Duration(rng.Int64N(int64(step)))
		var heard []int16
		silence, out := make([]int16, short), make([]int16, short)
		lead := make([]int16, calmTime*Rate/time.Second)
		spoken := append(lead, said...)
		for at := 0; at+short <= len(spoken); at += short {
			a.Capture(spoken[at : at+short])
			a.Playout(out)
			time.Sleep(phase)
			b.Capture(silence)
			b.Playout(out)
			heard = append(heard, out...)
			time.Sleep(step - phase)
		}
		heard = heard[len(lead):]
		const found = 5 * Rate
		_, delay := compare(said[found:], heard[found:])
		late = delay + phase + step
		clear = estoi.Of(said, aligned(said, heard))
		st = b.Stats()
	})
	return late, clear, st
}

// aligned is what was heard without its delay, which may change, found for each two
// seconds.
func aligned(said, heard []int16) (out []int16) {
	const piece = 2 * Rate
	for at := 0; at+piece+maxCompared <= len(heard); at += piece {
		_, delay := compare(said[at:at+piece+maxCompared], heard[at:at+piece+maxCompared])
		lag := at + int(delay*Rate/time.Second)
		out = append(out, heard[lag:lag+piece]...)
	}
	return out
}
