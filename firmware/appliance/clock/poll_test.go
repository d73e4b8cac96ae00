package clock

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// visit is one question: when, to whom.
type visits struct {
	poll  Poll
	now   time.Time
	began time.Time
	lines []string
}

// pass has servers asked for a while; says is what each makes of it.
func (v *visits) pass(d time.Duration, says map[string]Outcome) {
	for end := v.now.Add(d); v.now.Before(end); v.now = v.now.Add(5 * time.Second) {
		for {
			name, ok := v.poll.Due(v.now)
			if !ok {
				break
			}
			v.lines = append(v.lines, fmt.Sprint(v.now.Sub(v.began), " ", name))
			v.poll.Answered(v.now, name, says[name])
		}
	}
}

// Who is asked when.
func TestPoll(t *testing.T) {
	for _, tc := range []struct {
		what string
		use  []string
		says map[string]Outcome
		want []string
	}{
		{"the first does, and is asked every half an hour", []string{"a", "b", "a"}, map[string]Outcome{"a": Good}, []string{"0s a", "30m0s a"}},
		{"one that does not answer is asked less and less", []string{"a"}, map[string]Outcome{"a": Failed},
			[]string{"0s a", "15s a", "45s a", "1m45s a", "3m45s a", "7m45s a", "15m45s a", "31m45s a"}},
		{"the second instead", []string{"a", "b"}, map[string]Outcome{"a": Failed, "b": Good}, []string{"0s a", "0s b", "30m0s a", "30m0s b"}},
		{"one that is asked too often, for longer and longer", []string{"a"}, map[string]Outcome{"a": Slower},
			[]string{"0s a", "30s a", "2m30s a", "10m30s a", "40m30s a"}},
		{"one that does not want to be", []string{"a", "b"}, map[string]Outcome{"a": Never, "b": Good}, []string{"0s a", "0s b", "30m0s b"}},
		{"nobody wants to be", []string{"a"}, map[string]Outcome{"a": Never}, []string{"0s a"}},
		{"one that is doubted is asked again soon", []string{"a", "b"}, map[string]Outcome{"a": Doubted}, []string{"0s a", "15s a", "30s a"}},
		{"none", nil, nil, nil},
	} {
		began := time.Now()
		v := &visits{now: began, began: began}
		v.poll.Use(tc.use)
		d := time.Hour
		if slices.Contains(tc.use, "a") && tc.says["a"] == Doubted {
			d = 45 * time.Second
		}
		v.pass(d, tc.says)
		if !slices.Equal(v.lines, tc.want) {
			t.Errorf("%s: got  %s\nwant %s", tc.what, strings.Join(v.lines, ", "), strings.Join(tc.want, ", "))
		}
	}
}

// Who stays in the list is remembered; a new one is asked at once.
func TestPollUse(t *testing.T) {
	began := time.Now()
	v := &visits{now: began, began: began}
	says := map[string]Outcome{"a": Never, "b": Good, "c": Good}
	v.poll.Use([]string{"a", "b"})
	v.pass(time.Minute, says)
	v.poll.Use([]string{"b", "a"})
	v.pass(time.Minute, says)
	v.poll.Use([]string{"a", "c", "b"})
	v.pass(time.Minute, says)
	v.poll.Use([]string{"b"})
	v.poll.Use([]string{"a"})
	v.pass(time.Minute, says)
	want := []string{"0s a", "0s b", "2m0s c", "3m0s a"}
	if !slices.Equal(v.lines, want) {
		t.Errorf("got %q, want %q", v.lines, want)
	}
	v.poll.Answered(v.now, "nobody", Good)
}

// "A client MUST NOT under any conditions use a poll interval less than 15 seconds."
// RFC 4330, section 10
func TestPollInterval(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var p Poll
		now := time.Now()
		asked := make(map[string]time.Time)
		never := make(map[string]bool)
		names := rapid.SliceOfNDistinct(rapid.StringN(1, 1, 4), 1, 4, rapid.ID[string]).Draw(t, "names")
		p.Use(names)
		for range 60 {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(20*time.Minute)).Draw(t, "wait")))
			if rapid.Bool().Draw(t, "again") {
				p.Use(rapid.Permutation(names).Draw(t, "order"))
			}
			name, ok := p.Due(now)
			if !ok {
				continue
			}
			if at, before := asked[name]; before && now.Sub(at) < 15*time.Second || never[name] {
				t.Fatalf("%q again after %v, never %v", name, now.Sub(at), never[name])
			}
			asked[name] = now
			o := Outcome(rapid.IntRange(int(Good), int(Never)).Draw(t, "outcome"))
			never[name] = o == Never
			p.Answered(now, name, o)
		}
	})
}
