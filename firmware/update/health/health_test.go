package health

import (
	"testing"
	"time"
)

var (
	epoch = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	well  = Report{Joined: true, Registered: true, Audio: true, Panel: true, Console: true}
)

// but is well, with one thing changed.
func but(change func(*Report)) Report {
	r := well
	change(&r)
	return r
}

// change is what the phone says from a second on.
type change struct {
	at time.Duration
	is Report
}

func TestVote(t *testing.T) {
	mute := but(func(r *Report) { r.Audio = false })
	for _, tc := range []struct {
		name   string
		before Report
		says   []change
		want   Verdict
		at     time.Duration
		why    string
	}{
		{"well from the start", well, []change{{0, well}}, Good, time.Minute, ""},
		{"well after a while", well, []change{{0, Report{}}, {100 * time.Second, well}}, Good, 160 * time.Second, ""},
		{"never joined", well, []change{{0, but(func(r *Report) { r.Joined = false })}}, Bad, 4 * time.Minute, "not in the ring"},
		{"no peer known", well, []change{{0, but(func(r *Report) { r.Joined, r.Alone = false, true })}}, Good, time.Minute, ""},
		{"never registered", well, []change{{0, but(func(r *Report) { r.Registered = false })}}, Bad, 4 * time.Minute, "not registered"},
		{"no sound", well, []change{{0, mute}}, Bad, 4 * time.Minute, "no sound device"},
		{"no sound before either", mute, []change{{0, mute}}, Good, time.Minute, ""},
		{"no keys", well, []change{{0, but(func(r *Report) { r.Panel = false })}}, Bad, 4 * time.Minute, "no keys and lamps"},
		{"no console", well, []change{{0, but(func(r *Report) { r.Console = false })}}, Bad, 4 * time.Minute, "no console"},
		{"says nothing", well, []change{{0, Report{}}}, Bad, 4 * time.Minute, "not in the ring, not registered, no sound device, no keys and lamps, no console"},
		{"well too late", well, []change{{0, Report{}}, {200 * time.Second, well}}, Bad, 4 * time.Minute, "it was never well for long"},
		{"well with a break", well, []change{{0, well}, {50 * time.Second, mute}, {51 * time.Second, well}}, Good, 111 * time.Second, ""},
		{"a crash", well, []change{{0, well}, {30 * time.Second, but(func(r *Report) { r.Crashes = 1 })}}, Good, 90 * time.Second, ""},
		{"crash upon crash", well, []change{{0, well},
			{30 * time.Second, but(func(r *Report) { r.Crashes = 1 })},
			{40 * time.Second, but(func(r *Report) { r.Crashes = 2 })},
			{50 * time.Second, but(func(r *Report) { r.Crashes = 3 })}}, Bad, 50 * time.Second, "the telephone crashed 3 times"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			v := New(Default, epoch, tc.before)
			var is Report
			for d := time.Duration(0); d < time.Hour; d += time.Second {
				for _, c := range tc.says {
					if c.at == d {
						is = c.is
					}
				}
				if got := v.Step(epoch.Add(d), is); got != Undecided {
					if got != tc.want || d != tc.at || v.Why() != tc.why {
						t.Errorf("%v after %v, %q; want %v after %v, %q", got, d, v.Why(), tc.want, tc.at, tc.why)
					}
					return
				}
			}
			t.Error("undecided for an hour")
		})
	}
}

func TestReport(t *testing.T) {
	if got := well.String(); got != "well" {
		t.Error(got)
	}
	if got := (Report{Alone: true, Registered: true}).String(); got != "no sound device, no keys and lamps, no console" {
		t.Error(got)
	}
}
