package clock

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// What was kept is the earliest that it can be; damage counts as nothing.
func TestFloor(t *testing.T) {
	dir := t.TempDir()
	least := made()
	if least.IsZero() { // the program of a test need not say when it was made
		least = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	if got := Floor(dir); !got.Equal(least) {
		t.Error(got)
	}
	now := time.Date(2031, 2, 3, 4, 5, 6, 7, time.UTC)
	if err := Keep(dir, now); err != nil {
		t.Fatal(err)
	}
	if got := Floor(dir); !got.Equal(now.Truncate(time.Second)) {
		t.Error(got)
	}
	if err := Keep(dir, time.Unix(5, 0)); err != nil || !Floor(dir).Equal(now.Truncate(time.Second)) {
		t.Error("1970 was kept", err)
	}
	for _, damage := range []string{"", "1234567", "123456789", "\xff\xff\xff\xff\xff\xff\xff\xff"} {
		if err := os.WriteFile(filepath.Join(dir, File), []byte(damage), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := Floor(dir); !got.Equal(least) {
			t.Errorf("%q: %v", damage, got)
		}
	}
	if Keep(filepath.Join(dir, "none"), now) == nil {
		t.Error("kept nowhere")
	}
}

// Forward at once, back the third time, never to nonsense.
func TestJudge(t *testing.T) {
	now := time.Date(2031, 2, 3, 4, 5, 6, 0, time.UTC)
	var j Judge
	for i, tc := range []struct {
		off  time.Duration
		want bool
	}{
		{time.Hour, true}, {50 * time.Millisecond, false}, {-50 * time.Millisecond, false},
		{-time.Hour, false}, {-time.Hour, false}, {time.Second, true}, {-time.Hour, false}, {-time.Hour, false},
		{0, false}, {-time.Hour, false}, {-time.Hour, false}, {-time.Hour, true}, {-time.Hour, false},
		{100 * 365 * 24 * time.Hour, false}, {-20 * 365 * 24 * time.Hour, false},
	} {
		if got := j.Sets(now, now.Add(tc.off)); got != tc.want {
			t.Errorf("%d: %v: %v", i, tc.off, got)
		}
	}
}
