// Package report is what a part of the bench found: rows of figures, ours beside
// the peer's, each against its bar, as a table for people and as JSON.
//
//	what                       nodes  bar        ours      OpenDHT
//	cold start to one ring     20     <= 20 s    1.31 s    1.05 s   PASS
package report

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
	"text/tabwriter"
)

// Bar is what our figure has to reach.
type Bar struct {
	Limit   float64 `json:"limit"`
	AtLeast bool    `json:"at_least,omitempty"` // the figure must not be below; otherwise not above
	Goal    float64 `json:"goal,omitempty"`     // better than the limit; 0: none
}

// AtMost and AtLeast make a bar.
func AtMost(limit float64) *Bar  { return &Bar{Limit: limit} }
func AtLeast(limit float64) *Bar { return &Bar{Limit: limit, AtLeast: true} }

// Met reports whether the figure reaches the bar.
func (b Bar) Met(f Figure) bool {
	if b.AtLeast {
		return f != Never && float64(f) >= b.Limit
	}
	return float64(f) <= b.Limit
}

func (b Bar) text(unit string) string {
	sign := "<="
	if b.AtLeast {
		sign = ">="
	}
	s := fmt.Sprintf("%s %s %s", sign, strconv.FormatFloat(math.Round(b.Limit*100)/100, 'f', -1, 64), unit)
	if b.Goal != 0 {
		s += fmt.Sprintf(" (goal %s)", strconv.FormatFloat(b.Goal, 'f', -1, 64))
	}
	return s
}

// Verdicts on a row.
const (
	Pass   = "PASS"
	Miss   = "MISS"
	NotRun = "not run" // there is a bar, but nothing to make it from: no peer
)

// Row is one thing that was measured. A figure that was not measured is nil.
type Row struct {
	ID      string  `json:"id"`
	What    string  `json:"what"`
	Nodes   int     `json:"nodes"`
	Unit    string  `json:"unit"`
	Bar     *Bar    `json:"bar,omitempty"` // nil: for information
	Ours    *Figure `json:"ours,omitempty"`
	Peer    *Figure `json:"peer,omitempty"`
	Verdict string  `json:"verdict,omitempty"` // of ours against the bar

	// Of figures that are the median of several rounds.
	OursSpread *Spread `json:"ours_spread,omitempty"`
	PeerSpread *Spread `json:"peer_spread,omitempty"`
}

// Spread is between what a figure was in several rounds.
type Spread struct {
	Least float64 `json:"least"`
	Most  float64 `json:"most"`
}

// Figure is a measured value.
type Figure float64

// Never is the figure of what was waited for and did not happen. In JSON it is
// "never".
var Never = Figure(math.Inf(1))

// MarshalJSON implements json.Marshaler.
func (f Figure) MarshalJSON() ([]byte, error) {
	if f == Never {
		return []byte(`"never"`), nil
	}
	return json.Marshal(float64(f))
}

// Judge fills in the verdict.
func (r *Row) Judge() {
	switch {
	case r.Bar == nil || r.Ours == nil:
		r.Verdict = ""
	case r.Bar.Met(*r.Ours):
		r.Verdict = Pass
	default:
		r.Verdict = Miss
	}
}

// Document is the whole result.
type Document struct {
	Part    string         `json:"part"`
	Started string         `json:"started"` // RFC 3339
	TookS   float64        `json:"took_s"`
	Host    Host           `json:"host"`
	Peer    string         `json:"peer"` // name of the other program
	Version string         `json:"peer_version,omitempty"`
	Notes   []string       `json:"notes"`
	Rows    []Row          `json:"rows"`
	Detail  map[string]any `json:"detail,omitempty"` // what stands behind the rows
}

// Count is how many rows have a verdict.
func (d Document) Count(verdict string) (n int) {
	for _, r := range d.Rows {
		if r.Verdict == verdict {
			n++
		}
	}
	return n
}

// WriteTable prints the document for people.
func (d Document) WriteTable(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "what\tnodes\tbar\tours\t%s\t\n", d.Peer)
	for _, r := range d.Rows {
		bar := "-"
		if r.Bar != nil {
			bar = r.Bar.text(r.Unit)
		}
		fmt.Fprintf(t, "%s\t%d\t%s\t%s\t%s\t%s\n", r.What, r.Nodes, bar,
			text(r.Ours, r.OursSpread, r.Unit), text(r.Peer, r.PeerSpread, r.Unit), r.Verdict)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, n := range d.Notes {
		fmt.Fprintln(w, "note:", n)
	}
	_, err := fmt.Fprintf(w, "%d bars met, %d missed; %s\n", d.Count(Pass), d.Count(Miss), d.Host)
	return err
}

// WriteJSON writes the document for programs.
func (d Document) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(d)
}

// text is a value with three significant digits, and its spread.
func text(f *Figure, s *Spread, unit string) string {
	switch {
	case f == nil:
		return "-"
	case *f == Never:
		return "never"
	}
	out := digits(*f) + " " + unit
	if s != nil && s.Least != s.Most {
		out += " (" + digits(Figure(s.Least)) + "-" + digits(Figure(s.Most)) + ")"
	}
	return out
}

func digits(f Figure) string {
	decimals := 2
	switch a := math.Abs(float64(f)); {
	case a == math.Trunc(a) && a < 1e6, a >= 100:
		decimals = 0
	case a >= 10:
		decimals = 1
	}
	return strconv.FormatFloat(float64(f), 'f', decimals, 64)
}
