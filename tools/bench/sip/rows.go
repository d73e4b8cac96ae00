package sip

import "chordophone/tools/bench/report"

// slack is how much dearer than the peer's an operation of ours may be, for each phone
// that has a part in it.
const slack = 1.5

// row is what a figure means.
type row struct {
	id, what, unit string
	bar            *report.Bar
	dearer         bool // the bar is the peer's figure and slack
	fewer          bool // ... divided by slack: a rate
	single         bool // one phone only
	pair           bool // two phones only
}

// rows are all of them, in the order of the table.
func rows() []row {
	return []row{
		{id: "ring.p50", what: "INVITE -> 180, median", unit: "ms", dearer: true},
		{id: "ring.p99", what: "  p99", unit: "ms"},
		{id: "ring.got", what: "  arrived", unit: "%", bar: report.AtLeast(100)},
		{id: "answer.p50", what: "INVITE -> 200, median", unit: "ms", dearer: true},
		{id: "answer.p99", what: "  p99", unit: "ms"},
		{id: "bye.p50", what: "BYE -> 200, median", unit: "ms", dearer: true},
		{id: "bye.p99", what: "  p99", unit: "ms"},
		{id: "bye.got", what: "  arrived", unit: "%", bar: report.AtLeast(100)},
		{id: "early", what: "calls whose 200 overtook the 180", bar: report.AtMost(0)},
		{id: "register.p50", what: "REGISTER -> 200 (ours: on disk), median", unit: "ms"},
		{id: "register.p99", what: "  p99", unit: "ms"},
		{id: "register.got", what: "  arrived", unit: "%", bar: report.AtLeast(100)},
		{id: "cpu.call", what: "processor per call, all phones", unit: "us", dearer: true},
		{id: "cpu.call.failed", what: "  of these calls not completed", unit: "%", bar: report.AtMost(0)},
		{id: "cpu.register", what: "processor per first REGISTER (ours: on disk), all phones", unit: "us"},
		{id: "cpu.refresh", what: "processor per refreshing REGISTER, all phones", unit: "us", dearer: true},
		{id: "rss", what: "resident memory after load, largest process", unit: "MB"},
		{id: "pss", what: "  all processes (PSS)", unit: "MB"},
		{id: "capacity.calls", what: "highest step without a failure, calls", unit: "/s", fewer: true},
		{id: "capacity.registers", what: "highest step without a failure, refreshes", unit: "/s", fewer: true},
		{id: "overload.rss", what: "1,000 calls/s offered: peak RSS, largest process", unit: "MB", bar: report.AtMost(120)},
		{id: "overload.pss", what: "  peak PSS, all processes", unit: "MB"},
		{id: "overload.done", what: "  answered with 200", unit: "calls"},
		{id: "overload.refused", what: "  refused with 503", unit: "calls"},
		{id: "overload.curt", what: "  ... without Retry-After", unit: "calls", bar: report.AtMost(0)},
		{id: "overload.silent", what: "  neither answered nor refused", unit: "calls", bar: report.AtMost(0)},
		{id: "overload.rtp.streams", what: "  streams of a telephone call beside it", bar: report.AtLeast(2), pair: true},
		{id: "overload.rtp.missing", what: "  ... packets that were not sent", unit: "packets", bar: report.AtMost(0), pair: true},
		{id: "overload.rtp.gap", what: "  ... between two packets, p99", unit: "ms", pair: true},
		{id: "overload.rtp.gapmax", what: "  ... longest", unit: "ms", pair: true},
		{id: "overload.concealed", what: "  ... frames concealed by who heard worse", unit: "%", bar: report.AtMost(1), pair: true},
		{id: "calm.rtp.gap", what: "  the same call without load: between two packets, p99", unit: "ms", pair: true},
		{id: "calm.concealed", what: "  ... frames concealed", unit: "%", pair: true},
		{id: "rfc4475", what: "RFC 4475, answered right of 49", unit: "messages", bar: report.AtLeast(49), single: true},
		{id: "rfc5118", what: "RFC 5118, answered right of 12", unit: "messages", bar: report.AtLeast(12), single: true},
		{id: "malformed.cases", what: "malformed INVITE sent", unit: "cases", single: true},
		{id: "malformed.alive", what: "  alive after it (1: yes)", bar: report.AtLeast(1), single: true},
		{id: "malformed.growth", what: "  growth of RSS", unit: "MB", bar: report.AtMost(8), single: true},
		{id: "malformed.wrong", what: "  answers other than 4xx, 5xx, 6xx", unit: "answers", bar: report.AtMost(0), single: true},
		{id: "malformed.silent", what: "  dropped without an answer", unit: "cases", single: true},
	}
}

// rowsOf puts an office of so many phones beside the peer. What it was not asked
// is left out.
func rowsOf(phones int, ours, peer figures) (out []report.Row) {
	for _, r := range rows() {
		if r.single && phones != 1 || r.pair && phones != 2 {
			continue
		}
		line := report.Row{ID: r.id, What: r.what, Nodes: phones, Unit: r.unit, Bar: r.bar}
		line.Ours, line.OursSpread = report.Median(ours[r.id])
		line.Peer, line.PeerSpread = report.Median(peer[r.id])
		if line.Ours == nil && line.Peer == nil {
			continue
		}
		if line.Peer != nil && *line.Peer > 0 {
			switch {
			case r.dearer:
				line.Bar = report.AtMost(slack * float64(phones) * float64(*line.Peer))
			case r.fewer:
				line.Bar = report.AtLeast(float64(*line.Peer) / slack / float64(phones))
			}
		}
		line.Judge()
		if (r.dearer || r.fewer) && line.Bar == nil {
			line.Verdict = report.NotRun
		}
		out = append(out, line)
	}
	return out
}
