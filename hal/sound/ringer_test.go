package sound

import (
	"math"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"chordophone/hal"
)

// A ringer rings one second in five, from its begin, on a card that is open only then.
func TestRinger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var cards []*cardEnd
		a := newAudio()
		a.Ring(true) // without a ringer nothing happens
		a.ringer = startRinger(func() sink {
			cards = append(cards, new(cardEnd))
			return cards[len(cards)-1]
		})
		a.owned = append(a.owned, a.ringer)
		for round := range 2 {
			a.Ring(true)
			a.Ring(true)
			wait(7 * time.Second)
			if len(cards) != round+1 || cards[round].closed {
				t.Fatalf("round %d: %d cards", round, len(cards))
			}
			a.Ring(false)
			wait(time.Second)
			c := cards[round]
			if !c.closed {
				t.Error("the card was left open")
			}
			for second, loud := range []bool{true, false, false, false, false, true} {
				from, to := second*hal.Rate+200, (second+1)*hal.Rate-200
				if top := slices.Max(c.played[from:to]); (top > 9000) != loud || !loud && top > 0 {
					t.Errorf("second %d is %d loud", second, top)
				}
			}
			if len(c.played) > 8*hal.Rate {
				t.Error("rings after it was told not to")
			}
		}
		a.Ring(true)
		wait(100 * time.Millisecond)
		if err := a.Close(); err != nil || !cards[2].closed {
			t.Errorf("%v, closed %t", err, cards[2].closed)
		}
	})
}

// The bell begins and ends without a click.
func TestBellRamps(t *testing.T) {
	var b bell
	step := make([]int16, bellRamp/2)
	for b.at < 6*hal.Rate {
		from, ringing := b.at, hal.Bell.At(b.at/2000)
		b.next(step)
		want := 0.0
		if ringing {
			want = 1
		}
		switch since := from % hal.Rate; {
		case from/hal.Rate%5 <= 1 && since == 0:
			want = 0.5
		case from/hal.Rate%5 <= 1 && since < bellRamp:
			continue
		}
		if math.Abs(b.level-want) > 0.02 {
			t.Fatalf("at sample %d the level is %.2f, want %.2f", b.at, b.level, want)
		}
	}
}
