package media

import (
	"math"
	"time"

	"github.com/pion/rtcp"
)

// breaker stops a stream that does harm or does no good: RFC 8083. It is a value
// driven by the other side's reports; a new agreement replaces it.
//
//	reports say that nothing arrives, five times        -> blown, "nothing arrives"
//	reports say ten times what TCP would send, 3 times  -> blown, "the network is congested"
type breaker struct {
	blown string // why, empty while it holds

	some    bool
	at      time.Time // of the last report
	highest uint32
	packets uint64 // sent until then
	octets  uint64
	deaf    int // reports in a row of no progress
	lost    [congestionReports]float64
	rate    [congestionReports]float64 // bytes a second that were sent
	n       int                        // reports with loss in a row
}

const (
	deafReports       = 5           // section 4.2: k
	congestionReports = 3           // section 4.3: CB_INTERVAL for reports about 5 s apart
	overhead          = 12 + 8 + 20 // bytes of RTP, UDP and IP
)

// report takes a report on what is sent, and how much of that there was.
func (b *breaker) report(now time.Time, r rtcp.ReceptionReport, roundTrip time.Duration, packets, octets uint64) {
	last := *b
	b.some, b.at, b.highest, b.packets, b.octets = true, now, r.LastSequenceNumber, packets, octets
	sent := packets - last.packets
	took := now.Sub(last.at).Seconds()
	if !last.some || sent == 0 || took <= 0 {
		b.deaf, b.n = 0, 0
		return
	}
	if int32(r.LastSequenceNumber-last.highest) <= 0 {
		if b.deaf++; b.deaf >= deafReports {
			b.blown = "nothing arrives"
		}
		return
	}
	b.deaf = 0
	if r.FractionLost == 0 || roundTrip <= 0 {
		b.n = 0
		return
	}
	bytes := float64(octets-last.octets) + overhead*float64(sent)
	b.lost[b.n%congestionReports] = float64(r.FractionLost) / 256
	b.rate[b.n%congestionReports] = bytes / took
	if b.n++; b.n < congestionReports {
		return
	}
	p, rate := 0.0, 0.0
	for i := range b.lost {
		p += b.lost[i] / congestionReports
		rate += b.rate[i] / congestionReports
	}
	// What TCP would send: s / (Tr sqrt(2bp/3)), b = 1.
	tcp := bytes / float64(sent) / (roundTrip.Seconds() * math.Sqrt(2*p/3))
	if rate > 10*tcp {
		b.blown = "the network is congested"
	}
}
