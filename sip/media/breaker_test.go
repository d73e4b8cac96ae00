package media

import (
	"net/netip"
	"testing"
	"time"

	"github.com/pion/rtcp"
)

// TestBreaker feeds reports 5 s apart: what they say, and whether sending goes on.
func TestBreaker(t *testing.T) {
	type r struct {
		highest uint32
		lost    float64
		packets uint64
		rtt     time.Duration
	}
	flow := func(n int, lost float64, rtt time.Duration) (list []r) {
		for i := range n {
			list = append(list, r{uint32(250 * i), lost, uint64(250 * i), rtt})
		}
		return list
	}
	stuck := func(n int, packets int) (list []r) {
		for i := range n {
			list = append(list, r{1000, 0, uint64(packets * i), 0})
		}
		return list
	}
	for _, c := range []struct {
		name    string
		reports []r
		want    string
	}{
		{"all is well", flow(20, 0, 30*time.Millisecond), ""},
		{"a fifth is lost near by", flow(20, 0.2, 5*time.Millisecond), ""},
		{"a tenth is lost far away", flow(20, 0.1, 600*time.Millisecond), ""},
		{"a third is lost far away", flow(20, 0.33, 600*time.Millisecond), "the network is congested"},
		{"nearly all is lost, far away", flow(4, 0.9, 3*time.Second), "the network is congested"},
		{"so it is, but for two reports only", append(flow(3, 0.9, 3*time.Second), r{1000, 0, 1000, time.Second}, r{1250, 0.9, 1250, 3 * time.Second}), ""},
		{"nothing arrives, five reports", stuck(6, 250), "nothing arrives"},
		{"nothing arrives, four reports", stuck(5, 250), ""},
		{"four reports of nothing, something, and again", append(stuck(5, 250), r{1100, 0, 1250, 0}, r{1100, 0, 1500, 0}, r{1100, 0, 1750, 0}), ""},
		{"nothing is sent", stuck(20, 0), ""},
		{"the numbers wrap", []r{{0xFFFFFF00, 0, 0, 0}, {50, 0, 250, 0}, {300, 0, 500, 0}, {550, 0, 750, 0}, {800, 0, 1000, 0}, {1050, 0, 1250, 0}}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var b breaker
			for i, x := range c.reports {
				b.report(epoch.Add(time.Duration(i)*5*time.Second), rtcp.ReceptionReport{LastSequenceNumber: x.highest, FractionLost: uint8(x.lost * 256)}, x.rtt, x.packets, 160*x.packets)
			}
			if b.blown != c.want {
				t.Errorf("blown %q, want %q", b.blown, c.want)
			}
		})
	}
}

// TestDeafPeer: the way to b is cut for sound alone. a stops to send, says why, and
// a new agreement lets it try again.
func TestDeafPeer(t *testing.T) {
	cheap := Config{Codecs: []string{"PCMU"}}
	call(t, cheap, cheap, func(t *testing.T, n *network, a, b *Session) {
		said := speech(10*time.Second, 1)
		talk(a, b, said)
		n.path = func(from, to netip.AddrPort, _ []byte) []time.Duration {
			if to.Addr() == addrB && to.Port()%2 == 0 {
				return nil
			}
			return []time.Duration{0}
		}
		for range 6 {
			talk(a, b, said)
		}
		st := a.Stats()
		if st.Broken != "nothing arrives" || b.Stats().Silent > 10*time.Second {
			t.Errorf("%+v, the other silent for %v, though reports arrive", st, b.Stats().Silent)
		}
		talk(a, b, said)
		if now := a.Stats().Sent; now != st.Sent {
			t.Errorf("%d packets sent to a deaf peer", now-st.Sent)
		}
		n.path = nil
		negotiate(t, a, b)
		if c, _ := compare(said, talk(a, b, said)); c < 0.95 || a.Stats().Broken != "" {
			t.Errorf("after a new agreement: correlation %.3f, %+v", c, a.Stats())
		}
	})
}
