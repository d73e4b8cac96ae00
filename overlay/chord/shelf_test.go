package chord

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"chordophone/overlay"
)

var t0 = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

func genRecord(t *rapid.T) overlay.Record {
	r := overlay.Record{
		Resource: id(rapid.Byte().Draw(t, "resource") % 3),
		Kind:     overlay.Kind(rapid.Uint32Range(1, 2).Draw(t, "kind")),
		Key:      []byte{rapid.Byte().Draw(t, "key") % 2},
		Version:  overlay.Version(rapid.Uint64Range(1, 4).Draw(t, "version")),
		Lifetime: time.Duration(rapid.IntRange(1, 100).Draw(t, "lifetime")) * time.Second,
		Removed:  rapid.Bool().Draw(t, "removed"),
		Value:    []byte{rapid.Byte().Draw(t, "value") % 2},
		Owner:    id(0),
	}
	if r.Removed {
		r.Value = nil
	}
	return r
}

// TestMergeOrder: whatever the order in which records meet a shelf, and however
// often, it holds the same in the end.
func TestMergeOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		records := rapid.SliceOfN(rapid.Custom(genRecord), 0, 30).Draw(t, "records")
		other := append(slices.Clone(records), rapid.Permutation(records).Draw(t, "again")...)
		slices.Reverse(other)
		var a, b shelf
		for _, r := range records {
			a.put(t0, r)
		}
		for _, r := range other {
			b.put(t0, r)
		}
		if len(a.entries) != len(b.entries) {
			t.Fatalf("%d and %d entries", len(a.entries), len(b.entries))
		}
		for i, e := range a.entries {
			f := b.entries[i]
			if e.rec.Slot() != f.rec.Slot() || e.rec.Supersedes(f.rec) || f.rec.Supersedes(e.rec) {
				t.Errorf("%+v and %+v", e.rec, f.rec)
			}
			if i > 0 && a.entries[i-1].order(e.rec.Slot()) >= 0 {
				t.Errorf("entry %d is out of order", i)
			}
		}
	})
}

// TestArc compares arc with its definition.
func TestArc(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s shelf
		for _, b := range rapid.SliceOfDistinct(rapid.ByteRange(0, 20), rapid.ID[byte]).Draw(t, "resources") {
			s.put(t0, overlay.Record{Resource: id(b), Lifetime: time.Hour})
		}
		after, upto := id(rapid.ByteRange(0, 20).Draw(t, "after")), id(rapid.ByteRange(0, 20).Draw(t, "upto"))
		want := 0
		for _, e := range s.entries {
			if e.rec.Resource == upto || e.rec.Resource.Between(after, upto) {
				want++
			}
		}
		got := 0
		last := after
		s.arc(after, upto, func(e *entry) {
			got++
			if last != after && !e.rec.Resource.Between(last, after) && e.rec.Resource != after {
				t.Errorf("%s after %s", e.rec.Resource, last)
			}
			last = e.rec.Resource
		})
		if got != want {
			t.Errorf("%d in (%s, %s], want %d", got, after, upto, want)
		}
	})
}

// TestRefresh: a refresh that says the same costs no commit, but counts.
func TestRefresh(t *testing.T) {
	var s shelf
	r := overlay.Record{Resource: id(1), Version: 1, Lifetime: time.Hour, Value: []byte("x")}
	steps := []struct {
		name   string
		change func()
		at     time.Duration
		want   fate
	}{
		{"new", func() {}, 0, saved},
		{"the same again", func() {}, time.Minute, stood},
		{"same value, next version", func() { r.Version = 2 }, time.Minute, renewed},
		{"for longer than the disk says", func() { r.Version = 3; r.Lifetime = 2 * time.Hour }, time.Minute, saved},
		{"other value", func() { r.Version = 4; r.Value = []byte("y") }, time.Minute, saved},
		{"removed", func() { r.Version = 5; r.Removed = true; r.Value = nil }, time.Minute, saved},
		{"back from the dead", func() { r.Version = 4; r.Removed = false; r.Value = []byte("y") }, time.Minute, older},
	}
	for _, step := range steps {
		step.change()
		if got := s.put(t0.Add(step.at), r); got != step.want {
			t.Errorf("%s: %d, want %d", step.name, got, step.want)
		}
	}
	e := s.entries[0]
	if !e.rec.Removed || e.rec.Version != 5 {
		t.Errorf("stands: %+v", e.rec)
	}
	if got := e.remaining(t0.Add(2 * time.Minute)).Lifetime; got != 2*time.Hour-time.Minute {
		t.Errorf("%v remain", got)
	}
	if next := s.expire(t0.Add(3*time.Hour), func(overlay.Slot) {}); !next.IsZero() || len(s.entries) != 0 {
		t.Error("not expired")
	}
}

// TestHeld: what does not fit is cut off between two Resources.
func TestHeld(t *testing.T) {
	var s shelf
	for res := range byte(4) {
		for k := range byte(3) {
			s.put(t0, overlay.Record{Resource: id(res), Key: []byte{k}, Lifetime: time.Hour})
		}
	}
	for most, want := range map[int]int{12: 12, 11: 9, 8: 6, 3: 3, 2: 2} {
		if got := len(s.held(t0, id(9), id(9), most)); got != want {
			t.Errorf("at most %d: %d, want %d", most, got, want)
		}
	}
}
