package media

import (
	"errors"
	"math"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// network is a network in memory. Inside a synctest bubble its delays are virtual.
type network struct {
	mu    sync.Mutex
	conns map[netip.AddrPort]*memConn

	// path says what becomes of a datagram: one copy for each delay, lost if
	// none. nil: delivered at once.
	path func(from, to netip.AddrPort, b []byte) []time.Duration
}

type datagram struct {
	b    []byte
	from netip.AddrPort
}

type memConn struct {
	net    *network
	at     netip.AddrPort
	in     chan datagram
	closed chan struct{}
	once   sync.Once
}

func newNetwork() *network { return &network{conns: map[netip.AddrPort]*memConn{}} }

func (n *network) listen(at netip.AddrPort) (PacketConn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.conns[at] != nil {
		return nil, errors.New("address in use")
	}
	c := &memConn{net: n, at: at, in: make(chan datagram, 512), closed: make(chan struct{})}
	n.conns[at] = c
	return c, nil
}

func (n *network) deliver(to netip.AddrPort, d datagram) {
	n.mu.Lock()
	c := n.conns[to]
	n.mu.Unlock()
	if c == nil {
		return
	}
	select {
	case c.in <- d:
	default:
	}
}

func (c *memConn) ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error) {
	select {
	case d := <-c.in:
		return copy(b, d.b), d.from, nil
	case <-c.closed:
		return 0, netip.AddrPort{}, net.ErrClosed
	}
}

func (c *memConn) WriteToUDPAddrPort(b []byte, to netip.AddrPort) (int, error) {
	d := datagram{append([]byte(nil), b...), c.at}
	delays := []time.Duration{0}
	if c.net.path != nil {
		delays = c.net.path(c.at, to, b)
	}
	for _, delay := range delays {
		if delay == 0 {
			c.net.deliver(to, d)
		} else {
			time.AfterFunc(delay, func() { c.net.deliver(to, d) })
		}
	}
	return len(b), nil
}

func (c *memConn) Close() error {
	c.once.Do(func() {
		c.net.mu.Lock()
		delete(c.net.conns, c.at)
		c.net.mu.Unlock()
		close(c.closed)
	})
	return nil
}

var addrA, addrB, addrC = netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2"), netip.MustParseAddr("192.0.2.3")

func (n *network) session(t testing.TB, at netip.Addr, cfg Config) *Session {
	t.Helper()
	cfg.Local, cfg.Listen = at, n.listen
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// negotiate lets a call b.
func negotiate(t testing.TB, a, b *Session) {
	t.Helper()
	offer, err := a.Offer()
	if err != nil {
		t.Fatal(err)
	}
	answer, err := b.Answer(offer)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Accept(answer); err != nil {
		t.Fatal(err)
	}
}

// call runs body in a bubble with two phones that have negotiated.
func call(t *testing.T, cfgA, cfgB Config, body func(t *testing.T, n *network, a, b *Session)) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		a, b := n.session(t, addrA, cfgA), n.session(t, addrB, cfgB)
		defer a.Close()
		defer b.Close()
		negotiate(t, a, b)
		body(t, n, a, b)
	})
}

// short is the step in which a telephone moves sound, samples.
const short = FrameSamples / 2

// talk lets a speak and b hear in short steps, both clocked by their own sound devices, 7
// ms apart. It returns what b heard.
func talk(a, b *Session, speech []int16) (heard []int16) {
	heard = make([]int16, 0, len(speech))
	silence := make([]int16, short)
	out := make([]int16, short)
	for at := 0; at+short <= len(speech); at += short {
		a.Capture(speech[at : at+short])
		a.Playout(out)
		time.Sleep(7 * time.Millisecond)
		b.Capture(silence)
		b.Playout(out)
		heard = append(heard, out...)
		time.Sleep(3 * time.Millisecond)
	}
	return heard
}

// calmTime is how long settle takes.
const calmTime = 3 * time.Second / 2

// settle lets both hear silence until the delay with which a call begins is given back. What
// is said afterwards is heard with one delay, if the network does nothing to it.
func settle(a, b *Session) { talk(a, b, make([]int16, calmTime*Rate/time.Second)) }

// speech makes something like a voice: a gliding pitch with harmonics under 3.4 kHz,
// syllables, pauses, a little noise. The same seed gives the same sound. Under the race
// detector, where it takes long to make, it says all again after three seconds.
func speech(d time.Duration, seed uint64) []int16 {
	rng := rand.New(rand.NewPCG(seed, 1))
	pcm := make([]int16, int(d*Rate/time.Second)/FrameSamples*FrameSamples)
	phase := 0.0
	for i := range pcm {
		if raced && i >= 3*Rate {
			pcm[i] = pcm[i-3*Rate]
			continue
		}
		t := float64(i) / Rate
		f := 140 + 50*math.Sin(2*math.Pi*0.7*t) + 15*math.Sin(2*math.Pi*2.3*t)
		phase += 2 * math.Pi * f / Rate
		s := 0.0
		for h := 1.0; h*f < 3000; h++ {
			s += math.Sin(h*phase+h*h) / (1 + math.Abs(h*f-700-500*math.Sin(3*t))/300)
		}
		syllable := math.Pow(math.Max(0, math.Sin(2*math.Pi*2*t)), 0.5)
		pcm[i] = int16(s*syllable*3000 + rng.NormFloat64()*20)
	}
	return pcm
}

// maxCompared is the greatest delay looked for, samples.
const maxCompared = Rate / 5

// compare returns the correlation of what was heard with what was said, and the
// delay at which it is greatest.
func compare(said, heard []int16) (correlation float64, delay time.Duration) {
	best := -1.0
	at := 0
	n := min(len(said), len(heard)) - maxCompared
	for lag := range maxCompared {
		if c := similarity(heard[lag:], said, n, sparse); c > best {
			best, at = c, lag
		}
	}
	return best, time.Duration(at) * time.Second / Rate
}

func power(pcm []int16) (p float64) {
	for _, s := range pcm {
		p += float64(s) * float64(s)
	}
	return p / float64(max(len(pcm), 1))
}
