package rollout

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"chordophone/firmware/update/release"
	"chordophone/overlay"
)

// one is a machine by itself, whose clock the test moves.
type one struct {
	t   *testing.T
	m   *Machine
	now time.Time
}

var (
	me     = overlay.ID{1}
	canary = overlay.ID{2}
	newer  = release.ID{11}
)

func alone(t *testing.T) *one {
	o := &one{t, New(me, Default), epoch}
	o.want(Own{Notice{Version: release.Version{1}}}, "announce 1.0.0, well")
	o.want(Free{true})
	return o
}

// want takes an event and compares what comes of it.
func (o *one) want(ev Event, want ...string) {
	o.t.Helper()
	var got []string
	for _, a := range o.m.Step(o.now, ev) {
		got = append(got, fmt.Sprint(a))
	}
	if !slices.Equal(got, want) {
		phase, _ := o.m.Phase()
		o.t.Errorf("%T at %v, %v: %q; want %q", ev, o.now.Sub(epoch), phase, got, want)
	}
}

func (o *one) sleep(d time.Duration, want ...string) {
	o.t.Helper()
	o.now = o.now.Add(d)
	o.want(Tick{}, want...)
}

func runs(node overlay.ID, v release.Version, r release.ID) Phone {
	return Phone{node, Notice{Version: v, Running: r}}
}

var (
	v11   = release.Version{1, 1}
	offer = Notices{[]Phone{runs(canary, v11, newer)}}
	learn = fmt.Sprint(Learn{newer, canary})
	fetch = fmt.Sprint(Fetch{newer, []overlay.ID{canary}})
	ready = Fetched{Release: newer}
)

// toWaiting brings a machine to where it has the release.
func (o *one) toWaiting() {
	o.t.Helper()
	o.want(Free{false})
	o.want(offer, learn)
	o.want(Learned{newer, canary, v11, Fits})
	o.sleep(Default.Soak-time.Second, nil...)
	o.sleep(time.Second, fetch)
	o.want(ready)
}

func TestSteps(t *testing.T) {
	o := alone(t)
	o.toWaiting()
	o.sleep(time.Hour)
	o.want(Free{true}, "announce 1.0.0, leaving 1.1.0")
	o.sleep(Default.Settle - time.Second)
	o.sleep(time.Second, fmt.Sprint(Try{newer}))
	o.want(Own{Notice{Version: release.Version{1}, State: Leaving, Subject: newer, SubjectVersion: v11}})
	// It could not start again: it says so, and does not try for ever.
	o.sleep(Default.Lost/2, "announce 1.0.0, well")
	o.sleep(48 * time.Hour)
}

func TestCallWhileAsking(t *testing.T) {
	o := alone(t)
	o.toWaiting()
	o.want(Free{true}, "announce 1.0.0, leaving 1.1.0")
	o.now = o.now.Add(10 * time.Second)
	o.want(Free{false}, "announce 1.0.0, well")
	o.sleep(time.Hour)
}

// Two said at once that they leave, and one may: the one earlier in the order.
func TestBothAsk(t *testing.T) {
	for _, first := range []bool{true, false} {
		o := alone(t)
		o.toWaiting()
		o.want(Free{true}, "announce 1.0.0, leaving 1.1.0")
		other := me
		other[15] = 1
		if !first { // the release's name turns the order of the first octet round
			other[0] = 9
		}
		nodes := []overlay.ID{me, other}
		sortByTurn(newer, nodes)
		if (nodes[0] == me) != first {
			t.Fatal("the test has the order wrong")
		}
		o.want(Notices{[]Phone{runs(canary, v11, newer), {other, Notice{Version: release.Version{1}, State: Leaving, Subject: newer}}}})
		want := "announce 1.0.0, well"
		if first {
			want = fmt.Sprint(Try{newer})
		}
		o.sleep(Default.Settle, want)
	}
}

// Somebody gives it up while this phone asks: it stays.
func TestStopWhileAsking(t *testing.T) {
	o := alone(t)
	o.toWaiting()
	o.want(Free{true}, "announce 1.0.0, leaving 1.1.0")
	gaveUp := Phone{overlay.ID{5}, Notice{Version: release.Version{1}, State: GaveUp, Subject: newer}}
	o.want(Notices{[]Phone{runs(canary, v11, newer), gaveUp}}, "announce 1.0.0, well")
	o.sleep(48 * time.Hour)
	if o.m.Stopped(o.now) == "" {
		t.Error("nobody says why it goes no further")
	}
}

func TestLearning(t *testing.T) {
	for _, tc := range []struct {
		name    string
		outcome Outcome
		version release.Version
		silent  time.Duration // nothing is asked for so long
	}{
		{"unfit", Unfit, v11, 24 * time.Hour},
		{"garbage", Garbage, v11, shunned},
		{"another version", Fits, release.Version{1, 0, 5}, shunned},
		{"unreachable", Unreachable, v11, again},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := alone(t)
			o.want(offer, learn)
			o.want(offer) // one question at a time
			o.want(Learned{newer, canary, tc.version, tc.outcome})
			o.sleep(tc.silent - time.Second)
			o.want(offer)
			if tc.outcome != Unfit {
				o.sleep(time.Second, learn)
			}
		})
	}
	o := alone(t)
	for _, v := range []release.Version{{}, {0, 9}, {1}} { // nothing new
		o.want(Notices{[]Phone{runs(canary, v, newer)}})
	}
	o.want(Notices{[]Phone{runs(canary, v11, release.ID{})}}) // nothing that could be asked for
}

// A phone shows a manifest that is signed, and has nothing behind it. What others have,
// older than that, goes on all the same.
func TestEmptyOffer(t *testing.T) {
	o := alone(t)
	v2, hollow := release.Version{2}, release.ID{22}
	evil := overlay.ID{9}
	both := Notices{[]Phone{runs(canary, v11, newer), runs(evil, v2, hollow)}}
	learnHollow := fmt.Sprint(Learn{hollow, evil})
	o.want(both, learnHollow)
	o.want(Learned{hollow, evil, v2, Fits})
	wait := refetch
	for range 3 {
		o.sleep(Default.Soak, fmt.Sprint(Fetch{hollow, []overlay.ID{evil}}))
		o.want(Fetched{hollow, errors.New("garbage")}, learn)
		o.want(Learned{newer, canary, v11, Unreachable})
		o.m.shun[canary] = o.now.Add(wait) // not the matter here
		o.sleep(wait, learnHollow)
		o.want(Learned{hollow, evil, v2, Fits})
		wait *= 2
	}
	o.sleep(Default.Soak, fmt.Sprint(Fetch{hollow, []overlay.ID{evil}}))
	o.want(Fetched{hollow, errors.New("garbage")}, learn)
	o.want(Learned{newer, canary, v11, Fits})
	o.sleep(Default.Soak, fetch)
	o.want(ready, "announce 1.0.0, leaving 1.1.0")
}

// Who takes his offer back holds nobody up either.
func TestWithdrawnOffer(t *testing.T) {
	o := alone(t)
	v2, hollow := release.Version{2}, release.ID{22}
	evil := overlay.ID{9}
	o.want(Notices{[]Phone{runs(canary, v11, newer), runs(evil, v2, hollow)}}, fmt.Sprint(Learn{hollow, evil}))
	o.want(Learned{hollow, evil, v2, Fits})
	o.want(offer)
	o.sleep(time.Second, learn)
}
