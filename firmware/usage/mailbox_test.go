package usage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"chordophone/overlay"
	"chordophone/sip/location"
	"chordophone/sip/message"
)

func text(to string, n int) message.Message {
	return message.Message{ID: fmt.Sprint("id", n), From: "bob@office", To: to, Name: "Bob", ContentType: "text/plain",
		Body: fmt.Appendf(nil, "%d", n), Sent: time.UnixMilli(int64(n))}
}

func bodies(list []message.Message) string {
	var out []string
	for _, m := range list {
		out = append(out, string(m.Body))
	}
	return strings.Join(out, " ")
}

// Whatever phones keep and remove messages, one after another: each sees what
// waits in the order in which it was kept, and each message once.
func TestMailboxModel(t *testing.T) {
	checkInBubble(t, func(t *rapid.T) {
		s := newSea()
		var boats []*boat
		for i := range 3 {
			b := launch(s, 101+i, uint32(rapid.IntRange(1, 50).Draw(t, "epoch")))
			boats = append(boats, b)
		}
		if _, _, err := boats[0].accounts.Add(ctx, "alice", "", ""); err != nil {
			t.Fatal(err)
		}
		for _, b := range boats {
			if err := b.accounts.read(ctx); err != nil {
				t.Fatal(err)
			}
		}
		var model []message.Message
		for n := range rapid.IntRange(1, 10).Draw(t, "steps") {
			b := rapid.SampledFrom(boats).Draw(t, "phone")
			switch rapid.IntRange(0, 5).Draw(t, "what") {
			default:
				m := text("alice@office", n)
				for range rapid.IntRange(1, 2).Draw(t, "times") {
					if err := b.mailbox.Put(ctx, m); err != nil {
						t.Fatal(err)
					}
				}
				model = append(model, m)
			case 4, 5:
				if len(model) == 0 {
					continue
				}
				i := rapid.IntRange(0, len(model)-1).Draw(t, "which")
				if err := b.mailbox.Remove(ctx, model[i]); err != nil {
					t.Fatal(err)
				}
				model = slices.Delete(model, i, i+1)
			}
			for _, o := range boats {
				got, err := o.mailbox.Waiting(ctx, "alice@office")
				if err != nil || bodies(got) != bodies(model) {
					t.Fatalf("%d sees %q, %v; want %q", o.ext, bodies(got), err, bodies(model))
				}
			}
		}
	})
}

func TestMailbox(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, boats := fleet(t, 2)
		a, b := boats[0], boats[1]
		if _, _, err := a.accounts.Add(ctx, "alice", "", ""); err != nil {
			t.Fatal(err)
		}
		if err := a.mailbox.Put(ctx, text("nobody@office", 1)); !errors.Is(err, location.ErrNotFound) {
			t.Errorf("for nobody: %v", err)
		}
		long := text("alice@office", 1)
		long.Body = make([]byte, message.MaxBody+1)
		if err := a.mailbox.Put(ctx, long); !errors.Is(err, message.ErrTooLong) {
			t.Errorf("too long: %v", err)
		}
		for _, to := range []string{"102@office", "sip:102@office", "sip:alice@office"} {
			m := text(to, 7)
			m.ID += to
			if err := a.mailbox.Put(ctx, m); err != nil {
				t.Fatal(err)
			}
		}
		// What waits for a telephone is for that telephone only.
		if list, err := a.mailbox.Waiting(ctx, "102@office"); len(list) != 0 || err != nil {
			t.Errorf("101 reads %v, %v", list, err)
		}
		if n, err := a.mailbox.Count(ctx, "sip:102@office"); n != 2 || err != nil {
			t.Errorf("101 counts %d, %v", n, err)
		}
		list, err := b.mailbox.Waiting(ctx, "102@office")
		if err != nil || len(list) != 2 {
			t.Fatalf("102 reads %v, %v", list, err)
		}
		want := text("102@office", 7)
		want.ID += "102@office"
		if got := list[0]; got.ID != want.ID || got.From != want.From || got.To != want.To || got.Name != want.Name ||
			got.ContentType != want.ContentType || string(got.Body) != "7" || !got.Sent.Equal(want.Sent) {
			t.Errorf("%+v, want %+v", got, want)
		}
		// Every phone can deliver what waits for an account; nobody can put it elsewhere.
		time.Sleep(3 * time.Second)
		if list, err := b.mailbox.Waiting(ctx, "alice@office"); len(list) != 1 || list[0].To != "alice@office" || err != nil {
			t.Errorf("%v, %v", list, err)
		}
		for slot, r := range s.records {
			if slot.Kind == overlay.Mailbox && slot.Resource == mailboxAt("alice@office") {
				if strings.Contains(string(r.Value), "bob@office") {
					t.Error("the message is not sealed")
				}
				r.Key = messageKey("another")
				if _, err := b.writer.Put(ctx, r); err != nil {
					t.Fatal(err)
				}
			}
		}
		if list, err := b.mailbox.Waiting(ctx, "alice@office"); len(list) != 1 || err != nil {
			t.Errorf("copied: %v, %v", list, err)
		}
		// What was delivered does not come again, though the sender's phone puts it anew.
		old := text("sip:alice@office", 7)
		old.ID += "sip:alice@office"
		if err := b.mailbox.Remove(ctx, old); err != nil {
			t.Fatal(err)
		}
		weak := launch(s, 103, 0)
		weak.accounts.read(ctx)
		if err := weak.mailbox.Put(ctx, old); err != nil {
			t.Error(err)
		}
		if list, err := b.mailbox.Waiting(ctx, "alice@office"); len(list) != 0 || err != nil {
			t.Errorf("again: %v, %v", list, err)
		}
		for i := range MaxMessages {
			if err := b.mailbox.Put(ctx, text("101@office", i)); err != nil {
				t.Fatal(err)
			}
		}
		if err := a.mailbox.Put(ctx, text("101@office", MaxMessages)); !errors.Is(err, message.ErrFull) {
			t.Errorf("one too many: %v", err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		a := launch(newSea(), 101, 1)
		if err := a.members.Keep(ctx); err != nil {
			t.Fatal(err)
		}
		if _, err := a.members.List(ctx); err != nil {
			t.Fatal(err)
		}
		if err := a.mailbox.Put(ctx, text("101@office", 1)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(mailboxLife - time.Minute)
		if n, err := a.mailbox.Count(ctx, "101@office"); n != 1 || err != nil {
			t.Errorf("within a week %d, %v", n, err)
		}
		time.Sleep(time.Minute)
		if n, err := a.mailbox.Count(ctx, "101@office"); n != 0 || err != nil {
			t.Errorf("after a week %d, %v", n, err)
		}
	})
}

// Messages that a phone gets at the same time are all kept, and in one order.
func TestMailboxAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, boats := fleet(t, 2)
		s.before = func(overlay.Record) { time.Sleep(time.Millisecond) }
		var all sync.WaitGroup
		for i := range 40 {
			all.Go(func() {
				if err := boats[i%2].mailbox.Put(ctx, text("101@office", i)); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if list, err := boats[0].mailbox.Waiting(ctx, "101@office"); len(list) != 40 || err != nil {
			t.Errorf("%v, %v", bodies(list), err)
		}
	})
}

// A lamp goes on when a message comes in at another phone, and off when it is gone.
func TestMailboxWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, boats := fleet(t, 2)
		var told []string
		boats[0].mailbox.Watch(func() []string { return []string{"sip:101@office", "alice@office", "%"} }, func(aor string, n int) {
			told = append(told, fmt.Sprint(aor, " ", n))
		})
		for i := range 2 {
			if err := boats[1].mailbox.Put(ctx, text("101@office", i)); err != nil {
				t.Fatal(err)
			}
			if err := boats[1].mailbox.Put(ctx, text("102@office", i)); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(5 * time.Second)
		if n := boats[0].mailbox.Counted("101@office"); n != 2 {
			t.Errorf("%d are counted", n)
		}
		for i := range 2 {
			if err := boats[0].mailbox.Remove(ctx, text("101@office", i)); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(5 * time.Second)
		synctest.Wait()
		// How many reads it takes depends on when Run looks; what is told is right.
		if len(told) < 2 || !slices.Contains(told, "sip:101@office 2") || told[len(told)-1] != "sip:101@office 0" {
			t.Errorf("told %q", told)
		}
		for i, one := range told {
			if !strings.HasPrefix(one, "sip:101@office ") || i > 0 && one == told[i-1] {
				t.Errorf("told %q", told)
			}
		}
	})
}

func TestContacts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, boats := fleet(t, 2)
		a, b := boats[0].contacts, boats[1].contacts
		changed := 0
		if err := b.Watch("101@office", func(context.Context) error {
			changed++
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		set := func(c *Contacts, one Contact) {
			t.Helper()
			if err := c.Set(ctx, one); err != nil {
				t.Error(err)
			}
		}
		set(a, Contact{Owner: "sip:101@office", AOR: "sip:102@office", Name: "Workshop", Order: 2, Lamp: 1})
		set(b, Contact{Owner: "101@office", AOR: "alice@office", Name: "Alice", Order: 1})
		set(b, Contact{Owner: "101@office", AOR: "bob@office", Name: "Bob", Order: 1})
		set(b, Contact{Owner: "101@office", AOR: "bob@office", Name: "Aaron", Order: 1})
		set(a, Contact{Owner: "alice@office", AOR: "101@office"})
		time.Sleep(3 * time.Second)
		synctest.Wait()
		want := "[{101@office bob@office Aaron 1 0} {101@office alice@office Alice 1 0} {101@office 102@office Workshop 2 1}]"
		for _, c := range []*Contacts{a, b} {
			if list, err := c.List(ctx, "sip:101@office"); fmt.Sprint(list) != want || err != nil {
				t.Errorf("%v, %v; want %v", list, err, want)
			}
		}
		if changed == 0 {
			t.Error("nobody was told")
		}
		if err := b.Remove(ctx, "101@office", "sip:bob@office"); err != nil {
			t.Error(err)
		}
		wantHint(t, "removed twice", a.Remove(ctx, "101@office", "bob@office"))
		if list, err := a.List(ctx, "101@office"); len(list) != 2 || err != nil {
			t.Errorf("%v, %v", list, err)
		}
		if err := a.Set(ctx, Contact{Owner: "101@office", AOR: "102"}); err == nil {
			t.Error("a contact without an office")
		}
		for i := range MaxContacts - 2 {
			set(a, Contact{Owner: "101@office", AOR: fmt.Sprintf("u%d@office", i)})
		}
		wantHint(t, "one too many", a.Set(ctx, Contact{Owner: "101@office", AOR: "more@office"}))
		set(a, Contact{Owner: "101@office", AOR: "u1@office", Name: "still can be changed"})
	})
}
