package media

import (
	"net/netip"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
)

// FuzzReceive gives packets of any content to a session in the clear, and plays: no
// panic, and never more sound waiting than the buffers may hold.
func FuzzReceive(f *testing.F) {
	h, _ := (&rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: 8, SSRC: 1}, Payload: packet(0)}).Marshal()
	f.Add(h, h)
	e, _ := (&rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: 101, SSRC: 1}, Payload: []byte{1, 10, 0, 160}}).Marshal()
	f.Add(h, e)
	r, _ := rtcp.Marshal([]rtcp.Packet{&rtcp.SenderReport{SSRC: 1, Reports: []rtcp.ReceptionReport{{SSRC: 2}}}})
	f.Add(h, r)
	d := append(appendRedundant(nil, 8, 160, packet(0)), packet(1)...)
	red, _ := (&rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: 121, SequenceNumber: 1, Timestamp: 160, SSRC: 1}, Payload: d}).Marshal()
	f.Add(h, red)
	noise, _ := (&rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: 13, SequenceNumber: 1, SSRC: 1}, Payload: []byte{50}}).Marshal()
	f.Add(h, noise)
	if _, ok := opusKind(); ok {
		opus, _ := (&rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: 96, SSRC: 1}, Payload: []byte{0x48, 1, 2, 3}}).Marshal()
		f.Add(opus, h)
	}
	x, _ := rtcp.Marshal([]rtcp.Packet{&rtcp.ExtendedReport{SenderSSRC: 1, Reports: []rtcp.ReportBlock{&rtcp.VoIPMetricsReportBlock{SSRC: 2}}}})
	f.Add(h, x)
	n := newNetwork()
	local := n.session(f, addrA, Config{Secure: Optional})
	f.Cleanup(func() { local.Close() })
	offer, _ := local.Offer()
	from := netip.AddrPortFrom(addrA, local.Port())
	out := make([]int16, FrameSamples)
	f.Fuzz(func(t *testing.T, first, second []byte) {
		if len(first) > maxPacket || len(second) > maxPacket {
			return
		}
		s := n.session(t, addrB, Config{Secure: Optional})
		defer s.Close()
		if _, err := s.Answer(withoutCrypto(offer)); err != nil {
			t.Fatal(err)
		}
		now := epoch
		for range 4 {
			for _, b := range [][]byte{first, second} {
				s.recv.rtpPacket(now, b, from)
				s.rtcpPacket(now, b, from)
				now = now.Add(Frame)
				s.recv.playout(now, out)
			}
		}
		if st := s.Stats(); st.Delay > 10*time.Second {
			t.Fatalf("%+v", st)
		}
	})
}
