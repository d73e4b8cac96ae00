package media

import (
	"net/netip"
	"testing"
	"time"
)

func BenchmarkFrame(b *testing.B) {
	for _, c := range []struct {
		name string
		cfg  Config
	}{
		{"G722", Config{}},
		{"G722 twice", Config{Redundancy: Always}},
		{"PCMU", Config{Codecs: []string{"PCMU"}}},
		{"PCMU with VAD", Config{Codecs: []string{"PCMU"}, VAD: true}},
	} {
		b.Run(c.name, func(b *testing.B) { benchmarkFrame(b, c.cfg) })
	}
}

// TestNoAllocations: a call in steady state makes no garbage, packets repeated or not.
func TestNoAllocations(t *testing.T) {
	for _, cfg := range []Config{{}, {Redundancy: Always}, {Codecs: []string{"PCMU"}, VAD: true}} {
		n := newNetwork()
		x, y := n.session(t, addrA, cfg), n.session(t, addrB, cfg)
		negotiate(t, x, y)
		var wire []byte
		said, out := speech(2*time.Second, 1), make([]int16, FrameSamples)
		now, i := time.Now(), 0
		frame := func() {
			at := i * FrameSamples % len(said)
			i++
			x.send.frame(now, said[at:at+FrameSamples], tapConn{&wire})
			y.recv.rtpPacket(now, wire, netip.AddrPortFrom(addrA, x.Port()))
			now = now.Add(Frame)
			y.recv.playout(now, out)
		}
		for range 20 {
			frame()
		}
		if a := testing.AllocsPerRun(200, frame); a > forgotten {
			t.Errorf("%+v: %.2f allocations for a frame", cfg, a)
		}
		x.Close()
		y.Close()
	}
}

func benchmarkFrame(b *testing.B, cfg Config) {
	n := newNetwork()
	x, y := n.session(b, addrA, cfg), n.session(b, addrB, cfg)
	defer x.Close()
	defer y.Close()
	negotiate(b, x, y)
	var wire []byte
	from := netip.AddrPortFrom(addrA, x.Port())
	tap := tapConn{&wire}
	said := speech(2*time.Second, 1)
	out := make([]int16, FrameSamples)
	now := time.Now()
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		at := i * FrameSamples % len(said)
		i++
		x.send.frame(now, said[at:at+FrameSamples], tap)
		y.recv.rtpPacket(now, wire, from)
		now = now.Add(Frame)
		y.recv.playout(now, out)
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
