package phone

import (
	"testing"
	"time"

	"chordophone/hal"

	"pgregory.net/rapid"
)

// Whatever fingers do: a key that goes down is told at once; it is told up at most once
// after that, and only if it was not told to be held; it is told to be held only after
// a second, only once, and only if it has such a meaning; it repeats a bounded number
// of times; and in the end the machine waits for nothing.
func TestFingerProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var f finger
		now := epoch
		var down hal.Key
		var since time.Time
		long, repeats := false, 0
		late := func() {
			for {
				key, what := f.key, f.expire(now)
				if what == touchNone {
					return
				}
				held := now.Sub(since)
				switch what {
				case touchLong:
					if long || key != down || held < longPress || (key != '0' && key != '*' && key != '#') {
						t.Fatalf("%c held after %v", rune(key), held)
					}
					long = true
				case touchAgain:
					if repeats++; repeats > maxRepeats || key != down || held < repeatAfter || key == '5' || key == '0' {
						t.Fatalf("%c repeats %d times in %v", rune(key), repeats, held)
					}
				default:
					t.Fatalf("%v by itself", what)
				}
			}
		}
		for range rapid.IntRange(1, 30).Draw(t, "moves") {
			now = now.Add(time.Duration(rapid.IntRange(0, 1500).Draw(t, "ms")) * time.Millisecond)
			late()
			ev := hal.Event{Key: rapid.SampledFrom([]hal.Key("0*#258<")).Draw(t, "key"), Down: rapid.Bool().Draw(t, "down")}
			got := f.move(now, ev)
			switch {
			case ev.Down:
				if got != touchDown {
					t.Fatalf("down is %v", got)
				}
				down, since, long, repeats = ev.Key, now, false, 0
			case ev.Key == down && !long:
				if got != touchUp {
					t.Fatalf("up is %v", got)
				}
				down = 0
			default:
				if got != touchNone {
					t.Fatalf("up of another, or after it was held, is %v", got)
				}
				if ev.Key == down {
					down = 0
				}
			}
		}
		now = now.Add(time.Hour)
		late()
		if !f.due.IsZero() {
			t.Fatalf("waits for %v", f.due)
		}
	})
}
