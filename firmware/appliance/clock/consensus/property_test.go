package consensus

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var offsets = rapid.OneOf(
	rapid.Int64Range(-int64(3*time.Second), int64(3*time.Second)),
	rapid.Int64Range(-int64(3*time.Minute), int64(3*time.Minute)),
	rapid.Int64Range(-int64(30*year), int64(30*year)),
)

func source(t *rapid.T) Source { return Source(rapid.IntRange(0, int(sources)-1).Draw(t, "source")) }

// A quarter of an office of four or more, whatever they say, together, moves nobody out
// of the span of the honest clocks, nor far back; and who has a time server is not moved.
func TestLiars(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		office := rapid.IntRange(4, 33).Draw(t, "office")
		liars := rapid.IntRange(0, office/4).Draw(t, "liars")
		r := Round{Office: office, Asked: office - 1, Synced: rapid.Bool().Draw(t, "synced")}
		if rapid.Bool().Draw(t, "unlisted") {
			r.Office = rapid.IntRange(0, office).Draw(t, "listed")
		}
		low, high := time.Duration(0), time.Duration(0) // this clock is honest
		for range office - 1 - liars {
			b := Ballot{source(t), time.Duration(offsets.Draw(t, "honest"))}
			if rapid.Bool().Draw(t, "silent") {
				continue
			}
			low, high = min(low, b.Offset), max(high, b.Offset)
			r.Ballots = append(r.Ballots, b)
		}
		for range liars {
			r.Ballots = append(r.Ballots, Ballot{source(t), time.Duration(offsets.Draw(t, "lie"))})
		}
		m := Machine{standing: Standing{Source: rapid.SampledFrom([]Source{Kept, Agreed, Set}).Draw(t, "own")}}
		for _, a := range m.Step(time.Now(), r) {
			a, ok := a.(Shift)
			if !ok {
				continue
			}
			switch {
			case a.By > high || a.By < low:
				t.Fatalf("by %v, out of %v ... %v", a.By, low, high)
			case a.By < -Slowest:
				t.Fatalf("back by %v", a.By)
			case r.Synced:
				t.Fatal("moved from its time server")
			}
		}
	})
}

// In an office of four or more, a quarter of it, whatever they say, makes nobody take the time
// for known that neither they have themselves nor an honest member tells.
func TestLiarsTell(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		office := rapid.IntRange(4, 33).Draw(t, "office")
		liars := rapid.IntRange(0, office/4).Draw(t, "liars")
		r := Round{Office: office, Asked: office - 1}
		for i := range office - 1 {
			s, off := source(t), time.Duration(offsets.Draw(t, "offset"))
			if i >= liars { // honest, and nobody has told it
				s = min(s, Agreed)
			}
			r.Ballots = append(r.Ballots, Ballot{s, off})
		}
		m := Machine{standing: Standing{Source: rapid.SampledFrom([]Source{Kept, Agreed}).Draw(t, "own")}}
		if m.Step(time.Now(), r); m.Standing().Known() {
			t.Fatalf("%+v", m.Standing())
		}
	})
}

// However often one other says what, all of it together goes no further than Farthest.
func TestFarthest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var m Machine
		moved := time.Duration(0)
		for range rapid.IntRange(5, 40).Draw(t, "rounds") {
			off := time.Duration(rapid.IntRange(1, 9).Draw(t, "years")) * year
			r := Round{Office: 2, Asked: 1, Ballots: []Ballot{{source(t), off}}}
			for _, a := range m.Step(time.Now(), r) {
				if a, ok := a.(Shift); ok {
					moved += a.By
				}
			}
		}
		if moved > Farthest {
			t.Fatalf("%v", moved)
		}
	})
}

// member is a telephone of a simulated office.
type member struct {
	m     Machine
	clock time.Duration // what it shows, from an arbitrary point
	rate  float64       // of its crystal
	slow  time.Duration // how much it has to lose
	next  time.Duration // true time of its next round
	moves int
	far   time.Duration // true time when it was last too far ahead to be made slower
}

// pass lets time pass for its clock. A clock that is slowed loses 0.05 %.
func (p *member) pass(d time.Duration) {
	lost := min(p.slow, d/2000)
	p.slow -= lost
	p.clock += d + time.Duration(float64(d)*p.rate) - lost
}

// Honest telephones with crystals that differ come together and stay there, whatever
// they began with, but for one that is far ahead of them: it waits. None moves for ever.
func TestAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		office := make([]*member, rapid.IntRange(2, 7).Draw(t, "members"))
		for i := range office {
			office[i] = &member{
				clock: time.Duration(rapid.Int64Range(0, int64(year)).Draw(t, "clock")),
				rate:  float64(rapid.IntRange(-20, 20).Draw(t, "ppm")) / 1e6,
				next:  time.Duration(rapid.Int64Range(0, int64(time.Minute)).Draw(t, "phase")),
			}
		}
		now, began := time.Duration(0), time.Now()
		forward := func(until time.Duration) {
			for {
				p := slices.MinFunc(office, func(a, b *member) int { return int(a.next - b.next) })
				if p.next > until {
					return
				}
				for _, o := range office {
					o.pass(p.next - now)
				}
				now = p.next
				r := Round{Office: len(office), Asked: len(office) - 1}
				for _, o := range office {
					if o != p {
						r.Ballots = append(r.Ballots, Ballot{o.m.Standing().Source, o.clock - p.clock})
					}
				}
				p.m.next = began.Add(now)
				for _, a := range p.m.Step(began.Add(now), r) {
					if a, ok := a.(Shift); ok {
						p.moves++
						p.clock += max(a.By, 0)
						p.slow = max(-a.By, 0)
					}
				}
				if p.m.denied {
					p.far = now
				}
				p.next = max(now+time.Minute, p.m.Next().Sub(began))
			}
		}
		forward(40 * time.Hour) // a minute ahead has gone by then
		for _, p := range office {
			p.moves = 0
		}
		forward(now + 8*time.Hour)
		clocks := make([]time.Duration, len(office))
		for i, p := range office {
			clocks[i] = p.clock
		}
		slices.Sort(clocks)
		middle := clocks[len(clocks)/2]
		for _, p := range office {
			lost := time.Duration(float64(now-p.far) * 0.00045)
			if off := p.clock - middle; off < -time.Second || off > max(0, Slowest-lost)+time.Second && !p.m.denied {
				t.Fatalf("apart by %v: %v", off, clocks)
			}
			// 40 ppm of eight hours are 1.2 s, at 100 ms each; and one that is far ahead
			// is told so once an hour.
			if p.moves > 24 {
				t.Fatalf("moved %d times in eight hours", p.moves)
			}
		}
	})
}
