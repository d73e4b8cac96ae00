package main

import (
	"slices"
	"testing"
)

// Broken is what was acknowledged and is not so. What was never answered may be
// either way, and is then the truth.
func TestDiffer(t *testing.T) {
	p := newPromises()
	facts := map[string]truth{
		"kept": kept, "lost": kept, "gone": gone, "back": gone, "unsure1": unsure, "unsure2": unsure,
	}
	got := p.differ("x", facts, []string{"kept", "back", "unsure1", "stranger"})
	want := []string{"x back was removed and is back", "x lost is lost"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if facts["unsure1"] != kept || facts["unsure2"] != gone {
		t.Errorf("unsure facts became %v, %v", facts["unsure1"], facts["unsure2"])
	}
	if got := p.differ("x", facts, []string{"kept", "back", "unsure1"}); len(got) > 0 {
		t.Errorf("said twice: %q", got)
	}
}

// A message that was taken is to come until it has come.
func TestDeliver(t *testing.T) {
	p := newPromises()
	p.note(p.messages, "a", kept, &p.made.messages)
	p.note(p.messages, "b", unsure, nil)
	if n := p.deliver(nil); n != 1 {
		t.Errorf("%d to come, want 1", n)
	}
	if n := p.deliver([]string{"a", "b", "b"}); n != 0 {
		t.Errorf("%d to come, want 0", n)
	}
	if got := p.count(); got.all() != 1 {
		t.Errorf("%d promises, want 1", got.all())
	}
}
