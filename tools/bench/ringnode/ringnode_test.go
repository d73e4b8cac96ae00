package ringnode

import (
	"maps"
	"testing"

	"chordophone/overlay"
	"chordophone/overlay/chord"
	"chordophone/overlay/identity"
)

func TestParseCommand(t *testing.T) {
	for line, want := range map[string]command{
		"put alice sip:alice@192.0.2.1": {"put", "alice", "sip:alice@192.0.2.1"},
		"  get   alice ":                {"get", "alice", ""},
		"view":                          {"view", "", ""},
		"stats":                         {"stats", "", ""},
		"quit":                          {"quit", "", ""},
	} {
		if got, err := parseCommand(line); err != nil || got != want {
			t.Errorf("%q: %v, %v", line, got, err)
		}
	}
	for _, line := range []string{"", " ", "put alice", "put alice x y", "get", "view all", "quit now", "dance"} {
		if c, err := parseCommand(line); err == nil {
			t.Errorf("%q was understood as %v", line, c)
		}
	}
}

// Records of a measurement are signed and verified like others; only who may
// write where is not asked.
func TestRecord(t *testing.T) {
	member, err := identity.Found("bench", 0)
	if err != nil {
		t.Fatal(err)
	}
	w := writer{member: member, version: overlay.MakeVersion(3, 0)}
	r, err := w.record("alice", "here")
	if err != nil {
		t.Fatal(err)
	}
	rules := rules{member}
	if err := rules.verify(r); err != nil {
		t.Errorf("own record refused: %v", err)
	}
	if r.Resource != overlay.ResourceID("alice") || r.Version != overlay.MakeVersion(3, 1) {
		t.Errorf("record %+v", r)
	}
	if next, _ := w.record("alice", "there"); !next.Supersedes(r) {
		t.Error("the second record does not supersede the first")
	}
	for name, change := range map[string]func(*overlay.Record){
		"value":    func(r *overlay.Record) { r.Value = []byte("elsewhere") },
		"resource": func(r *overlay.Record) { r.Resource[0]++ },
		"owner":    func(r *overlay.Record) { r.Owner[0]++ },
		"version":  func(r *overlay.Record) { r.Version++ },
		"kind":     func(r *overlay.Record) { r.Kind = overlay.SIPRegistration },
	} {
		bad := r
		change(&bad)
		if rules.verify(bad) == nil {
			t.Errorf("accepted with another %s", name)
		}
	}
	if _, err := w.record("alice", string(make([]byte, overlay.MaxValue+1))); err == nil {
		t.Error("a value that is too long was signed")
	}
}

func TestTally(t *testing.T) {
	y := newTally(nil)
	y.count(chord.Message{Body: chord.Ping{}, Raw: make([]byte, 10)})
	y.count(chord.Message{Body: chord.Ping{}, Raw: make([]byte, 30)})
	before := y.snapshot()
	y.count(chord.Message{Body: chord.Store{}, Raw: make([]byte, 100)})
	y.count(chord.Message{Body: chord.Store{Replica: 2}, Raw: make([]byte, 200)})
	if want := (Tally{"Ping": {2, 40}}); !maps.Equal(before, want) {
		t.Errorf("counted %v, want %v", before, want)
	}
	since := y.snapshot().Sub(before)
	if want := (Tally{"Store": {1, 100}, "Store (replica)": {1, 200}}); !maps.Equal(since, want) {
		t.Errorf("counted since %v, want %v", since, want)
	}
	since.Add(Tally{"Store": {2, 1}})
	if got := since["Store"]; got != (Count{3, 101}) {
		t.Errorf("the sum is %v", got)
	}
}
