package rollout

import (
	"errors"
	"fmt"
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

// A good release reaches everybody, one or two phones at a time, and not before the first
// has run it for a while.
func TestGoodRelease(t *testing.T) {
	for _, n := range []int{2, 3, 20, 40} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			o := newOffice(t, 1, n)
			r := o.sign("1.1.0", false)
			o.run(time.Minute, nil)
			o.install(o.phones[n/2], r)
			o.run(trialTime+Default.Soak-time.Minute, nil)
			if got := o.running(r); got != 1 {
				t.Fatalf("%d phones run it before it has soaked", got)
			}
			took := o.run(48*time.Hour, func() bool { return o.running(r) == n })
			if got := o.running(r); got != n {
				t.Fatalf("%d of %d phones run it", got, n)
			}
			if most := max(1, min(Default.Most, n/8)); o.maxAway > most {
				t.Errorf("%d of %d phones were away at a time, want at most %d", o.maxAway, n, most)
			}
			if o.trials != n {
				t.Errorf("%d trials for %d phones", o.trials, n)
			}
			t.Logf("%d phones in %v after the first, at most %d away", n, took, o.maxAway)
		})
	}
}

// A bad release stops where it was tried first.
func TestBadRelease(t *testing.T) {
	o := newOffice(t, 2, 20)
	r := o.sign("1.1.0", true)
	o.run(time.Minute, nil)
	o.install(o.phones[3], r)
	o.run(8*time.Hour, nil)
	if o.trials != 1 || o.running(r) != 0 {
		t.Errorf("%d trials, %d phones run it; want 1 and 0", o.trials, o.running(r))
	}
}

// A release that is bad on other phones than the first stops at the second; one that
// mends it goes on, on those that gave the other up, too.
func TestBadOnOthers(t *testing.T) {
	for _, hangs := range []bool{false, true} {
		t.Run(fmt.Sprintf("hangs=%v", hangs), func(t *testing.T) {
			o := newOffice(t, 3, 20)
			r := o.sign("1.1.0", false)
			o.run(time.Minute, nil)
			o.install(o.phones[3], r)
			o.run(trialTime+time.Second, nil)
			o.signed[r] = fake{version: release.Version{1, 1}, bad: !hangs, hangs: hangs}
			o.run(3*time.Hour, nil)
			if o.trials != 2 || o.running(r) != 1 {
				t.Fatalf("%d trials, %d phones run it; want 2 and 1", o.trials, o.running(r))
			}
			stopped := 0
			for _, d := range o.phones {
				if d.m.Stopped(o.now) != "" {
					stopped++
				}
			}
			if stopped < 17 {
				t.Errorf("%d phones know that it is stopped", stopped)
			}
			better := o.sign("1.1.1", false)
			o.install(o.phones[7], better)
			want := 20
			if hangs {
				want = 19 // it never came back
			}
			o.run(48*time.Hour, func() bool { return o.running(better) == want })
			if got := o.running(better); got != want {
				t.Errorf("%d phones run what mends it, want %d", got, want)
			}
		})
	}
}

// Phones that are off or call all day hold nobody up, and follow when they can.
func TestLatecomers(t *testing.T) {
	o := newOffice(t, 4, 20)
	r := o.sign("1.1.0", false)
	o.run(time.Minute, nil)
	for i, d := range o.phones[1:7] {
		d.off, d.busy = i%2 == 0, i%2 == 1
		if !d.off {
			o.step(d, Free{false})
		}
	}
	o.install(o.phones[0], r)
	took := o.run(48*time.Hour, func() bool { return o.running(r) == 14 })
	if got := o.running(r); got != 14 {
		t.Fatalf("%d phones run it, want the 14 that can", got)
	}
	t.Logf("14 of 20 in %v", took)
	for _, d := range o.phones[1:7] {
		d.off, d.busy = false, false
		o.step(d, Free{true})
	}
	o.run(24*time.Hour, func() bool { return o.running(r) == 20 })
	if got := o.running(r); got != 20 || o.maxAway > 2 {
		t.Errorf("%d phones run it, at most %d were away; want 20 and 2", got, o.maxAway)
	}
}

// Many phones that were held up become free in the same second: still only as many leave
// as may.
func TestAllFreeAtOnce(t *testing.T) {
	o := newOffice(t, 5, 24)
	r := o.sign("1.1.0", false)
	o.run(time.Minute, nil)
	for _, d := range o.phones[1:] {
		d.busy = true
		o.step(d, Free{false})
	}
	o.install(o.phones[0], r)
	o.run(7*time.Hour, nil) // all are passed over
	for _, d := range o.phones[1:] {
		d.busy = false
		o.step(d, Free{true})
	}
	o.run(24*time.Hour, func() bool { return o.running(r) == 24 })
	if got := o.running(r); got != 24 || o.maxAway > 3 {
		t.Errorf("%d phones run it, at most %d were away; want 24 and 3", got, o.maxAway)
	}
}

// A member lies in its record: it offers what nobody signed, what is old, what it does
// not have; it changes its mind each time. Nobody tries anything, nobody is asked more
// than now and then, and a real release goes round all the same.
func TestLiar(t *testing.T) {
	o := newOffice(t, 6, 20)
	liar := o.phones[5]
	liar.off = true // it runs nothing of ours
	old := o.sign("0.9.0", false)
	o.signed[old] = fake{version: release.Version{0, 9}}
	o.run(time.Minute, nil)
	lies := 0
	lie := func() {
		n := Notice{Version: release.Version{9, uint32(lies)}, Running: release.ID{1, byte(lies), byte(lies >> 8)}}
		switch lies % 4 {
		case 1:
			n.Running = old
		case 2: // says that an old one is new
			n.Running, n.Version = old, release.Version{2}
		case 3:
			n.State, n.Subject = Leaving, release.ID{7}
		}
		o.ring[liar.id] = n
		lies++
	}
	o.phones[5].off = false
	o.phones[5].away = epoch.Add(1e6 * time.Hour) // there, with a machine that does nothing
	for range 6 * 60 {
		lie()
		o.run(time.Minute, nil)
	}
	if o.trials != 0 {
		t.Fatalf("%d trials of lies", o.trials)
	}
	if perPhone := float64(len(o.asked)) / 19; perPhone > 6*60+1 {
		t.Errorf("each phone asked %.0f times in six hours", perPhone)
	}
	r := o.sign("1.1.0", false)
	o.install(o.phones[0], r)
	for range 48 * 60 {
		lie()
		o.run(time.Minute, nil)
		if o.running(r) == 19 {
			return
		}
	}
	t.Errorf("%d of 19 phones run the release", o.running(r))
}

// A liar that has the newest claim to show is asked first, shows garbage, and is shunned:
// an hour passes until it is asked again.
func TestGarbageIsShunned(t *testing.T) {
	o := newOffice(t, 8, 3)
	o.ring[overlay.ID{1}] = Notice{Version: release.Version{9}, Running: release.ID{9}}
	liar := &desk{id: overlay.ID{1}, m: New(overlay.ID{1}, Default), version: release.Version{9}}
	o.phones = append(o.phones, liar)
	asked := 0
	for range 59 * 60 {
		o.now = o.now.Add(time.Second)
		for _, d := range o.phones[:3] {
			o.step(d, Notices{[]Phone{{liar.id, o.ring[liar.id]}}})
			for _, l := range d.later {
				asked++
				o.step(d, l.ev)
			}
			d.later = nil
		}
	}
	if asked != 3 {
		t.Errorf("three phones asked %d times within an hour", asked)
	}
}

func TestNotice(t *testing.T) {
	n := Notice{Version: release.Version{1, 2, 3, 4}, State: GaveUp, Running: release.ID{1}, Subject: release.ID{2}, SubjectVersion: release.Version{2}}
	b := n.Marshal()
	if got, err := ParseNotice(append(b, 7)); err != nil || got != n {
		t.Errorf("%+v, %v", got, err)
	}
	for i := range b {
		if _, err := ParseNotice(b[:i]); err == nil {
			t.Errorf("%d octets are taken", i)
		}
	}
	for _, i := range []int{0, 17} {
		bad := slices.Clone(b)
		bad[i] = 9
		if _, err := ParseNotice(bad); err == nil {
			t.Errorf("octet %d = 9 is taken", i)
		}
	}
}
