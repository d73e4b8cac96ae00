package media

import (
	"math/rand/v2"
	"net/netip"
	"sync"
	"time"

	"github.com/pion/rtcp"
)

// reports keeps the time of RTCP.
type reports struct {
	mu   sync.Mutex
	next time.Time
}

// reportInterval is the mean time between reports; each varies by half of it either
// way, so that no two phones keep step: RFC 3550, section 6.3.1.
const reportInterval = 5 * time.Second

func (r *reports) due(now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	first := r.next.IsZero()
	if !first && now.Before(r.next) {
		return false
	}
	wait := reportInterval/2 + rand.N(reportInterval)
	if first {
		wait /= 2 // section 6.2: the first comes early
	}
	r.next = now.Add(wait)
	return !first
}

// cname is what names a source beyond its SSRC; it tells nothing of who we are
// (RFC 7022, section 4.2 asks for random ones).
func (s *Session) cname(ssrc uint32) *rtcp.SourceDescription {
	return &rtcp.SourceDescription{Chunks: []rtcp.SourceDescriptionChunk{{
		Source: ssrc,
		Items:  []rtcp.SourceDescriptionItem{{Type: rtcp.SDESCNAME, Text: s.name}},
	}}}
}

// report sends a report if one is due.
func (s *Session) report(now time.Time) {
	if s.send.ready() && s.reports.due(now) {
		sr := s.send.senderInfo(now)
		packets := []rtcp.Packet{s.compound(now, sr), s.cname(sr.SSRC)}
		if x := s.voipMetrics(sr.SSRC); x != nil && s.metrics.Load() {
			packets = append(packets, x)
		}
		s.send.report(s.rtcp, packets...)
	}
}

// voipMetrics is our view of the quality: RFC 3611, section 4.7. nil until something
// was heard.
func (s *Session) voipMetrics(ssrc uint32) *rtcp.ExtendedReport {
	st := s.Stats()
	block, ok := s.recv.voipMetrics(st)
	if !ok {
		return nil
	}
	return &rtcp.ExtendedReport{SenderSSRC: ssrc, Reports: []rtcp.ReportBlock{block}}
}

// compound is a sender report, or a receiver report while nothing was sent.
func (s *Session) compound(now time.Time, sr rtcp.SenderReport) rtcp.Packet {
	received := s.recv.report(now)
	if len(received) > 0 && received[0].FractionLost > 0 {
		s.send.loss()
	}
	if sr.PacketCount == 0 {
		return &rtcp.ReceiverReport{SSRC: sr.SSRC, Reports: received}
	}
	sr.Reports = received
	return &sr
}

// bye tells the other side that nothing more will come: RFC 3550, section 6.6.
func (s *Session) bye(now time.Time) {
	if !s.send.ready() {
		return
	}
	sr := s.send.senderInfo(now)
	s.send.report(s.rtcp, s.compound(now, sr), s.cname(sr.SSRC), &rtcp.Goodbye{Sources: []uint32{sr.SSRC}})
}

// rtcpPacket takes a datagram from the RTCP socket.
func (s *Session) rtcpPacket(now time.Time, b []byte, from netip.AddrPort) {
	for _, p := range s.recv.control(now, b, from) {
		switch p := p.(type) {
		case *rtcp.SenderReport:
			s.recv.senderReport(now, p)
			s.heard(now, p.Reports)
		case *rtcp.ReceiverReport:
			s.heard(now, p.Reports)
		case *rtcp.ExtendedReport:
			s.opinion(p)
		}
	}
}

// opinion takes what the other side thinks of our sound.
func (s *Session) opinion(x *rtcp.ExtendedReport) {
	for _, b := range x.Reports {
		if v, ok := b.(*rtcp.VoIPMetricsReportBlock); ok && v.MOSCQ >= 10 && v.MOSCQ <= 50 && s.send.is(v.SSRC) {
			s.send.remoteQuality(float64(v.MOSCQ) / 10)
		}
	}
}

func (s *Session) heard(now time.Time, reports []rtcp.ReceptionReport) {
	for _, r := range reports {
		s.send.heard(now, r)
	}
}

// ntpTime is a time in the 64-bit format of NTP: seconds since 1900 and fraction.
func ntpTime(t time.Time) uint64 {
	const toUnix = 2208988800
	return uint64(t.Unix()+toUnix)<<32 | uint64(t.Nanosecond())<<32/uint64(time.Second)
}
