package document

import (
	"reflect"
	"testing"
)

// What parses prints, and what is printed reads back the same, canonically.
func FuzzPresence(f *testing.F) {
	for _, p := range presences {
		f.Add(p.Bytes())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := ParsePresence(b)
		if err != nil {
			return
		}
		out := p.Bytes()
		if q, err := ParsePresence(out); err != nil || !q.Equal(p) || string(q.Bytes()) != string(out) {
			t.Errorf("%+v\n%s%+v, %v", p, out, q, err)
		}
	})
}

func FuzzDialogInfo(f *testing.F) {
	for _, d := range dialogInfos {
		f.Add(d.Bytes())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := ParseDialogInfo(b)
		if err != nil {
			return
		}
		if e, err := ParseDialogInfo(d.Bytes()); err != nil || !reflect.DeepEqual(e, d) {
			t.Errorf("%+v\n%s%+v, %v", d, d.Bytes(), e, err)
		}
	})
}

func FuzzSummary(f *testing.F) {
	for _, s := range summaries {
		f.Add(s.Bytes())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := ParseSummary(b)
		if err != nil {
			return
		}
		if r, err := ParseSummary(s.Bytes()); err != nil || r != s {
			t.Errorf("%+v, %+v, %v", s, r, err)
		}
	})
}

func FuzzList(f *testing.F) {
	for _, l := range lists {
		f.Add(l.Bytes())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		l, err := ParseList(b)
		if err != nil {
			return
		}
		if m, err := ParseList(l.Bytes()); err != nil || !reflect.DeepEqual(m, l) {
			t.Errorf("%+v\n%s%+v, %v", l, l.Bytes(), m, err)
		}
	})
}

func FuzzRelated(f *testing.F) {
	kind, body := Related("b", []Part{{"a@x", ListType, lists[1].Bytes()}, {"x@y", PresenceType, presences[1].Bytes()}})
	f.Add(kind, body)
	f.Fuzz(func(t *testing.T, kind string, body []byte) { ParseRelated(kind, body) })
}
