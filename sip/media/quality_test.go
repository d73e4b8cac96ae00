package media

import (
	"math"
	"math/rand/v2"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"github.com/pion/rtcp"
)

// TestEModel holds values of ITU-T G.107 and of G.113's Bpl, worked out by hand.
func TestEModel(t *testing.T) {
	for _, c := range []struct {
		loss, burst float64
		ms          int
		r           float64
	}{
		{0, 1, 0, 93.2}, {0, 1, 100, 93.2}, {0, 1, 170, 92.4}, {0, 1, 300, 78.4},
		{0.05, 1, 100, 77.4}, {0.10, 1, 100, 66.1}, {0.05, 1, 170, 76.6}, {0.10, 1, 300, 51.4},
		{0.05, 2, 0, 93.2 - 95*5/(2.5+25.1)}, {1, 1, 0, 17.3},
	} {
		if r := Rating(c.loss, c.burst, time.Duration(c.ms)*time.Millisecond); math.Abs(r-c.r) > 0.15 {
			t.Errorf("loss %.2f in runs of %g, %d ms: R %.2f, want %.1f", c.loss, c.burst, c.ms, r, c.r)
		}
	}
	for _, c := range []struct{ r, mos float64 }{{93.2, 4.41}, {80, 4.02}, {70, 3.60}, {60, 3.10}, {50, 2.58}, {0, 1}, {100, 4.5}} {
		if m := Opinion(c.r); math.Abs(m-c.mos) > 0.01 {
			t.Errorf("R %g is an opinion of %.3f, want %.2f", c.r, m, c.mos)
		}
	}
}

// TestBursts: "Gmin ... the gap threshold": losses nearer than 16 frames are one burst.
// RFC 3611, section 4.7.2.
func TestBursts(t *testing.T) {
	var q quality
	play := func(good, bad int) {
		for range good {
			q.frame(false)
		}
		for range bad {
			q.frame(true)
		}
	}
	for range 10 {
		play(200, 1) // lost alone, in a gap
	}
	if d, g, _, gap := q.bursts(); d != 0 || g != 1 || gap < 2000 {
		t.Errorf("lone losses: %d %d %v", d, g, gap)
	}
	for range 10 {
		play(100, 4)
		play(3, 4)
	}
	play(100, 0)
	inBurst, _, burst, gap := q.bursts()
	if inBurst < 150 || burst < 8 || burst > 16 || gap < 100 {
		t.Errorf("bursts of 8 in 11: density %d/256, %v frames, gaps %v", inBurst, burst, gap)
	}
	ratio, relative := q.ratio()
	if math.Abs(ratio-90./(2010+1110+100-0)) > 0.002 || relative < 2.5 || relative > 3.1 {
		t.Errorf("%.4f lost in runs %.2f times as long as at random", ratio, relative)
	}
}

// TestVoIPMetrics: the other side hears what we think of its sound.
func TestVoIPMetrics(t *testing.T) {
	cfg := Config{Redundancy: Never, Codecs: []string{"PCMU"}}
	call(t, cfg, cfg, func(t *testing.T, n *network, a, b *Session) {
		rng := rand.New(rand.NewPCG(1, 7))
		n.path = func(from, to netip.AddrPort, _ []byte) []time.Duration {
			if to.Addr() == addrB && to.Port()%2 == 0 && rng.Float64() < 0.1 {
				return nil
			}
			return []time.Duration{10 * time.Millisecond}
		}
		talk(a, b, speech(30*time.Second, 1))
		mine, far := b.Stats(), a.Stats()
		t.Logf("heard %+v", mine)
		if math.Abs(far.RemoteMOS-mine.MOSCQ) > 0.4 || mine.MOSCQ > 3.7 || mine.MOSCQ < 2.9 {
			t.Errorf("b thinks %.2f, a was told %.2f", mine.MOSCQ, far.RemoteMOS)
		}
		if mine.ConcealedRatio < 0.07 || mine.ConcealedRatio > 0.13 || mine.R < 55 || mine.R > 75 {
			t.Errorf("%+v", mine)
		}
		x := b.voipMetrics(b.send.ssrc)
		v := x.Reports[0].(*rtcp.VoIPMetricsReportBlock)
		if v.SSRC != a.send.ssrc || v.LossRate < 18 || v.LossRate > 33 || v.RoundTripDelay < 10 || v.RoundTripDelay > 30 ||
			v.Gmin != 16 || v.MOSCQ < 29 || v.JBAbsMax != 240 || v.EndSystemDelay == 0 || v.EndSystemDelay > 80 {
			t.Errorf("%+v", v)
		}
		if far.RemoteJitter != 0 || far.RemoteLost == 0 {
			t.Errorf("%+v", far)
		}
	})
}

// TestSocketsAskForPreference reads back the DSCP of a socket: Expedited Forwarding.
func TestSocketsAskForPreference(t *testing.T) {
	for _, at := range []string{"127.0.43.1:0", "[::1]:0"} {
		c, err := listenUDP(netip.MustParseAddrPort(at))
		if err != nil {
			if at[0] == '[' {
				t.Log("no IPv6 here:", err)
				continue
			}
			t.Fatal(err)
		}
		raw, err := c.(syscall.Conn).SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		raw.Control(func(fd uintptr) {
			level, option := syscall.IPPROTO_IP, syscall.IP_TOS
			if at[0] == '[' {
				level, option = syscall.IPPROTO_IPV6, syscall.IPV6_TCLASS
			}
			if v, err := syscall.GetsockoptInt(int(fd), level, option); err != nil || v>>2 != 46 {
				t.Errorf("%s: DSCP %d, %v", at, v>>2, err)
			}
		})
		c.Close()
	}
}
