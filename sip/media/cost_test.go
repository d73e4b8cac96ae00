package media

import (
	"net/netip"
	"testing"
	"time"
)

// costs are the ways to send sound whose cost is known. Our own telephones send G.722
// twice.
var costs = []struct {
	name string
	cfg  Config
}{
	{"PCMU", Config{Codecs: []string{"PCMU"}}},
	{"PCMU-VAD", Config{Codecs: []string{"PCMU"}, VAD: true}},
	{"G722", Config{}},
	{"G722-twice", Config{Redundancy: Always}},
	{"G722-twice-10ms", Config{Redundancy: Always, Ptime: Frame / 2}},
	{"opus", Config{Codecs: []string{"opus"}}},
}

// built reports whether a cost can be had in this build.
func built(name string) bool {
	_, ok := codecKind(name)
	return ok || name != "opus"
}

// pair is two telephones in a call without a network: what one sends is handed to the
// other.
type pair struct {
	x, y *Session
	wire []byte // the last packet
	said []int16
	out  []int16
	at   int
	now  time.Time
}

func newPair(t testing.TB, cfg Config) *pair {
	n := newNetwork()
	p := &pair{x: n.session(t, addrA, cfg), y: n.session(t, addrB, cfg), said: speech(time.Second/5, 1), out: make([]int16, short), now: time.Now()}
	t.Cleanup(func() { p.x.Close(); p.y.Close() })
	negotiate(t, p.x, p.y)
	return p
}

// send fills a packet.
func (p *pair) send() {
	for n := 0; n < p.x.send.ptime; n += short {
		p.x.send.frame(p.now, p.said[p.at:p.at+short], tapConn{&p.wire})
		p.at = (p.at + short) % len(p.said)
	}
}

// receive takes it and plays as much.
func (p *pair) receive() {
	p.y.recv.rtpPacket(p.now, p.wire, netip.AddrPortFrom(addrA, p.x.Port()))
	for n := 0; n < p.x.send.ptime; n += short {
		p.now = p.now.Add(Frame / 2)
		p.y.recv.playout(p.now, p.out)
	}
}

// BenchmarkSend is the cost of a packet where it is made, BenchmarkCall at both ends.
func BenchmarkSend(b *testing.B) {
	benchmark(b, (*pair).send)
}

func BenchmarkCall(b *testing.B) {
	benchmark(b, func(p *pair) { p.send(); p.receive() })
}

func benchmark(b *testing.B, packet func(*pair)) {
	for _, c := range costs {
		if !built(c.name) {
			continue
		}
		b.Run(c.name, func(b *testing.B) {
			p := newPair(b, c.cfg)
			b.ReportAllocs()
			for b.Loop() {
				packet(p)
			}
		})
	}
}

// TestNoAllocations: a call in steady state makes no garbage, packets repeated or not.
func TestNoAllocations(t *testing.T) {
	for _, c := range costs {
		if !built(c.name) {
			continue
		}
		p := newPair(t, c.cfg)
		packet := func() { p.send(); p.receive() }
		for range 20 {
			packet()
		}
		if a := testing.AllocsPerRun(200, packet); a > forgotten {
			t.Errorf("%s: %.2f allocations for a packet", c.name, a)
		}
	}
}

// tapConn keeps what was written last.
type tapConn struct{ last *[]byte }

func (c tapConn) ReadFromUDPAddrPort([]byte) (int, netip.AddrPort, error) { panic("not read") }

func (c tapConn) WriteToUDPAddrPort(b []byte, _ netip.AddrPort) (int, error) {
	*c.last = append((*c.last)[:0], b...)
	return len(b), nil
}

func (c tapConn) Close() error { return nil }
