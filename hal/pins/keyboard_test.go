package pins

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"chordophone/hal"
)

// A contact that bounces for less than its time is told once, at the latest that
// time after it has come to rest; one that only twitches is not told.
func TestContactProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := contact{steady: 10 * time.Millisecond}
		now := begin
		changes := 0
		look := func(closed bool) {
			if c.sample(now, closed) {
				changes++
			}
			now = now.Add(time.Millisecond)
		}
		moves := rapid.Bool().Draw(t, "moves")
		for _, closed := range rapid.SliceOfN(rapid.Bool(), 0, 10).Draw(t, "bounces") {
			look(closed)
		}
		if changes > 0 {
			t.Fatalf("%d changes within 10 ms", changes)
		}
		for range 11 {
			look(moves)
		}
		want := 0
		if moves {
			want = 1
		}
		if changes != want || c.closed != moves || !c.next().IsZero() {
			t.Fatalf("%d changes, closed %t, next %v", changes, c.closed, c.next())
		}
	})
}

// Whatever is pressed, no key is told that nobody pressed; each is told down and up
// in turn; when all are open nothing is down and nothing is waited for but an edge.
// When a key has been told up or down for long, and could be told from others, it is.
func TestKeyboardProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		down := map[hal.Key]bool{}
		pressed := map[hal.Key]time.Time{} // when it was closed last, long ago if never
		var b *bench
		var told []hal.Event
		b = newBench(&testing.T{}, without("key "), func(ev hal.Event) {
			told = append(told, ev)
			if ev.Key == hal.Hook || ev.Key == hal.Recall {
				return
			}
			if down[ev.Key] == ev.Down {
				t.Fatalf("%s: told twice", named(ev))
			}
			down[ev.Key] = ev.Down
			p, _ := b.place(ev.Key)
			if ev.Down && !b.closed[p] && b.now.Sub(pressed[ev.Key]) > 50*time.Millisecond {
				t.Fatalf("%s is a ghost at %s", named(ev), b.since())
			}
		})
		for range rapid.IntRange(1, 30).Draw(t, "moves") {
			key := hal.Key(rapid.SampledFrom([]rune(hal.Digits)).Draw(t, "key"))
			closed := rapid.Bool().Draw(t, "closed")
			p, _ := b.place(key)
			if b.closed[p] {
				pressed[key] = b.now
			}
			b.press(key, closed)
			b.until(b.now.Add(time.Duration(rapid.IntRange(0, 120).Draw(t, "ms")) * time.Millisecond))
		}
		b.until(b.now.Add(300 * time.Millisecond))
		doubtful := ghosts(b.whole())
		for p, closed := range b.closed {
			name := b.board.Keypad.Keys[p.row][p.column]
			if doubtful[p.column]>>p.row&1 == 0 && down[name] != closed {
				t.Fatalf("%c: closed %t, told %t", name, closed, down[name])
			}
		}
		for _, key := range hal.Digits {
			if p, _ := b.place(hal.Key(key)); b.closed[p] {
				b.press(hal.Key(key), false)
			}
		}
		b.until(b.now.Add(300 * time.Millisecond))
		for key, is := range down {
			if is {
				t.Fatalf("%c is still down", key)
			}
		}
		if !b.keyboard.Next().IsZero() || b.driven != rest {
			t.Fatalf("nothing moves, and yet it is woken at %v", b.keyboard.Next())
		}
	})
}

// whole is what a walk reads.
func (b *bench) whole() []uint64 {
	driven := b.driven
	defer func() { b.driven = driven }()
	var walk []uint64
	for c := range b.board.Keypad.Cols {
		b.driven = c
		walk = append(walk, b.rows())
	}
	return walk
}

// A row that nobody pulls down in a walk, as when the settle time is too short,
// costs ever fewer walks.
func TestVain(t *testing.T) {
	k := newKeyboard(mustBoard(t, telephone))
	now, walks := begin, 0
	feed := func(actions []action) {
		for len(actions) > 0 {
			p := actions[len(actions)-1].(probe)
			l := levels{column: p.column, contacts: 1}
			if p.column == rest {
				l.rows = 1
			} else if p.column == 0 {
				walks++
			}
			actions = k.Step(now, l)
		}
	}
	feed([]action{probe{rest}})
	for end := now.Add(10 * time.Second); ; {
		next := k.Next()
		if next.IsZero() || next.After(end) {
			break
		}
		now = next
		feed(k.Step(now, woken{}))
	}
	if walks < 50 || walks > 140 {
		t.Errorf("%d walks in 10 s", walks)
	}
}

// Keys that are down when the lines go are let go; the handset stays lifted.
func TestLetGo(t *testing.T) {
	var told []string
	b := newBench(t, telephone, func(ev hal.Event) { told = append(told, named(ev)) })
	b.press('h', false)
	b.press('5', true)
	b.press('r', true)
	b.until(b.now.Add(time.Second))
	for _, ev := range b.keyboard.letGo() {
		told = append(told, named(ev))
	}
	b.carry([]action{probe{rest}})
	b.until(b.now.Add(time.Second))
	want := []string{"5 down", "hook up", "recall down", "5 up", "recall up", "recall down", "5 down"}
	if len(told) != len(want) {
		t.Fatalf("%q, want %q", told, want)
	}
	for i := range want {
		if told[i] != want[i] {
			t.Fatalf("%q, want %q", told, want)
		}
	}
}
