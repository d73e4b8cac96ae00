package media

import (
	"net/netip"
	"testing"
	"time"
)

func TestReports(t *testing.T) {
	call(t, Config{}, Config{}, func(t *testing.T, n *network, a, b *Session) {
		i := 0
		n.path = func(from, to netip.AddrPort, _ []byte) []time.Duration {
			if to.Addr() == addrB && to.Port()%2 == 0 {
				if i++; i%5 == 0 {
					return nil
				}
			}
			return []time.Duration{15 * time.Millisecond}
		}
		talk(a, b, make([]int16, 25*Rate))
		st := a.Stats()
		if st.RoundTrip < 29*time.Millisecond || st.RoundTrip > 31*time.Millisecond {
			t.Errorf("round trip %v, want 30 ms", st.RoundTrip)
		}
		if st.RemoteLost < 0.19 || st.RemoteLost > 0.21 {
			t.Errorf("remote loss %.3f, want 0.2", st.RemoteLost)
		}
		if st.Rejected != 0 || b.Stats().Rejected != 0 {
			t.Errorf("reports rejected: %+v %+v", st, b.Stats())
		}
	})
}
