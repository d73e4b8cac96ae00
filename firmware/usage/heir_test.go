package usage

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"chordophone/overlay"
	"chordophone/overlay/identity"
	"chordophone/sip/message"
)

// wreck shuts a boat out, so that all who look no longer count it a member.
func wreck(s *sea, b *boat, rest ...*boat) {
	s.mu.Lock()
	s.revoked[b.id] = true
	s.mu.Unlock()
	for _, o := range rest {
		o.changes.Doubt(overlay.OfficeMember)
	}
}

// sail has a boat take part until the test ends.
func sail(t *testing.T, b *boat) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	t.Cleanup(func() { cancel(); <-ended })
	if err := b.members.Keep(ctx); err != nil {
		t.Fatal(err)
	}
	go func() { defer close(ended); b.changes.Run(ctx) }()
}

// A telephone dies with messages unread, and another takes its place: who took them
// seals them anew, in their order, whether he was there at that moment or comes back
// later. What the dead one took itself, or somebody who was shut out as well, is lost:
// it is counted, and does not light the lamp.
func TestHeir(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, boats := fleet(t, 4)
		one, two, dead, four := boats[0], boats[1], boats[2], boats[3]
		put := func(b *boat, n int) {
			t.Helper()
			if err := b.mailbox.Put(ctx, text("103@office", n)); err != nil {
				t.Fatal(err)
			}
		}
		put(one, 1)
		put(two, 2)
		put(one, 3)
		put(dead, 4) // a client of its own sent this
		put(four, 5) // which is about to go, too
		put(two, 6)
		if list, err := dead.mailbox.Waiting(ctx, "103@office"); bodies(list) != "1 2 3 4 5 6" || err != nil {
			t.Fatalf("before: %q, %v", bodies(list), err)
		}
		var node overlay.ID
		node[0] = 9
		wreck(s, dead, boats...)
		wreck(s, four, boats...)
		heir := launchAs(s, node, 103, 1)
		var lost []int
		heir.mailbox.Heir(func(n overlay.ID) bool { return s.revoked[n] }, func(n int) { lost = append(lost, n) })
		counts := []int{}
		heir.mailbox.Watch(func() []string { return []string{"103@office"} }, func(_ string, n int) { counts = append(counts, n) })
		sail(t, heir)
		time.Sleep(10 * time.Second)
		put(one, 7)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if list, err := heir.mailbox.Waiting(ctx, "103@office"); bodies(list) != "1 2 3 6 7" || err != nil {
			t.Errorf("the new telephone reads %q, %v", bodies(list), err)
		}
		if len(lost) != 1 || lost[0] != 2 {
			t.Errorf("lost %v, want 2", lost)
		}
		if len(counts) == 0 || counts[len(counts)-1] != 5 || slices.Max(counts) > 5 {
			t.Errorf("counted %v", counts)
		}
		// Neither the old telephone nor one that did not take it reads what was sealed anew.
		for _, b := range []*boat{dead, two} {
			b.ext = 103 // as if it were its own mailbox
			if list, _ := b.mailbox.Waiting(ctx, "103@office"); b == two && len(list) > 0 || b == dead && strings.ContainsAny(bodies(list), "1 2 3 6 7") {
				t.Errorf("%v reads %q", b.id.Short(), bodies(list))
			}
		}
		two.ext = 102
		// What was read does not come again; what is sealed to the new one is left as it is.
		if err := heir.mailbox.Remove(ctx, text("103@office", 1)); err != nil {
			t.Fatal(err)
		}
		_, puts := s.count(func() {
			if err := one.mailbox.reseal(ctx, "103"); err != nil {
				t.Fatal(err)
			}
		})
		if n := puts[overlay.Mailbox]; n != 0 {
			t.Errorf("%d messages are sealed anew without need", n)
		}
		if list, err := heir.mailbox.Waiting(ctx, "103@office"); bodies(list) != "2 3 6 7" || err != nil {
			t.Errorf("after one was read: %q, %v", bodies(list), err)
		}
	})
}

// Who took a message was switched off while the telephone was replaced: the message
// waits for him.
func TestHeirWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, boats := fleet(t, 2)
		one, dead := boats[0], boats[1]
		taker := launch(s, 103, 5)
		if _, err := taker.members.List(ctx); err != nil {
			t.Fatal(err)
		}
		if err := taker.mailbox.Put(ctx, text("102@office", 1)); err != nil {
			t.Fatal(err)
		}
		wreck(s, dead, one)
		var node overlay.ID
		node[0] = 9
		heir := launchAs(s, node, 102, 1)
		heir.mailbox.Heir(func(n overlay.ID) bool { return s.revoked[n] }, func(n int) { t.Errorf("%d are given up", n) })
		heir.mailbox.Watch(func() []string { return []string{"102@office"} }, func(string, int) {})
		sail(t, heir)
		time.Sleep(readAll + time.Minute)
		if n, err := heir.mailbox.Count(ctx, "102@office"); n != 0 || err != nil {
			t.Errorf("%d count, %v", n, err)
		}
		sail(t, launch(s, 103, 6))
		time.Sleep(10 * time.Second)
		if list, err := heir.mailbox.Waiting(ctx, "102@office"); bodies(list) != "1" || err != nil {
			t.Errorf("%q, %v", bodies(list), err)
		}
		if n := heir.mailbox.Counted("102@office"); n != 1 {
			t.Errorf("%d light the lamp", n)
		}
	})
}

// A message comes in at a phone that does not know yet of the new telephone, and is
// stored after it has learnt of it.
func TestHeirMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, boats := fleet(t, 2)
		one, dead := boats[0], boats[1]
		var node overlay.ID
		node[0] = 9
		heir := launchAs(s, node, 102, 1)
		wreck(s, dead)
		s.before = func(r overlay.Record) {
			if r.Kind == overlay.Mailbox && one.members.Node("102") == dead.id {
				sail(t, heir)
				time.Sleep(5 * time.Second)
			}
		}
		if err := one.mailbox.Put(ctx, text("102@office", 1)); err != nil {
			t.Fatal(err)
		}
		if list, err := heir.mailbox.Waiting(ctx, "102@office"); bodies(list) != "1" || err != nil {
			t.Errorf("%q, %v", bodies(list), err)
		}
	})
}

// The longest message with the longest names still has room when it is sealed twice,
// and no octet of what is sealed can be changed.
func TestSealedTwice(t *testing.T) {
	b := launch(newSea(), 101, 1)
	m := message.Message{
		ID: strings.Repeat("i", maxID), From: strings.Repeat("f", maxAddress), Name: strings.Repeat("n", maxName),
		ContentType: strings.Repeat("t", maxType), Body: make([]byte, message.MaxBody),
	}
	text, err := appendMessage(nil, m)
	if err != nil {
		t.Fatal(err)
	}
	info := []byte("there")
	s, err := sealTwice(b, b.id, b.Chain(), b.Chain(), info, text)
	if err != nil {
		t.Fatal(err)
	}
	// A seal of identity's is longer than that of a boat.
	s.key, s.taker = append(s.key, make([]byte, 113-len(s.key))...), append(s.taker, make([]byte, 113-len(s.taker))...)
	value, err := s.append(nil)
	if err != nil || len(value) > overlay.MaxValue {
		t.Errorf("%d octets, %v", len(value), err)
	}

	if s, err = sealTwice(b, b.id, b.Chain(), b.Chain(), info, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	if value, err = s.append(nil); err != nil {
		t.Fatal(err)
	}
	if got, err := parseSealed(value); err != nil {
		t.Error(err)
	} else if text, err := got.open(b, info); string(text) != "hello" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	for i := range value {
		bad := slices.Clone(value)
		bad[i] ^= 1
		if got, err := parseSealed(bad); err == nil {
			inTaker := i >= 1+16+1+len(s.key) && i < 1+16+1+len(s.key)+1+len(s.taker)
			if text, err := got.open(b, info); err == nil && !(i >= 1 && i < 17) && !inTaker {
				t.Errorf("octet %d changed: %q", i, text)
			}
		}
		if got, err := parseSealed(value[:i]); err == nil {
			if _, err := got.open(b, info); err == nil {
				t.Errorf("cut at %d it still opens", i)
			}
		}
	}
}

// Whoever is let in without a word of an extension gets none under which a telephone
// that was shut out has left contacts or messages: its place is for one who is meant to
// have it.
func TestLegacy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, boats := fleet(t, 4)
		one := boats[0]
		if err := one.mailbox.Put(ctx, text("102@office", 1)); err != nil {
			t.Fatal(err)
		}
		if err := one.contacts.Set(ctx, Contact{Owner: "103@office", AOR: "101@office"}); err != nil {
			t.Fatal(err)
		}
		for _, b := range boats[1:] {
			wreck(s, b)
		}
		newcomer := func(node byte, wish int) (ext int) {
			t.Helper()
			ext, err := one.members.Claim(ctx, identity.Newcomer{Node: overlay.ID{node}, Wish: wish, Issue: func(ext int) ([][]byte, error) {
				return launchAs(s, overlay.ID{node}, ext, 1).Chain(), nil
			}})
			if err != nil {
				t.Error(err)
			}
			return ext
		}
		for i, want := range []int{104, 105} { // 104 has left nothing
			if ext := newcomer(byte(9+i), 0); ext != want {
				t.Errorf("a newcomer without a wish is %d, want %d", ext, want)
			}
		}
		if ext := newcomer(20, 103); ext != 103 {
			t.Errorf("the one in its place is %d", ext)
		}
		if err := one.mailbox.Remove(ctx, text("102@office", 1)); err != nil {
			t.Fatal(err)
		}
		if ext := newcomer(21, 0); ext != 102 {
			t.Errorf("once nothing is left, the next one is %d", ext)
		}
	})
}
