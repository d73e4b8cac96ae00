package media

import (
	"math/rand/v2"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

// linkTest sends speech over a path for a while and returns its figures of the last five
// seconds, when the buffer has found its delay.
func linkTest(t *testing.T, path func(rng *rand.Rand, i int) []time.Duration) (c float64, delay time.Duration, st Stats) {
	call(t, Config{}, Config{}, func(t *testing.T, n *network, a, b *Session) {
		rng := rand.New(rand.NewPCG(7, 7))
		i := 0
		n.path = func(from, to netip.AddrPort, _ []byte) []time.Duration {
			if to.Addr() != addrB || to.Port()%2 != 0 {
				return []time.Duration{0}
			}
			i++
			return path(rng, i)
		}
		said := speech(13*time.Second, 2)
		heard := talk(a, b, said)
		c, delay = compare(said[9*Rate:], heard[9*Rate:])
		st = b.Stats()
		t.Logf("correlation %.3f, delay %v, %+v", c, delay, st)
	})
	return c, delay, st
}

func TestLoss(t *testing.T) {
	c, delay, st := linkTest(t, func(rng *rand.Rand, _ int) []time.Duration {
		if rng.Float64() < 0.05 {
			return nil
		}
		return []time.Duration{0}
	})
	if c < 0.95 || delay > 50*time.Millisecond {
		t.Errorf("correlation %.3f, delay %v", c, delay)
	}
	if made := st.Concealed + st.Restored; st.Lost == 0 || made < uint64(st.Lost) || made > uint64(st.Lost)+3 {
		t.Errorf("lost %d, concealed %d, restored %d", st.Lost, st.Concealed, st.Restored)
	}
}

func TestJitter(t *testing.T) {
	c, delay, st := linkTest(t, func(rng *rand.Rand, _ int) []time.Duration {
		return []time.Duration{1 + time.Duration(rng.Int64N(int64(50*time.Millisecond)))}
	})
	if c < 0.97 || delay > 120*time.Millisecond {
		t.Errorf("correlation %.3f, delay %v", c, delay)
	}
	if st.Jitter < 5*time.Millisecond {
		t.Errorf("jitter %v", st.Jitter)
	}
}

func TestReorderAndDuplicates(t *testing.T) {
	c, delay, st := linkTest(t, func(rng *rand.Rand, i int) []time.Duration {
		switch {
		case i%10 == 0:
			return []time.Duration{25 * time.Millisecond} // after its successor
		case i%7 == 0:
			return []time.Duration{0, 0}
		}
		return []time.Duration{0}
	})
	if c < 0.97 || delay > 80*time.Millisecond {
		t.Errorf("correlation %.3f, delay %v", c, delay)
	}
	if st.Rejected == 0 { // SRTP knows copies: RFC 3711, section 3.3.2
		t.Errorf("no copy was noticed: %+v", st)
	}
}

// TestDelayComesBack shows that delay taken for a disturbance is given back within
// ten seconds of its end.
func TestDelayComesBack(t *testing.T) {
	for _, c := range []struct {
		name  string
		cfg   Config
		path  func(rng *rand.Rand) []time.Duration
		least time.Duration // more that is taken
	}{
		{"jitter", Config{}, func(rng *rand.Rand) []time.Duration { return []time.Duration{1 + upTo(rng, 80*time.Millisecond)} }, 40 * time.Millisecond},
		{"loss, all sent twice", Config{Redundancy: Always}, func(rng *rand.Rand) []time.Duration {
			if rng.Float64() < 0.05 {
				return nil
			}
			return []time.Duration{0}
		}, 10 * time.Millisecond},
	} {
		call(t, c.cfg, c.cfg, func(t *testing.T, n *network, a, b *Session) {
			rng := rand.New(rand.NewPCG(6, 6))
			said := speech(5*time.Second, 3)
			measure := func() time.Duration {
				heard := talk(a, b, said)
				_, delay := compare(said[3*Rate:], heard[3*Rate:])
				return delay
			}
			before := measure()
			n.path = func(netip.AddrPort, netip.AddrPort, []byte) []time.Duration { return c.path(rng) }
			during := measure()
			n.path = nil
			measure()
			after := measure()
			t.Logf("%s: delay %v, %v, %v", c.name, before, during, after)
			if during < before+c.least {
				t.Errorf("%s: delay %v, %v before", c.name, during, before)
			}
			if after > before+5*time.Millisecond {
				t.Errorf("%s: delay %v after, %v before", c.name, after, before)
			}
		})
	}
}

// TestDrift lets the sender's clock run fast, then slow, by far more than two
// sound cards differ.
func TestDrift(t *testing.T) {
	for _, step := range []time.Duration{-20 * time.Microsecond, 20 * time.Microsecond} { // 1000 ppm
		synctest.Test(t, func(t *testing.T) {
			n := newNetwork()
			a, b := n.session(t, addrA, Config{}), n.session(t, addrB, Config{})
			defer a.Close()
			defer b.Close()
			negotiate(t, a, b)
			said := speech(2*time.Second, 4)
			seconds := 90
			if raced {
				seconds = 40
			}
			done := make(chan struct{})
			go func() {
				defer close(done)
				for i := range (seconds + 10) * 50 {
					at := i * FrameSamples % len(said)
					a.Capture(said[at : at+FrameSamples])
					time.Sleep(Frame + step)
				}
			}()
			out := make([]int16, FrameSamples)
			for range seconds * 50 {
				b.Playout(out)
				time.Sleep(Frame)
			}
			st := b.Stats()
			t.Logf("%+v", st)
			if st.Delay > 80*time.Millisecond || st.Dropped > 0 || st.Late > 2 || st.Concealed > 20 {
				t.Errorf("after %d seconds at %v a frame: %+v", seconds, step, st)
			}
			<-done
		})
	}
}
