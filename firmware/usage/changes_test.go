package usage

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"chordophone/overlay"
)

// However rarely a reader looks and whatever restarts: of each change it either
// hears, or it hears that it may have missed something.
func TestNewsModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var (
			n     = notice{boot: 1}
			heard = make(news)
			owed  = make(map[byte]bool) // resources that changed since the reader looked
			who   = nodeOf(101)
		)
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			switch rapid.IntRange(0, 9).Draw(t, "what") {
			default:
				at := rapid.Byte().Draw(t, "resource") % 40
				n.add(overlay.Mailbox, overlay.ID{at})
				owed[at] = true
			case 8:
				n = notice{boot: n.boot + 1} // what was not said is lost, as is known
				clear(owed)
			case 9:
				if len(n.last) == 0 {
					continue
				}
				read, err := parseNotice(n.append(nil))
				if err != nil {
					t.Fatal(err)
				}
				fresh, gap := heard.take(who, read)
				for at := range owed {
					if !gap && !slices.ContainsFunc(fresh, func(c change) bool { return c.resource == overlay.ID{at} }) {
						t.Fatalf("%d was not heard of: %v", at, fresh)
					}
				}
				for _, c := range fresh {
					if !owed[c.resource[0]] {
						t.Fatalf("heard of %d, which did not change", c.resource[0])
					}
				}
				clear(owed)
				if fresh, gap := heard.take(who, read); len(fresh) > 0 || gap {
					t.Fatalf("heard twice: %v, %v", fresh, gap)
				}
			}
		}
	})
}

// Watchers are called once in the beginning, then for what changed, here and at
// other phones, and again after an error; many changes at once become one read of
// all.
func TestChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSea()
		var phones []*boat
		var mu sync.Mutex // guards what follows
		calls := make([][]overlay.ID, 2)
		var fail error
		run, cancel := context.WithCancel(ctx)
		defer cancel()
		for i := range 2 {
			b := launch(s, 101+i, 1)
			b.changes.Watch(overlay.Contacts, func(_ context.Context, at overlay.ID) error {
				mu.Lock()
				defer mu.Unlock()
				calls[i] = append(calls[i], at)
				return fail
			})
			phones = append(phones, b)
			go b.changes.Run(run)
		}
		expect := func(what string, after time.Duration, want ...int) {
			t.Helper()
			time.Sleep(after)
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			for i := range calls {
				if len(calls[i]) != want[i] {
					t.Errorf("%s: phone %d was called for %v, want %d", what, i, calls[i], want[i])
				}
				calls[i] = nil
			}
		}
		expect("in the beginning", time.Second, 1, 1)
		expect("nothing changed", time.Minute, 0, 0)
		phones[0].changes.Tell(overlay.Contacts, overlay.ID{1})
		phones[0].changes.Tell(overlay.Contacts, overlay.ID{1})
		phones[0].changes.Tell(overlay.Mailbox, overlay.ID{2})
		expect("a list", lookForChanges+lookAgain, 1, 1)
		mu.Lock()
		fail = errors.New("no ring")
		mu.Unlock()
		phones[1].changes.Tell(overlay.Contacts, overlay.ID{3})
		time.Sleep(2 * lookForChanges)
		synctest.Wait()
		mu.Lock()
		for i := range calls {
			if len(calls[i]) < 2 {
				t.Errorf("after an error phone %d was called for %v only", i, calls[i])
			}
			calls[i] = nil
		}
		fail = nil
		mu.Unlock()
		expect("and then without", lookForChanges, 1, 1)
		// How many reads many changes become depends on when Run looks: not more
		// than they are, nor than a bound, and all of the Kind is read if any were lost.
		for _, n := range []int{50, 200} {
			for i := range n {
				phones[0].changes.Tell(overlay.Contacts, overlay.ID{byte(n), byte(i)})
			}
			time.Sleep(2 * lookForChanges)
			synctest.Wait()
			mu.Lock()
			for i := range calls {
				all := slices.Contains(calls[i], overlay.ID{})
				if len(calls[i]) > 2*maxDue || len(calls[i]) < n && !all {
					t.Errorf("%d changes: phone %d was called %d times, for all: %v", n, i, len(calls[i]), all)
				}
				calls[i] = nil
			}
			mu.Unlock()
		}
		_, puts := s.count(func() { time.Sleep(time.Hour + time.Minute) })
		if puts[overlay.Changes] != 0 {
			t.Errorf("%d notices though nothing changed", puts[overlay.Changes])
		}
		expect("every ten minutes", 0, 6, 6)
	})
}

// However often Run is woken it looks four times a second at most, and at once
// after a rest; all that it was woken for meanwhile is one look.
func TestWake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSea()
		b := launch(s, 101, 1)
		run, cancel := context.WithCancel(ctx)
		defer cancel()
		go b.changes.Run(run)
		looks := func(do func()) int {
			gets, _ := s.count(func() { do(); synctest.Wait() })
			return gets[overlay.Changes]
		}
		rest := func() { time.Sleep(lookForChanges / 2) }
		rest()
		for range 3 {
			// One look by itself within two seconds: wake it before the next one.
			if n := looks(b.changes.Wake); n != 1 {
				t.Errorf("%d looks at once after a rest, want 1", n)
			}
			n := looks(func() {
				for range 5 {
					b.changes.Wake()
				}
				time.Sleep(lookAgain - time.Millisecond)
			})
			if n != 0 {
				t.Errorf("%d looks too soon", n)
			}
			if n := looks(rest); n != 1 {
				t.Errorf("%d looks after several wakes, want 1", n)
			}
		}
		n := looks(func() {
			for range 1000 {
				b.changes.Wake()
				time.Sleep(10 * time.Millisecond)
			}
		})
		if most := int(10 * time.Second / lookAgain); n > most+1 || n < most-1 {
			t.Errorf("%d looks in 10 s of wakes, want %d", n, most)
		}
		if n := looks(func() { time.Sleep(time.Minute) }); n < 30 || n > 38 {
			t.Errorf("%d looks in a quiet minute", n)
		}
	})
}
