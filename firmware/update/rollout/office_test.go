package rollout

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"chordophone/firmware/update/release"
	"chordophone/overlay"
)

var epoch = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

// office is phones with a ring between them: a notice is read up to ten seconds after it
// was put. Time goes in steps of a second.
type office struct {
	t      *testing.T
	rng    *rand.Rand
	now    time.Time
	phones []*desk
	ring   map[overlay.ID]Notice
	signed map[release.ID]fake

	maxAway int
	trials  int
	asked   []Learn
}

// fake is a release that somebody signed.
type fake struct {
	version release.Version
	bad     bool // phones do not work with it
	hangs   bool // phones never come back from it
}

// desk is one phone: its machine, and the rest of it as far as it matters.
type desk struct {
	id      overlay.ID
	m       *Machine
	runs    release.ID
	version release.Version
	failed  []release.ID
	off     bool // switched off
	busy    bool // calls all day
	away    time.Time
	trial   release.ID
	later   []later
}

type later struct {
	at time.Time
	ev Event
}

const (
	trialTime = 3 * time.Minute // boot, vote
	fetchTime = 40 * time.Second
)

func newOffice(t *testing.T, seed uint64, n int) *office {
	o := &office{t: t, rng: rand.New(rand.NewPCG(seed, 7)), now: epoch, ring: make(map[overlay.ID]Notice), signed: make(map[release.ID]fake)}
	old := o.sign("1.0.0", false)
	for range n {
		d := &desk{version: release.Version{1}, runs: old}
		for i := range d.id {
			d.id[i] = byte(o.rng.Uint32())
		}
		o.phones = append(o.phones, d)
	}
	for _, d := range o.phones {
		o.start(d, Notice{Version: d.version, Running: d.runs})
	}
	return o
}

func (o *office) sign(version string, bad bool) (id release.ID) {
	for i := range id {
		id[i] = byte(o.rng.Uint32())
	}
	v, err := release.ParseVersion(version)
	if err != nil {
		o.t.Fatal(err)
	}
	o.signed[id] = fake{version: v, bad: bad}
	return id
}

// start starts a phone.
func (o *office) start(d *desk, own Notice) {
	d.m, d.later = New(d.id, Default), nil
	o.step(d, Own{own})
	o.step(d, Free{!d.busy})
}

// install is a person at a phone: the phone is away for the trial.
func (o *office) install(d *desk, r release.ID) {
	o.step(d, Own{Notice{Version: d.version, Running: d.runs, State: Leaving, Subject: r, SubjectVersion: o.signed[r].version}})
	o.leave(d, r)
}

func (o *office) leave(d *desk, r release.ID) {
	d.trial, d.away = r, o.now.Add(trialTime)
	if o.signed[r].hangs {
		d.away = o.now.Add(1000 * time.Hour)
	}
	o.trials++
}

// back ends a trial.
func (o *office) back(d *desk) {
	r := o.signed[d.trial]
	d.away = time.Time{}
	if r.bad {
		d.failed = append(d.failed, d.trial)
		o.start(d, Notice{Version: d.version, Running: d.runs, State: GaveUp, Subject: d.trial, SubjectVersion: r.version})
		return
	}
	d.runs, d.version = d.trial, r.version
	o.start(d, Notice{Version: d.version, Running: d.runs})
}

func (o *office) step(d *desk, ev Event) {
	for _, a := range d.m.Step(o.now, ev) {
		switch a := a.(type) {
		case Announce:
			o.ring[d.id] = a.Notice
		case Learn:
			o.asked = append(o.asked, a)
			d.later = append(d.later, later{o.now.Add(time.Second), o.answer(d, a)})
		case Fetch:
			ev := Fetched{Release: a.Release}
			if !slices.ContainsFunc(a.Sources, func(id overlay.ID) bool { return o.holds(id, a.Release) }) {
				ev.Err = errors.New("nobody has it")
			}
			d.later = append(d.later, later{o.now.Add(fetchTime), ev})
		case Try:
			if d.busy {
				o.t.Errorf("phone %.4s leaves during a call", d.id)
			}
			o.leave(d, a.Release)
			return
		}
	}
}

// answer is what a phone makes of another one's manifest.
func (o *office) answer(d *desk, a Learn) Learned {
	r, ok := o.signed[a.Release]
	out := Learned{Release: a.Release, Source: a.Source, Version: r.version}
	switch source := o.phone(a.Source); {
	case source == nil || source.off || !source.away.IsZero():
		out.Outcome = Unreachable
	case !ok || !o.holds(a.Source, a.Release):
		out.Outcome = Garbage
	case r.version.Compare(d.version) <= 0 || slices.Contains(d.failed, a.Release):
		out.Outcome = Unfit
	}
	return out
}

func (o *office) phone(id overlay.ID) *desk {
	if i := slices.IndexFunc(o.phones, func(d *desk) bool { return d.id == id }); i >= 0 {
		return o.phones[i]
	}
	return nil
}

func (o *office) holds(id overlay.ID, r release.ID) bool {
	d := o.phone(id)
	return d != nil && !d.off && d.away.IsZero() && d.runs == r
}

// run lets time pass until done, or for the whole time.
func (o *office) run(d time.Duration, done func() bool) time.Duration {
	begin := o.now
	for end := o.now.Add(d); o.now.Before(end) && (done == nil || !done()); {
		o.now = o.now.Add(time.Second)
		o.second()
	}
	return o.now.Sub(begin)
}

func (o *office) second() {
	away := 0
	for i, d := range o.phones {
		if d.off {
			continue
		}
		if !d.away.IsZero() {
			if o.now.Before(d.away) {
				away++
				continue
			}
			o.back(d)
		}
		for len(d.later) > 0 && !o.now.Before(d.later[0].at) {
			ev := d.later[0].ev
			d.later = d.later[1:]
			o.step(d, ev)
		}
		if (int(o.now.Unix())+i)%10 == 0 && d.away.IsZero() { // the ring is read
			var all []Phone
			for _, p := range o.phones {
				if n, ok := o.ring[p.id]; ok {
					all = append(all, Phone{p.id, n})
				}
			}
			o.rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
			o.step(d, Notices{all})
		}
		if d.away.IsZero() && o.now.Unix()%15 == 0 {
			o.step(d, Tick{})
		}
	}
	o.maxAway = max(o.maxAway, away)
}

func (o *office) running(r release.ID) (n int) {
	for _, d := range o.phones {
		if d.runs == r {
			n++
		}
	}
	return n
}
