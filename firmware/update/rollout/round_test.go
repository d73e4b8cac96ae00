package rollout

import (
	"fmt"
	"testing"
	"time"

	"chordophone/firmware/update/release"
)

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
