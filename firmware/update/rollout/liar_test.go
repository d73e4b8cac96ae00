package rollout

import (
	"testing"
	"time"

	"chordophone/firmware/update/release"
	"chordophone/overlay"
)

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
