package sip

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"time"

	"chordophone/tools/bench/report"
)

// streams are the RTP streams of a capture, by where they come from. // RFC 3550, section 5.1
type streams map[netip.AddrPort]*stream

// stream is one sender's packets.
type stream struct {
	first, last uint16
	seen        map[uint16]bool
	at          []time.Time
}

const rtpHeader = 12

func (s streams) packet(p packet) {
	if len(p.payload) < rtpHeader || p.payload[0]>>6 != 2 {
		return
	}
	if t := p.payload[1]; t >= 192 && t <= 223 { // RTCP: RFC 5761, section 4
		return
	}
	seq := binary.BigEndian.Uint16(p.payload[2:])
	t := s[p.from]
	if t == nil {
		t = &stream{first: seq, last: seq, seen: map[uint16]bool{}}
		s[p.from] = t
	}
	if int16(seq-t.last) > 0 {
		t.last = seq
	}
	t.seen[seq] = true
	t.at = append(t.at, p.at)
}

// rtpQuality is the worst of a capture's streams. A run is shorter than what a
// sequence number can count: 65,536 packets are 21 minutes.
type rtpQuality struct {
	Streams int     `json:"streams"`
	Packets int     `json:"packets"`
	Missing int     `json:"missing"` // of all
	GapP99  float64 `json:"gap_p99_ms"`
	GapMax  float64 `json:"gap_max_ms"`
}

func (s streams) quality() (q rtpQuality) {
	for _, t := range s {
		var gaps report.Sample
		for i := range t.at[1:] {
			gaps = append(gaps, t.at[i+1].Sub(t.at[i]))
		}
		q.Streams++
		q.Packets += len(t.at)
		q.Missing += int(t.last-t.first) + 1 - len(t.seen)
		if len(gaps) > 0 {
			q.GapP99 = max(q.GapP99, report.Milliseconds(gaps.Quantile(0.99)))
			q.GapMax = max(q.GapMax, report.Milliseconds(slices.Max(gaps)))
		}
	}
	return q
}
