// Package health is the vote on a program that was started on trial: does the phone
// work with it? It is a state machine without clock or I/O.
//
//	            all is as good as before the update, for Steady long
//	undecided ───────────────────────────────────────────────────────▶ good
//	    └────▶ bad: Patience is over, or the telephone crashed too often
package health

import (
	"fmt"
	"strings"
	"time"
)

// Report is how the phone is.
type Report struct {
	Joined     bool // it is in the ring with others
	Alone      bool // or it has never heard of others
	Registered bool // the ring has its registration
	Audio      bool // the sound device can be opened
	Panel      bool // the keys and lamps can be opened
	Console    bool // SSH listens
	Crashes    int  // of the telephone since this start of the machine
}

// String is what is wrong, "well" if nothing is.
func (r Report) String() string {
	if text := r.worse(Report{Joined: true, Registered: true, Audio: true, Panel: true, Console: true}); text != "" {
		return text
	}
	return "well"
}

// worse says what is not as it was before, in words, or "".
func (r Report) worse(before Report) string {
	var out []string
	for _, f := range []struct {
		was, is bool
		text    string
	}{
		{before.Joined, r.Joined || r.Alone, "not in the ring"},
		{before.Registered, r.Registered, "not registered"},
		{before.Audio, r.Audio, "no sound device"},
		{before.Panel, r.Panel, "no keys and lamps"},
		{before.Console, r.Console, "no console"},
	} {
		if f.was && !f.is {
			out = append(out, f.text)
		}
	}
	return strings.Join(out, ", ")
}

// Config is how long and how much.
type Config struct {
	Patience time.Duration // after the vote began it ends
	Steady   time.Duration // all must be well so long without a break
	Crashes  int           // so many crashes of the telephone are too many
}

// Default suits a phone whose start takes seconds. Patience has room for the 90 s that
// a DHCP server may let a phone wait.
var Default = Config{Patience: 4 * time.Minute, Steady: time.Minute, Crashes: 3}

// Verdict is where the vote stands.
type Verdict int

// The verdicts.
const (
	Undecided Verdict = iota
	Good
	Bad
)

func (v Verdict) String() string { return [...]string{"undecided", "good", "bad"}[v] }

// Vote is one vote. What was amiss before the update may be amiss after it: a phone
// without a sound device is not to blame on the program.
type Vote struct {
	cfg    Config
	before Report
	end    time.Time
	since  time.Time // all is well; zero: it is not
	crash  int       // at since
	why    string
}

// New begins a vote at the time the machine was started. Before is the last report of
// the program before the update; of one that is not known, all true is the strictest.
func New(cfg Config, now time.Time, before Report) *Vote {
	return &Vote{cfg: cfg, before: before, end: now.Add(cfg.Patience), why: "no report"}
}

// Step takes a report. It is to be called once a second, even when there is nothing new.
func (v *Vote) Step(now time.Time, r Report) Verdict {
	if r.Crashes >= v.cfg.Crashes {
		v.why = fmt.Sprintf("the telephone crashed %d times", r.Crashes)
		return Bad
	}
	if v.why = r.worse(v.before); v.why != "" || r.Crashes != v.crash {
		v.since, v.crash = time.Time{}, r.Crashes
	}
	if v.why == "" && v.since.IsZero() {
		v.since = now
	}
	switch {
	case !v.since.IsZero() && now.Sub(v.since) >= v.cfg.Steady:
		return Good
	case !now.Before(v.end):
		if v.why == "" {
			v.why = "it was never well for long"
		}
		return Bad
	}
	return Undecided
}

// Why is what speaks against the program, "" if nothing does.
func (v *Vote) Why() string { return v.why }
