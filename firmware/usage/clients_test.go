package usage

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"chordophone/overlay"
	"chordophone/overlay/chord"
	"chordophone/sip/location"
)

var ctx = context.Background()

// Whatever phones register and remove, and in whatever order: every phone sees
// what a single registrar would hold, and says so in its answer.
func TestRegisterModel(t *testing.T) {
	checkInBubble(t, func(t *rapid.T) {
		s := newSea()
		var boats []*boat
		for i := range 3 {
			boats = append(boats, launch(s, 101+i, uint32(rapid.IntRange(1, 50).Draw(t, "epoch"))))
		}
		model := make(map[string]time.Time) // until when, by contact
		cseq := uint32(0)
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			b := rapid.SampledFrom(boats).Draw(t, "phone")
			cseq++
			var changes []location.Binding
			for range rapid.IntRange(0, 3).Draw(t, "changes") {
				uri := fmt.Sprintf("sip:alice@198.51.100.%d", rapid.IntRange(1, 4).Draw(t, "contact"))
				one := b.contact(uri, time.Duration(rapid.SampledFrom([]int{0, 60, 3600}).Draw(t, "expires"))*time.Second, cseq)
				if one.Expires == 0 {
					one.Node = "" // the client itself removes it, wherever it is
					delete(model, uri)
				} else {
					model[uri] = time.Now().Add(one.Expires)
				}
				changes = append(changes, one)
			}
			got, err := b.clients.Register(ctx, "sip:alice@office", changes)
			if err != nil {
				t.Fatal(err)
			}
			var want []string
			for uri, until := range model {
				if until.After(time.Now()) {
					want = append(want, uri)
				}
			}
			slices.Sort(want)
			// What others did is in an answer after half a minute, in a look-up at once.
			if len(changes) > 0 {
				for _, o := range boats {
					list, err := o.clients.Lookup(ctx, "sip:alice@office")
					if len(want) == 0 {
						if !errors.Is(err, location.ErrNotFound) {
							t.Fatalf("nobody: %v, %v", list, err)
						}
					} else if contactsOf(list) != strings.Join(want, " ") || err != nil {
						t.Fatalf("phone %d sees %v, %v; want %v", o.ext, contactsOf(list), err, want)
					}
				}
			}
			for _, one := range changes {
				i := slices.IndexFunc(got, func(o location.Binding) bool { return o.Contact == one.Contact })
				if until, ok := model[one.Contact]; ok != (i >= 0) || ok && got[i].Expires != time.Until(until) {
					t.Fatalf("the answer to %v has %v", contactsOf(changes), contactsOf(got))
				}
			}
			pause := time.Duration(rapid.SampledFrom([]int{0, 10, 31, 100}).Draw(t, "pause")) * time.Second
			if time.Sleep(pause); pause <= fresh {
				continue
			}
			list, err := b.clients.Register(ctx, "sip:alice@office", nil)
			maps.DeleteFunc(model, func(_ string, until time.Time) bool { return !until.After(time.Now()) })
			if err != nil || len(list) != len(model) {
				t.Fatalf("a fetch brings %v, %v, want %v", contactsOf(list), err, model)
			}
		}
	})
}

// RFC 3261, section 10.3, step 7: of two REGISTERs with one Call-ID the one with
// the lower CSeq changes nothing, if it comes later. REGISTERs of one client that
// come to several phones end in the last one of them, whatever the order in which
// they come.
func TestRegisterAnyOrder(t *testing.T) {
	checkInBubble(t, func(t *rapid.T) {
		s := newSea()
		for i, cseq := range rapid.Permutation([]uint32{1, 2, 3, 4, 5}).Draw(t, "order") {
			b := launch(s, 101+i, uint32(rapid.IntRange(1, 9).Draw(t, "epoch")))
			one := b.contact("sip:alice@198.51.100.1", time.Hour, cseq)
			one.Agent = fmt.Sprint(cseq)
			if _, err := b.clients.Register(ctx, "sip:alice@office", []location.Binding{one}); err != nil {
				t.Error(err)
			}
		}
		list, err := launch(s, 110, 1).clients.Lookup(ctx, "sip:alice@office")
		if err != nil || len(list) != 1 || list[0].CSeq != 5 || list[0].Agent != "5" {
			t.Fatalf("%+v, %v", list, err)
		}
	})
}

// When phones write one slot in the same moment, one of them holds, at all phones.
func TestRegisterAtOnce(t *testing.T) {
	checkInBubble(t, func(t *rapid.T) {
		s := newSea()
		var delays sync.Map
		s.before = func(r overlay.Record) {
			d, _ := delays.Load(r.Owner)
			time.Sleep(d.(time.Duration))
		}
		var all sync.WaitGroup
		var boats []*boat
		for i := range 4 {
			b := launch(s, 101+i, uint32(rapid.IntRange(1, 3).Draw(t, "epoch")))
			boats = append(boats, b)
			delays.Store(b.id, time.Duration(rapid.IntRange(0, 3).Draw(t, "delay"))*time.Millisecond)
			one := b.contact("sip:alice@198.51.100.1", time.Hour, 1)
			one.CallID = fmt.Sprint(i)
			all.Go(func() { b.clients.Register(ctx, "sip:alice@office", []location.Binding{one}) })
		}
		all.Wait()
		var seen []string
		for _, b := range boats {
			list, err := b.clients.Lookup(ctx, "sip:alice@office")
			if err != nil || len(list) != 1 {
				t.Fatalf("%v, %v", list, err)
			}
			seen = append(seen, list[0].CallID)
		}
		if len(slices.Compact(seen)) != 1 {
			t.Fatalf("phones see %v", seen)
		}
	})
}

// A client that comes again to the same phone costs one write and no read; one
// that changes nothing costs nothing.
func TestRegisterCost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, boats := fleet(t, 2)
		register := func(b *boat, changes ...location.Binding) (gets, puts int) {
			g, p := s.count(func() {
				if _, err := b.clients.Register(ctx, "sip:alice@office", changes); err != nil {
					t.Fatal(err)
				}
			})
			return g[overlay.Binding], p[overlay.Binding]
		}
		a, b := boats[0], boats[1]
		one, two := a.contact("sip:alice@198.51.100.1", time.Hour, 1), a.contact("sip:alice@198.51.100.2", time.Hour, 1)
		for _, step := range []struct {
			what       string
			gets, puts int
			do         func() (int, int)
		}{
			{"the first", 1, 1, func() (int, int) { return register(a, one) }},
			{"a second contact", 0, 1, func() (int, int) { return register(a, two) }},
			{"again the same", 0, 0, func() (int, int) { return register(a, one, two) }},
			{"a shorter time", 0, 0, func() (int, int) { o := one; o.Expires = time.Minute; return register(a, o) }},
			{"the next CSeq", 0, 1, func() (int, int) { o := one; o.CSeq++; return register(a, o) }},
			{"an old CSeq", 0, 0, func() (int, int) { o := one; o.CSeq = 0; return register(a, o) }},
			{"both, the last word of each", 0, 2, func() (int, int) {
				o, o2, t2 := one, one, two
				o.CSeq, o2.CSeq, t2.CSeq = 3, 4, 3
				return register(a, o, t2, o2)
			}},
			{"gone that was not there", 1, 0, func() (int, int) { return register(a, a.contact("sip:x@y", 0, 9)) }},
			// The other phone counts from below: it has to read before, and gets it right at once.
			{"at another phone", 1, 1, func() (int, int) { o := b.contact(one.Contact, time.Hour, 9); return register(b, o) }},
			// The first does not know that yet: it is told, reads, and writes above.
			{"back", 1, 2, func() (int, int) { o := one; o.CSeq = 10; return register(a, o) }},
		} {
			if gets, puts := step.do(); gets != step.gets || puts != step.puts {
				t.Errorf("%s: %d reads and %d writes, want %d and %d", step.what, gets, puts, step.gets, step.puts)
			}
		}
		gets, _ := s.count(func() { a.clients.Lookup(ctx, "sip:alice@office") })
		if gets[overlay.Binding] != 1 || gets[overlay.SIPRegistration] != 1 || len(gets) != 2 {
			t.Errorf("a look-up reads %v", gets)
		}
	})
}

// A phone that misses a client takes away what it serves itself, not what the
// client has meanwhile at another phone.
func TestRegisterMoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, boats := fleet(t, 2)
		a, b := boats[0], boats[1]
		at := func(p *boat, expires time.Duration) location.Binding {
			o := p.contact("sip:alice@198.51.100.1:"+fmt.Sprint(p.ext), expires, 1)
			o.Instance, o.RegID, o.Flow, o.CallID = "<urn:uuid:1>", 1, "flow", fmt.Sprint(p.ext)
			return o
		}
		must := func(p *boat, change location.Binding) []location.Binding {
			list, err := p.clients.Register(ctx, "sip:alice@office", []location.Binding{change})
			if err != nil {
				t.Fatal(err)
			}
			return list
		}
		must(a, at(a, time.Hour))
		must(b, at(b, time.Hour)) // the same instance and reg-id: RFC 5626, section 6
		if list := must(a, at(a, 0)); contactsOf(list) != "sip:alice@198.51.100.1:102" {
			t.Errorf("103 misses the client: %v", contactsOf(list))
		}
		if list, err := a.clients.Lookup(ctx, "sip:alice@office"); contactsOf(list) != "sip:alice@198.51.100.1:102" || err != nil {
			t.Errorf("%v, %v", contactsOf(list), err)
		}
		gone := at(a, 0)
		gone.Node = "" // the client itself
		if list := must(a, gone); len(list) != 0 {
			t.Errorf("the client takes it away: %v", contactsOf(list))
		}
	})
}

func TestLookup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, boats := fleet(t, 2)
		a, b := boats[0], boats[1]
		if _, _, err := a.accounts.Add(ctx, "alice", "", "Alice"); err != nil {
			t.Fatal(err)
		}
		if err := b.places.Bind(ctx, "sip:102@office", []location.Binding{{Expires: time.Hour}}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Second)
		want := func(aor, contacts string, wantErr error) {
			t.Helper()
			list, err := a.clients.Lookup(ctx, aor)
			if contactsOf(list) != contacts || !errors.Is(err, wantErr) {
				t.Errorf("%s: %q, %v; want %q, %v", aor, contactsOf(list), err, contacts, wantErr)
			}
			// What is known at once is the same; of telephones and strangers it is not.
			known, ok, err := a.clients.Known(aor)
			if ok != (wantErr == nil && strings.ToLower(aor) == "sip:alice@office") || ok && (contactsOf(known) != contacts || err != nil) {
				t.Errorf("%s: knows %q, %v, %v", aor, contactsOf(known), ok, err)
			}
		}
		want("sip:102@office", "sip:102@192.0.2.102:5061;transport=tls", nil)
		want("sip:101@office", "", nil) // known, not registered: 480
		want("sip:alice@office", "", nil)
		want("sip:nobody@office", "", location.ErrNotFound) // 404
		want("sip:alice@elsewhere", "", location.ErrNotFound)

		first, second := b.contact("sip:alice@198.51.100.2", time.Hour, 1), b.contact("sip:alice@198.51.100.1", time.Hour, 1)
		first.Q, second.Q = 1000, 500
		first.Expires = time.Minute
		if _, err := b.clients.Register(ctx, "sip:alice@office", []location.Binding{second, first}); err != nil {
			t.Fatal(err)
		}
		want("sip:Alice@office", "sip:alice@198.51.100.2 sip:alice@198.51.100.1", nil)
		places, err := a.clients.Places(ctx, "sip:alice@office")
		if err != nil || len(places) != 2 || places[0].Node != b.id || !places[0].Client() || places[0].Expires != time.Minute {
			t.Errorf("%+v, %v", places, err)
		}
		time.Sleep(time.Minute)
		want("sip:alice@office", "sip:alice@198.51.100.1", nil)

		// Who belongs to the office can say that a telephone is elsewhere, and is
		// not believed.
		for _, ext := range []string{"101", "102"} {
			if _, err := b.clients.Register(ctx, "sip:"+ext+"@office", []location.Binding{second}); err != nil {
				t.Fatal(err)
			}
		}
		want("sip:102@office", "sip:102@192.0.2.102:5061;transport=tls", nil)
		want("sip:101@office", "", nil)

		s.err = chord.ErrTimeout
		want("sip:alice@office", "", chord.ErrTimeout)
		if _, err := a.clients.Register(ctx, "sip:alice@office", []location.Binding{second}); !errors.Is(err, chord.ErrTimeout) {
			t.Errorf("registered without a ring: %v", err)
		}
	})
}

// The lifetime is not under the signature: nobody can make a binding last.
func TestLookupOfImmortal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, boats := fleet(t, 1)
		b := boats[0]
		one := b.contact("sip:a@b", 0, 1)
		value, err := appendBinding(nil, one, b.id)
		if err != nil {
			t.Fatal(err)
		}
		r := overlay.Record{Resource: overlay.ResourceID("alice@office"), Kind: overlay.Binding, Key: []byte(slotKey(one)), Value: value, Lifetime: memberLife}
		if _, err := b.writer.Put(ctx, r); err != nil {
			t.Fatal(err)
		}
		if list, err := b.clients.Lookup(ctx, "sip:alice@office"); len(list) != 1 || list[0].Expires != maxBinding || err != nil {
			t.Errorf("%v, %v", list, err)
		}
	})
}

// A binding that was copied to another slot, or whose value is none, is nobody's.
func TestLookupOfNonsense(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, boats := fleet(t, 1)
		b := boats[0]
		good, err := appendBinding(nil, b.contact("sip:a@b", 0, 1), b.id)
		if err != nil {
			t.Fatal(err)
		}
		for key, value := range map[string][]byte{"0123456789abcdef": good, slotKey(location.Binding{Contact: "sip:x"}): []byte("x")} {
			r := overlay.Record{Resource: overlay.ResourceID("alice@office"), Kind: overlay.Binding, Key: []byte(key), Value: value, Lifetime: time.Hour}
			if _, err := b.writer.Put(ctx, r); err != nil {
				t.Fatal(err)
			}
		}
		if list, err := b.clients.Lookup(ctx, "sip:alice@office"); len(list) != 0 || !errors.Is(err, location.ErrNotFound) {
			t.Errorf("%v, %v", list, err)
		}
	})
}

// Registers of many addresses are put at the same time, those of one address one
// after the other; a Register whose caller has gone waits no longer.
func TestRegisterConcurrency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, boats := fleet(t, 1)
		b := boats[0]
		var mu sync.Mutex
		now, most := 0, 0
		s.before = func(overlay.Record) {
			mu.Lock()
			now++
			most = max(most, now)
			mu.Unlock()
			time.Sleep(time.Second)
			mu.Lock()
			now--
			mu.Unlock()
		}
		run := func(user func(int) string) {
			most = 0
			var all sync.WaitGroup
			for i := range 200 {
				all.Go(func() {
					one := b.contact(fmt.Sprintf("sip:c%d@198.51.100.1", i%10), time.Hour, uint32(i+1))
					one.CallID = fmt.Sprint(i)
					if _, err := b.clients.Register(ctx, "sip:"+user(i)+"@office", []location.Binding{one}); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
		}
		run(func(i int) string { return fmt.Sprint("user", i) })
		if most != maxOpen {
			t.Errorf("%d puts at once, want %d", most, maxOpen)
		}
		run(func(int) string { return "alice" })
		if most != 1 {
			t.Errorf("%d puts for one address at once", most)
		}
		short, cancel := context.WithTimeout(ctx, time.Millisecond)
		defer cancel()
		go b.clients.Register(ctx, "sip:alice@office", []location.Binding{b.contact("sip:x@y", time.Hour, 1)})
		synctest.Wait()
		if _, err := b.clients.Register(short, "sip:alice@office", nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("waits on: %v", err)
		}
		for i := range 3 * maxLines {
			l, err := b.clients.enter(ctx, fmt.Sprint(i))
			if err != nil {
				t.Fatal(err)
			}
			b.clients.leave(l)
		}
		if n := len(b.clients.lines); n > maxLines {
			t.Errorf("%d addresses are remembered", n)
		}
		time.Sleep(2 * time.Second)
	})
}

// One phone of all delivers, the one at which a client registered last, though
// others were started more often and so count from above.
func TestDelivers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, boats := fleet(t, 3)
		who := func(aor string) string {
			var out []string
			for _, b := range boats {
				ok, err := b.clients.Delivers(ctx, aor)
				if err != nil {
					t.Fatal(err)
				}
				if ok {
					out = append(out, fmt.Sprint(b.ext))
				}
			}
			return strings.Join(out, " ")
		}
		if got := who("sip:102@office"); got != "102" {
			t.Errorf("for telephone 102 delivers %q", got)
		}
		if got := who("sip:alice@office"); got != "" {
			t.Errorf("for nobody delivers %q", got)
		}
		for i, b := range []*boat{boats[2], boats[0], boats[1], boats[2]} {
			one := b.contact(fmt.Sprintf("sip:alice@198.51.100.%d", i), time.Hour, 1)
			if _, err := b.clients.Register(ctx, "sip:alice@office", []location.Binding{one}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(fresh + time.Second)
			if got := who("sip:alice@office"); got != fmt.Sprint(b.ext) {
				t.Errorf("after a client came to %d, %q delivers", b.ext, got)
			}
		}
	})
}

// Versions that somebody wears out for one slot do not touch the others.
func TestWornOutSlot(t *testing.T) {
	s := newSea()
	b := launch(s, 101, 1)
	put := func(key string) (overlay.Version, error) {
		_, err := b.writer.Put(ctx, overlay.Record{Kind: overlay.Binding, Key: []byte(key), Lifetime: time.Hour})
		return s.records[overlay.Slot{Kind: overlay.Binding, Key: key}].Version, err
	}
	evil := func(key string, v overlay.Version) {
		s.Put(ctx, overlay.Record{Kind: overlay.Binding, Key: []byte(key), Version: v, Lifetime: time.Hour})
	}
	evil("high", honest+5)
	if v, err := put("high"); v != honest+7 || err != nil {
		t.Errorf("above it: %d, %v", v, err)
	}
	evil("last", ^overlay.Version(0))
	if _, err := put("last"); !errors.Is(err, errWornOut) {
		t.Errorf("above the last: %v", err)
	}
	if v, err := put("other"); v.Epoch() != 1 || err != nil {
		t.Errorf("another slot: %d, %v", v, err)
	}
}

func BenchmarkRegister(b *testing.B) {
	s := newSea()
	phone := launch(s, 101, 1)
	for i := 0; b.Loop(); i++ {
		one := phone.contact(fmt.Sprintf("sip:alice@198.51.100.1:%d", i%10), time.Hour, uint32(i))
		if _, err := phone.clients.Register(ctx, fmt.Sprintf("sip:user%d@office", i%100), []location.Binding{one}); err != nil {
			b.Fatal(err)
		}
	}
}
