package chord

import (
	"bytes"
	"cmp"
	"slices"
	"time"

	"chordophone/overlay"
)

// shelf is the records a node holds, in the order of the circle.
type shelf struct {
	entries []*entry           // by slot
	owners  map[overlay.ID]int // how many records each writer has here
}

// count keeps account of a writer's records.
func (s *shelf) count(id overlay.ID, by int) {
	if s.owners == nil {
		s.owners = make(map[overlay.ID]int)
	}
	if s.owners[id] += by; s.owners[id] == 0 {
		delete(s.owners, id)
	}
}

// entry is one record. What was removed stays as a tombstone until it expires,
// so that no replica that missed the removal brings the record back.
type entry struct {
	rec     overlay.Record // its Lifetime is that on disk
	sum     uint64         // of rec
	expires time.Time
	copied  bool // another node gave it to this one
}

// remaining is the record with the lifetime that is left of it, in whole seconds
// so that it never grows by being handed on.
func (e *entry) remaining(now time.Time) overlay.Record {
	r := e.rec
	r.Lifetime = e.expires.Sub(now).Truncate(time.Second)
	return r
}

func (e *entry) order(s overlay.Slot) int {
	return cmp.Or(
		e.rec.Resource.Compare(s.Resource),
		cmp.Compare(e.rec.Kind, s.Kind),
		bytes.Compare(e.rec.Key, []byte(s.Key)))
}

func (s *shelf) find(slot overlay.Slot) (int, bool) {
	return slices.BinarySearchFunc(s.entries, slot, (*entry).order)
}

func (s *shelf) get(slot overlay.Slot) *entry {
	if i, ok := s.find(slot); ok {
		return s.entries[i]
	}
	return nil
}

// remove takes a record off the shelf.
func (s *shelf) remove(slot overlay.Slot) bool {
	i, ok := s.find(slot)
	if ok {
		s.count(s.entries[i].rec.Owner, -1)
		s.entries = slices.Delete(s.entries, i, i+1)
	}
	return ok
}

// fate is what became of a record that was put on the shelf.
type fate uint8

const (
	stood   fate = iota // the same version is there
	saved               // it is newer, and to be saved
	renewed             // it is newer, but says the same: the disk may keep the old one
	older               // a newer one is there
)

// put merges a record: of two versions the newer stands.
func (s *shelf) put(now time.Time, r overlay.Record) fate {
	expires := now.Add(r.Lifetime)
	i, ok := s.find(r.Slot())
	if !ok {
		s.entries = slices.Insert(s.entries, i, &entry{rec: r, sum: sum(r), expires: expires})
		s.count(r.Owner, 1)
		return saved
	}
	e := s.entries[i]
	switch {
	case r.Supersedes(e.rec):
		// A refresh that changes nothing but version and lifetime costs no
		// commit: the flash card would wear out by them. After a power cut the
		// old version says the same, and for as long.
		same := r.Removed == e.rec.Removed && r.Owner == e.rec.Owner && bytes.Equal(r.Value, e.rec.Value) && r.Lifetime <= e.rec.Lifetime
		disk := e.rec.Lifetime
		s.count(e.rec.Owner, -1)
		s.count(r.Owner, 1)
		e.copied = false
		e.rec, e.sum, e.expires = r, sum(r), expires
		if same {
			e.rec.Lifetime = disk
			return renewed
		}
		return saved
	case e.rec.Supersedes(r):
		return older
	}
	if expires.After(e.expires) {
		e.expires = expires
	}
	return stood
}

// arc calls do with what lies in (after, upto], in the order of the circle; the
// whole circle when both are the same.
func (s *shelf) arc(after, upto overlay.ID, do func(*entry)) {
	start, _ := slices.BinarySearchFunc(s.entries, after, func(e *entry, id overlay.ID) int {
		if e.rec.Resource.Compare(id) <= 0 {
			return -1
		}
		return 1
	})
	for i := range s.entries {
		e := s.entries[(start+i)%len(s.entries)]
		if e.rec.Resource != upto && !e.rec.Resource.Between(after, upto) {
			return
		}
		do(e)
	}
}

// resource returns what is held of one Resource and the kinds given.
func (s *shelf) resource(now time.Time, id overlay.ID, kinds []overlay.Kind) (out []overlay.Record) {
	s.at(id, func(e *entry) {
		if slices.Contains(kinds, e.rec.Kind) && e.expires.After(now) {
			out = append(out, e.remaining(now))
		}
	})
	return out
}

// heldAt names what resource returns.
func (s *shelf) heldAt(now time.Time, id overlay.ID, kinds []overlay.Kind) (out []Held) {
	s.at(id, func(e *entry) {
		if slices.Contains(kinds, e.rec.Kind) && e.expires.After(now) {
			out = append(out, Held{e.rec.Slot(), e.rec.Version, e.sum})
		}
	})
	return out
}

// held names what lies in an arc, at most most of it, never half a Resource at
// the end unless it is the only one.
func (s *shelf) held(now time.Time, after, upto overlay.ID, most int) (out []Held) {
	s.arc(after, upto, func(e *entry) {
		if e.expires.After(now) && len(out) <= most {
			out = append(out, Held{e.rec.Slot(), e.rec.Version, e.sum})
		}
	})
	if len(out) <= most {
		return out
	}
	end := most
	for end > 0 && out[end].Resource == out[end-1].Resource {
		end--
	}
	if end == 0 {
		end = most
	}
	return out[:end]
}

// at calls do with what is held of one Resource.
func (s *shelf) at(id overlay.ID, do func(*entry)) {
	i, _ := slices.BinarySearchFunc(s.entries, id, func(e *entry, id overlay.ID) int {
		return cmp.Or(e.rec.Resource.Compare(id), 1)
	})
	for ; i < len(s.entries) && s.entries[i].rec.Resource == id; i++ {
		do(s.entries[i])
	}
}

// placesOf are the Resources behind one at which a writer has records, at most
// most of them; more says that there are others, up to the end of the circle.
func (s *shelf) placesOf(writer, behind overlay.ID, most int) (places []overlay.ID, more bool) {
	for _, e := range s.entries {
		id := e.rec.Resource
		if e.rec.Owner != writer || id.Compare(behind) <= 0 || len(places) > 0 && id == places[len(places)-1] {
			continue
		}
		if len(places) == most {
			return places, true
		}
		places = append(places, id)
	}
	return places, false
}

// expire removes what has expired, and says when the next will.
func (s *shelf) expire(now time.Time, dropped func(overlay.Slot)) (next time.Time) {
	s.entries = slices.DeleteFunc(s.entries, func(e *entry) bool {
		if !e.expires.After(now) {
			dropped(e.rec.Slot())
			s.count(e.rec.Owner, -1)
			return true
		}
		if next.IsZero() || e.expires.Before(next) {
			next = e.expires
		}
		return false
	})
	return next
}

// newest puts together what several nodes answered: the newest of each slot, in
// the order of the slots.
func newest(lists ...[]overlay.Record) []overlay.Record {
	var s shelf
	for _, l := range lists {
		for _, r := range l {
			if i, ok := s.find(r.Slot()); !ok {
				s.entries = slices.Insert(s.entries, i, &entry{rec: r})
			} else if r.Supersedes(s.entries[i].rec) {
				s.entries[i].rec = r
			}
		}
	}
	var out []overlay.Record
	for _, e := range s.entries {
		if !e.rec.Removed {
			out = append(out, e.rec)
		}
	}
	return out
}
