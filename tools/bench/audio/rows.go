package audio

import "chordophone/tools/bench/report"

// alike is by how much one intelligibility may differ from another that is the same: seeds
// make more of a difference.
const alike = 0.005

// giveBack is by how much the delay may be longer than on a clean link, 10 s after the link has become
// clean, ms: half a frame.
const giveBack = 10

// quickLatest is by when sound must have arrived over a clean link in packets of 10 ms, ms.
const quickLatest = 40

// rowsOf makes the table of what was measured.
func rowsOf(streams []stream, cpu map[string][]float64, withPeer bool) (rows []report.Row) {
	pick := func(link, from, to string, recovered bool, value func(stream) float64) (v []float64) {
		for _, s := range streams {
			if s.Link == link && s.From == from && s.To == to && (s.Back > 0) == recovered && value(s) >= 0 {
				v = append(v, value(s))
			}
		}
		return v
	}
	add := func(r report.Row, mine, theirs []float64) {
		r.Nodes = 2
		r.Ours, r.OursSpread = report.Median(mine)
		r.Peer, r.PeerSpread = report.Median(theirs)
		if r.Ours == nil && r.Peer == nil {
			return
		}
		r.Judge()
		rows = append(rows, r)
	}
	late := func(s stream) float64 { return s.Delay }
	clear := func(s stream) float64 { return s.Clear }
	mos := func(s stream) float64 { return s.MOS }
	concealed := func(s stream) float64 { return s.Concealed }
	silent := func(s stream) float64 { return s.Silent }
	back := func(s stream) float64 { return s.Back }
	notBelow := func(theirs []float64, slack float64) *report.Bar {
		if f, _ := report.Median(theirs); f != nil {
			return report.AtLeast(float64(*f) - slack)
		}
		return nil
	}
	for _, l := range Links() {
		both := func(value func(stream) float64) (mine, theirs []float64) {
			return pick(l.Name, ours, ours, false, value), pick(l.Name, baresipName, baresipName, false, value)
		}
		r := report.Row{ID: l.Name + ".delay", What: l.Title + ": mouth to ear", Unit: "ms"}
		if l.Latest > 0 {
			r.Bar = report.AtMost(l.Latest)
		}
		mine, theirs := both(late)
		add(r, mine, theirs)
		mine, theirs = both(clear)
		add(report.Row{ID: l.Name + ".estoi", What: "  ESTOI", Bar: notBelow(theirs, alike)}, mine, theirs)
		mine, theirs = both(mos)
		add(report.Row{ID: l.Name + ".mos", What: "  E-model MOS", Bar: notBelow(theirs, 0)}, mine, theirs)
		mine, theirs = both(concealed)
		add(report.Row{ID: l.Name + ".concealed", What: "  frames concealed", Unit: "%"}, mine, theirs)
		mine, theirs = both(silent)
		add(report.Row{ID: l.Name + ".silent", What: "  frames silent", Unit: "%"}, mine, theirs)
		if after := pick(l.Name, ours, ours, true, back); len(after) > 0 {
			r := report.Row{ID: l.Name + ".back", What: "  mouth to ear 10 s after it was clean again", Unit: "ms"}
			if f, _ := report.Median(pick(Links()[0].Name, ours, ours, false, late)); f != nil {
				r.Bar = report.AtMost(float64(*f) + giveBack)
			}
			add(r, after, pick(l.Name, baresipName, baresipName, true, back))
		}
	}
	clean := Links()[0]
	add(report.Row{ID: clean.Name + ".10ms.delay", What: clean.Title + ", packets of 10 ms: mouth to ear", Unit: "ms", Bar: report.AtMost(quickLatest)},
		pick(clean.Name, quick, quick, false, late), nil)
	add(report.Row{ID: clean.Name + ".10ms.estoi", What: "  packets of 10 ms: ESTOI", Bar: notBelow(pick(clean.Name, baresipName, baresipName, false, clear), alike)},
		pick(clean.Name, quick, quick, false, clear), nil)
	add(report.Row{ID: "cpu", What: "processor for a call, both directions", Unit: "%"}, cpu[ours], cpu[baresipName])
	add(report.Row{ID: "cpu.10ms", What: "  packets of 10 ms", Unit: "%"}, cpu[quick], nil)
	for _, l := range Links() {
		for _, way := range [][2]string{{ours, baresipName}, {baresipName, ours}, {linphoneName, ours}} {
			id := l.Name + "." + way[0] + "-" + way[1]
			add(report.Row{ID: id + ".delay", What: l.Title + ", " + way[0] + " -> " + way[1] + ": mouth to ear", Unit: "ms"},
				pick(l.Name, way[0], way[1], false, late), nil)
			add(report.Row{ID: id + ".estoi", What: "  " + way[0] + " -> " + way[1] + ": ESTOI"}, pick(l.Name, way[0], way[1], false, clear), nil)
			add(report.Row{ID: id + ".mos", What: "  " + way[0] + " -> " + way[1] + ": E-model MOS"}, pick(l.Name, way[0], way[1], false, mos), nil)
		}
	}
	if !withPeer {
		for i := range rows {
			if rows[i].Bar == nil && (rows[i].What == "  ESTOI" || rows[i].What == "  E-model MOS") {
				rows[i].Verdict = report.NotRun
			}
		}
	}
	return rows
}
