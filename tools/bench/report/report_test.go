package report

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestQuantile(t *testing.T) {
	hundred := make(Sample, 100)
	for i := range hundred {
		hundred[i] = time.Duration(100-i) * time.Millisecond // in no good order
	}
	for _, c := range []struct {
		s    Sample
		q    float64
		want time.Duration
	}{
		{nil, 0.5, 0},
		{Sample{7}, 0, 7},
		{Sample{7}, 0.95, 7},
		{Sample{3, 1, 2}, 0.5, 2},
		{Sample{4, 1, 3, 2}, 0.5, 2}, // nearest rank takes a value that was measured
		{hundred, 0.5, 50 * time.Millisecond},
		{hundred, 0.95, 95 * time.Millisecond},
		{hundred, 0.951, 96 * time.Millisecond},
		{hundred, 1, 100 * time.Millisecond},
	} {
		if got := c.s.Quantile(c.q); got != c.want {
			t.Errorf("quantile %g of %d values: %v, want %v", c.q, len(c.s), got, c.want)
		}
	}
	if hundred[0] != 100*time.Millisecond {
		t.Error("the sample was sorted in place")
	}
}

func fig(v float64) *Figure { f := Figure(v); return &f }

func TestVerdict(t *testing.T) {
	never := Never
	for _, c := range []struct {
		bar  *Bar
		ours *Figure
		want string
	}{
		{nil, fig(1), ""},
		{AtMost(2), nil, ""},
		{AtMost(2), fig(2), Pass},
		{AtMost(2), fig(2.01), Miss},
		{AtLeast(100), fig(100), Pass},
		{AtLeast(100), fig(99.9), Miss},
		{AtMost(20), &never, Miss},
		{AtLeast(1), &never, Miss},
	} {
		r := Row{Bar: c.bar, Ours: c.ours}
		if r.Judge(); r.Verdict != c.want {
			t.Errorf("bar %v, figure %v: %q, want %q", c.bar, c.ours, r.Verdict, c.want)
		}
	}
}

func TestDocument(t *testing.T) {
	goal := AtMost(500)
	goal.Goal = 150
	never := Never
	d := Document{Peer: "OpenDHT", Notes: []string{"noteworthy"}, Rows: []Row{
		{ID: "cold", What: "cold start", Nodes: 20, Unit: "s", Bar: AtMost(20), Ours: fig(1.234), Peer: fig(12.34)},
		{ID: "idle", What: "idle", Nodes: 20, Unit: "B/s", Bar: goal, Ours: fig(1234.5)},
		{ID: "lost", What: "lost", Nodes: 50, Bar: AtMost(0), Ours: fig(0), Peer: &never},
	}}
	for i := range d.Rows {
		d.Rows[i].Judge()
	}
	var table bytes.Buffer
	if err := d.WriteTable(&table); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"what nodes bar ours OpenDHT",
		"cold start 20 <= 20 s 1.23 s 12.3 s PASS",
		"idle 20 <= 500 B/s (goal 150) 1234 B/s - MISS",
		"lost 50 <= 0 0 never PASS",
		"note: noteworthy",
		"2 bars met, 1 missed;",
	}
	lines := strings.Split(table.String(), "\n")
	for i, w := range want {
		if got := strings.Join(strings.Fields(lines[i]), " "); !strings.HasPrefix(got, w) {
			t.Errorf("line %d\n got %s\nwant %s", i, got, w)
		}
	}

	var text bytes.Buffer
	if err := d.WriteJSON(&text); err != nil {
		t.Fatal(err)
	}
	var back struct {
		Rows []struct {
			ID, Verdict string
			Ours, Peer  any
		}
	}
	if err := json.Unmarshal(text.Bytes(), &back); err != nil {
		t.Fatal(err)
	}
	if r := back.Rows[2]; r.ID != "lost" || r.Ours != 0.0 || r.Peer != "never" || r.Verdict != Pass {
		t.Errorf("third row came back as %+v", r)
	}
	if back.Rows[1].Peer != nil {
		t.Errorf("what was not measured came back as %v", back.Rows[1].Peer)
	}
}

func TestThisHost(t *testing.T) {
	h, err := ThisHost(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if h.CPUs < 1 || h.Kernel == "" || h.Filesystem == "" || h.FsyncMS < 0 {
		t.Errorf("%+v", h)
	}
}
