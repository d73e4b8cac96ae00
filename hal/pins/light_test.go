package pins

import (
	"testing"
	"time"

	"chordophone/hal"
)

// What each signal looks like in two seconds: # for lit, an eighth of a second each.
func TestPatterns(t *testing.T) {
	for s, want := range map[hal.Signal]string{
		hal.Off:    "................",
		hal.On:     "################",
		hal.Wink:   "#######.#######.",
		hal.Flash:  "#.#.#.#.#.#.#.#.",
		hal.Blip:   "#...............",
		hal.Island: "#.#.............",
		hal.Free:   "................",
	} {
		l := lights{roles: []role{{lamp: 3}}, picture: hal.Picture{3: s}, origin: begin}
		if got := film(&l, 0, 16); got != want {
			t.Errorf("%v: %s, want %s", s, got, want)
		}
	}
}

func film(l *lights, output, steps int) string {
	var s []byte
	for i := range steps {
		c := byte('.')
		if l.on(begin.Add(time.Duration(i)*hal.Blink), output) {
			c = '#'
		}
		s = append(s, c)
	}
	return string(s)
}

// The bell rings one second in five from the moment it is told, and no longer.
func TestBell(t *testing.T) {
	l := lights{roles: []role{{kind: bell}}, origin: begin.Add(-99 * time.Millisecond)}
	l.ring(begin, true)
	l.ring(begin.Add(time.Second), true) // once more says nothing new
	if got, want := film(&l, 0, 48), "########................................########"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	l.ring(begin, false)
	if got := film(&l, 0, 2); got != ".." || !l.Next(begin).IsZero() {
		t.Errorf("it rings on: %s", got)
	}
}

// The program wakes for a lamp only when that lamp changes.
func TestNext(t *testing.T) {
	for s, want := range map[hal.Signal]time.Duration{
		hal.Off: 0, hal.On: 0, hal.Wink: 500 * time.Millisecond, hal.Flash: hal.Blink, hal.Blip: 2*time.Second - 3*hal.Blink,
	} {
		l := lights{roles: []role{{lamp: 0}, {lamp: 1}}, picture: hal.Picture{1: s}, origin: begin}
		at := begin.Add(3 * hal.Blink)
		next := l.Next(at)
		if want == 0 != next.IsZero() || want != 0 && next.Sub(at) != want {
			t.Errorf("%v: %v, want %v", s, next.Sub(at), want)
		}
	}
}
