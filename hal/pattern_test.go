package hal

import "testing"

// All patterns together begin anew after Period, and no step lies outside.
func TestPatternsFit(t *testing.T) {
	for _, p := range append(patterns[:], Bell) {
		if Period%p.Steps != 0 || p.On>>p.Steps != 0 {
			t.Errorf("%+v does not fit", p)
		}
	}
	if len(patterns) != int(LastSignal)+1 {
		t.Errorf("%d patterns", len(patterns))
	}
}

// Of a lamp of two colours one light at most is on, green means free and nothing else
// does; a lamp of one colour is dark for who is free and shows all else like the red
// light.
func TestColours(t *testing.T) {
	for s := Off; s <= LastSignal; s++ {
		green, red, single := s.Pattern(Green), s.Pattern(Red), s.Pattern(Single)
		if single != red {
			t.Errorf("%v: %v, red %v", s, single, red)
		}
		dark := Pattern{1, 0}
		if s == Free && (green == dark || red != dark) || s != Free && green != dark || s != Free && s != Off && red == dark {
			t.Errorf("%v: green %v, red %v", s, green, red)
		}
	}
}
