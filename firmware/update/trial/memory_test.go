package trial

import (
	"reflect"
	"strings"
	"testing"

	"chordophone/firmware/update/health"
	"chordophone/firmware/update/release"
)

func TestMemory(t *testing.T) {
	m := Memory{
		Newest:  release.Version{1, 4, 0, 12},
		Content: [2]Content{{release.ID{1}, release.Version{1, 4}}, {}},
		Pending: &Pending{Partition: 3, Starts: 1, Before: health.Report{Joined: true, Console: true}},
		Failed:  []Failure{{release.ID{2}, release.Version{1, 3}, "not registered"}},
	}
	b, err := m.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := ParseMemory(b); err != nil || !reflect.DeepEqual(got, m) {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := ParseMemory(nil); err != nil || !reflect.DeepEqual(got, Memory{}) {
		t.Errorf("of a new phone: %+v, %v", got, err)
	}
	for what, bad := range map[string]string{
		"torn":      string(b[:len(b)/2]),
		"zeros":     strings.Repeat("\x00", 100),
		"partition": strings.Replace(string(b), `"partition": 3`, `"partition": 4`, 1),
		"release":   strings.Replace(string(b), "0100", "01", 1),
		"version":   strings.Replace(string(b), `"1.3.0"`, `"new"`, 1),
	} {
		if _, err := ParseMemory([]byte(bad)); err == nil {
			t.Errorf("%s: it is taken", what)
		}
	}
	for range maxFailed + 3 {
		m.fail(Failure{Why: "the newest"})
	}
	if len(m.Failed) != maxFailed || m.Failed[maxFailed-1].Why != "the newest" {
		t.Errorf("%d failures are remembered", len(m.Failed))
	}
}
