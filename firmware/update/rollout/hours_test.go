package rollout

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestHours(t *testing.T) {
	for _, tc := range []struct {
		hours, at string
		want      bool
		next      string
	}{
		{"any", "2026-11-22 12:00", true, "2026-11-22 12:00"},
		{"22:00-05:30", "2026-11-22 23:10", true, "2026-11-22 23:10"},
		{"22:00-05:30", "2026-11-22 05:29", true, "2026-11-22 05:29"},
		{"22:00-05:30", "2026-11-22 05:30", false, "2026-11-22 22:00"},
		{"22:00-05:30", "2026-11-22 12:00", false, "2026-11-22 22:00"},
		{"01:00-02:00", "2026-11-22 01:00", true, "2026-11-22 01:00"},
		{"01:00-02:00", "2026-11-22 00:59", false, "2026-11-22 01:00"},
		{"01:00-02:00", "2026-11-30 02:00", false, "2026-12-01 01:00"},
	} {
		h, err := ParseHours(tc.hours)
		if err != nil {
			t.Fatal(err)
		}
		if h.String() != tc.hours {
			t.Errorf("%s is written as %s", tc.hours, h)
		}
		at := minute(t, tc.at)
		if got := h.Contain(at); got != tc.want {
			t.Errorf("%s in %q: %v", tc.at, tc.hours, got)
		}
		if got := h.Next(at); !got.Equal(minute(t, tc.next)) {
			t.Errorf("%s in %q: next %v, want %s", tc.at, tc.hours, got, tc.next)
		}
	}
	for _, bad := range []string{"", "1", "25:00-01:00", "01:00-01:00", "01:00", "01:00-02:00-03:00"} {
		if _, err := ParseHours(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func minute(t *testing.T, s string) time.Time {
	at, err := time.Parse("2006-01-02 15:04", s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// Next is within the hours, and nothing between is, whatever the clock does in the
// nights of summer time: there, an hour comes twice or not at all.
func TestNextIsTheFirst(t *testing.T) {
	berlin := time.FixedZone("CET", 3600)
	if l, err := time.LoadLocation("Europe/Berlin"); err == nil {
		berlin = l
	}
	rapid.Check(t, func(t *rapid.T) {
		from := rapid.IntRange(0, 24*60-1).Draw(t, "from")
		to := (from + rapid.IntRange(1, 24*60-1).Draw(t, "long")) % (24 * 60)
		h := Hours{set: true, from: time.Duration(from) * time.Minute, to: time.Duration(to) * time.Minute}
		now := time.Date(2026, 1, 1, 0, 0, rapid.IntRange(0, 365*86400).Draw(t, "second"), 0, berlin)
		next := h.Next(now)
		if next.Before(now) || next.Sub(now) > 25*time.Hour {
			t.Fatalf("%v: %v follows %v", h, next, now)
		}
		_, was := now.Zone()
		if _, is := next.Zone(); was != is {
			return
		}
		if !h.Contain(next) {
			t.Fatalf("%v: %v is not within, after %v", h, next, now)
		}
		for at := now; at.Before(next); at = at.Add(time.Minute) {
			if h.Contain(at) {
				t.Fatalf("%v: %v follows %v, and %v is within", h, next, now, at)
			}
		}
	})
}

// A phone whose clock is right leaves in its hours; one that cannot know leaves when
// nobody has called for long, so that a release reaches it some day.
func TestLeisure(t *testing.T) {
	h, err := ParseHours("02:00-05:00")
	if err != nil {
		t.Fatal(err)
	}
	noon := minute(t, "2026-11-22 12:00")
	l := NewLeisure(h)
	for _, tc := range []struct {
		at         time.Duration
		busy, wall bool
		want       bool
		next       time.Duration
	}{
		{0, false, true, false, 14 * time.Hour},
		{0, false, false, false, time.Hour},
		{30 * time.Minute, false, false, false, time.Hour},
		{40 * time.Minute, true, false, false, 100 * time.Minute},
		{50 * time.Minute, false, false, false, 110 * time.Minute},
		{109 * time.Minute, false, false, false, 110 * time.Minute},
		{110 * time.Minute, false, false, true, 110 * time.Minute},
		{110 * time.Minute, false, true, false, 14 * time.Hour}, // a time server was found
		{14 * time.Hour, true, true, false, 14 * time.Hour},
		{14*time.Hour + time.Minute, false, true, true, 14*time.Hour + time.Minute},
		{18 * time.Hour, false, true, false, 38 * time.Hour},
	} {
		now := noon.Add(tc.at)
		if got := l.Step(now, tc.busy, tc.wall); got != tc.want {
			t.Errorf("%v, busy %t, clock %t: free %t", tc.at, tc.busy, tc.wall, got)
		}
		if got := l.Next(now, tc.wall).Sub(noon); got != tc.next {
			t.Errorf("%v, busy %t, clock %t: next %v, want %v", tc.at, tc.busy, tc.wall, got, tc.next)
		}
	}
	if l := NewLeisure(Hours{}); !l.Step(noon, false, false) || l.Step(noon, true, false) {
		t.Error("at any time, a phone is free when nobody calls")
	}
}
