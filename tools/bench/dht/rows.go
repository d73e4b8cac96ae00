package dht

import (
	"chordophone/tools/bench/report"
)

// row is what a figure means.
type row struct {
	id, what, unit string
	bar            *report.Bar
	only           int // the bar holds for so many nodes; 0: always
}

// rows are all of them, in the order of the table.
func rows() []row {
	idle := report.AtMost(500)
	idle.Goal = 150
	out := []row{
		{id: "cold.up", what: "cold start: all processes up", unit: "s"},
		{id: "cold", what: "cold start in the same second: one ring", unit: "s", bar: report.AtMost(20)},
		{id: "cold.whole", what: "  every list whole", unit: "s"},
		{id: "put.p50", what: "put, p50", unit: "ms"},
		{id: "put.p95", what: "put, p95", unit: "ms"},
		{id: "put.frames", what: "octets per put, frames of all nodes", unit: "B", bar: report.AtMost(3000)},
		{id: "put.ip", what: "octets per put, IP", unit: "B"},
		{id: "get.p50", what: "look-up, p50", unit: "ms", bar: report.AtMost(2)},
		{id: "get.p95", what: "look-up, p95", unit: "ms"},
		{id: "get.right", what: "look-ups right", unit: "%", bar: report.AtLeast(100)},
		{id: "get.frames", what: "octets per look-up, frames", unit: "B"},
		{id: "get.ip", what: "octets per look-up, IP", unit: "B"},
		{id: "idle.frames", what: "idle, frames sent per phone", unit: "B/s", bar: idle, only: 20},
		{id: "idle.ip", what: "idle, IP sent per phone", unit: "B/s"},
		{id: "idle.cpu", what: "idle, processor per phone", unit: "%"},
		{id: "cpu", what: "processor time per phone so far", unit: "s"},
		{id: "rss", what: "resident memory per phone", unit: "MB"},
		{id: "silent", what: "silent death of 10 % known to all", unit: "s", bar: report.AtMost(10)},
		{id: "silent.back", what: "  whole again when they are back", unit: "s"},
	}
	for _, k := range []struct{ id, what string }{{StageKill20, "20 % killed, with all writers"}, {StageKill50, "50 % killed, with all writers"}} {
		out = append(out,
			row{id: k.id + ".right", what: k.what + ": right at once", unit: "%", bar: report.AtLeast(100)},
			row{id: k.id + ".p50", what: "  look-up at once, p50", unit: "ms"},
			row{id: k.id + ".p95", what: "  look-up at once, p95", unit: "ms", bar: report.AtMost(1000)},
			row{id: k.id + ".max", what: "  look-up at once, slowest", unit: "ms"},
			row{id: k.id + ".whole", what: "  every list of the others whole", unit: "s"},
			row{id: k.id + ".later.p95", what: "  look-up after repair, p95", unit: "ms"},
			row{id: k.id + ".return", what: "  whole again when they are back", unit: "s"},
			row{id: k.id + ".lost", what: "  records not found after repair", unit: "", bar: report.AtMost(0)},
		)
	}
	return append(out,
		row{id: "cycle.soon", what: "power cycle of all: found within 5 s of the last one up", unit: "%", bar: report.AtLeast(100)},
		row{id: "cycle.ever", what: "  found within 30 s", unit: "%"},
		row{id: "cycle", what: "  the last one found after", unit: "s", bar: report.AtMost(5)},
		row{id: "cycle.phones", what: "  the last phone looks up right after", unit: "s"},
		row{id: "stores", what: "stores, owner killed at the acknowledgement: found", unit: "%", bar: report.AtLeast(100)},
		row{id: "stores.once", what: "  found at once", unit: "%", bar: report.AtLeast(100)},
		row{id: "stores.p95", what: "  look-up at once, p95", unit: "ms"},
		row{id: "stores.return", what: "  owner back in its place, median", unit: "s"},
		row{id: "stores.refused", what: "  not acknowledged", unit: ""},
	)
}

// rowsOf puts the figures of both programs for one number of nodes side by side.
// What neither has is left out.
func rowsOf(nodes int, ours, peer Figures) (out []report.Row) {
	for _, r := range rows() {
		line := report.Row{ID: r.id, What: r.what, Nodes: nodes, Unit: r.unit, Bar: r.bar}
		if r.only != 0 && r.only != nodes {
			line.Bar = nil
		}
		if f, ok := ours[r.id]; ok {
			line.Ours = &f
		}
		if f, ok := peer[r.id]; ok {
			line.Peer = &f
		}
		if line.Ours == nil && line.Peer == nil {
			continue
		}
		line.Judge()
		out = append(out, line)
	}
	return out
}
