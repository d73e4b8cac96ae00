package usage

import (
	"crypto/md5"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"chordophone/overlay"
	"chordophone/overlay/chord"
	"chordophone/overlay/identity"
	"chordophone/sip/location"
)

func wantHint(t *testing.T, what string, err error) {
	t.Helper()
	var h interface{ Hint() string }
	if err == nil || !errors.As(err, &h) || h.Hint() == "" {
		t.Errorf("%s: %v, without a hint", what, err)
	}
}

// An account that was made at one phone is valid at all others two seconds later,
// and as soon gone.
func TestAccountsEverywhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, boats := fleet(t, 3)
		if _, _, err := boats[0].accounts.Add(ctx, "Alice", "wonderland-1865", "Alice"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(lookForChanges + lookAgain)
		for _, b := range boats {
			got, ok := b.accounts.Lookup("alice")
			// RFC 7616, section 3.4.2: A1 = username ":" realm ":" passwd
			want256, want5 := sha256.Sum256([]byte("alice:office:wonderland-1865")), md5.Sum([]byte("alice:office:wonderland-1865"))
			if !ok || string(got.SHA256) != string(want256[:]) || string(got.MD5) != string(want5[:]) {
				t.Errorf("at %d: %v, %x", b.ext, ok, got)
			}
		}
		list, err := boats[1].accounts.List(ctx)
		if err != nil || len(list) != 1 || list[0] != (Account{"alice", "Alice", true, boats[0].id.String()}) {
			t.Errorf("%+v, %v", list, err)
		}
		if err := boats[2].accounts.Remove(ctx, "alice"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(lookForChanges + lookAgain)
		for _, b := range boats {
			if _, ok := b.accounts.Lookup("alice"); ok {
				t.Errorf("removed, but known at %d", b.ext)
			}
		}
	})
}

// A miss has the phone look at once; and though the phone that made an account
// died before it could say so, others find it when its client comes.
func TestAccountsMissed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, boats := fleet(t, 2)
		dead := launch(s, 103, 1) // its Changes does not run
		if _, _, err := dead.accounts.Add(ctx, "alice", "", ""); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if _, ok := boats[0].accounts.Lookup("alice"); ok {
			t.Error("known without being told")
		}
		time.Sleep(2 * lookAgain)
		if _, ok := boats[0].accounts.Lookup("alice"); !ok {
			t.Error("not found after it was missed")
		}
		// Strangers who guess names cost little.
		gets, _ := s.count(func() {
			for i := range 10_000 {
				boats[0].accounts.Lookup(fmt.Sprint("guess", i))
				time.Sleep(time.Millisecond)
			}
		})
		// In ten seconds two phones look five times each by themselves.
		if gets[overlay.Credential] > 2 || gets[overlay.Changes] > 10+10*int(time.Second/lookAgain) {
			t.Errorf("10,000 guesses in ten seconds cost %v reads", gets)
		}
		// What nobody says and nobody misses is read after ten minutes.
		if _, _, err := dead.accounts.Add(ctx, "bob", "", ""); err != nil {
			t.Fatal(err)
		}
		time.Sleep(readAll + lookForChanges)
		if _, ok := boats[1].accounts.Lookup("bob"); !ok {
			t.Error("never read again")
		}
	})
}

func TestAccountsThatAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, boats := fleet(t, 2)
		a := boats[0].accounts
		add := func(user, password, name string) error {
			_, _, err := a.Add(ctx, user, password, name)
			return err
		}
		wantHint(t, "an extension", add("102", "", ""))
		for _, bad := range []string{"", "a b", "a@b", "al/ice", ".alice", "alice-", "ülrich", "a:b", strings.Repeat("a", 65)} {
			wantHint(t, "user "+bad, add(bad, "", ""))
		}
		wantHint(t, "a long password", add("alice", strings.Repeat("x", 129), ""))
		wantHint(t, "a password of two lines", add("alice", "a\nb", ""))
		wantHint(t, "a long name", add("alice", "", strings.Repeat("x", 65)))
		wantHint(t, "removing nobody", a.Remove(ctx, "alice"))

		made, remark, err := a.Add(ctx, "alice", "", "")
		if err != nil || len(made) < 26 || remark != "" {
			t.Errorf("a generated password: %q, %q, %v", made, remark, err)
		}
		if again, _, _ := boats[1].accounts.Add(ctx, "bob", "", ""); again == made {
			t.Error("two passwords are the same")
		}
		err = add("alice", "other", "")
		wantHint(t, "a second alice", err)
		if !errors.Is(err, ErrAccountExists) {
			t.Error(err)
		}
		if made, remark, err := a.Add(ctx, "carol", "short", ""); made != "short" || remark == "" || err != nil {
			t.Errorf("a short password: %q, %q, %v", made, remark, err)
		}
		for i := range MaxAccounts - 3 {
			if err := add(fmt.Sprint("user", i), "", ""); err != nil {
				t.Fatal(err)
			}
		}
		wantHint(t, "one too many", add("more", "", ""))
		s.err = chord.ErrTimeout
		if err := a.Remove(ctx, "alice"); !errors.Is(err, chord.ErrTimeout) {
			t.Errorf("without a ring: %v", err)
		}
	})
}

// What belongs to an account ends with it.
func TestAccountRemovedWithBindings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, boats := fleet(t, 2)
		a, b := boats[0], boats[1]
		if _, _, err := a.accounts.Add(ctx, "alice", "", ""); err != nil {
			t.Fatal(err)
		}
		if _, err := a.clients.Register(ctx, "sip:alice@office", []location.Binding{a.contact("sip:alice@198.51.100.1", time.Hour, 1)}); err != nil {
			t.Fatal(err)
		}
		if err := b.accounts.Remove(ctx, "alice"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Second)
		if list, err := a.clients.Lookup(ctx, "sip:alice@office"); !errors.Is(err, location.ErrNotFound) {
			t.Errorf("%v, %v", list, err)
		}
	})
}

// A telephone does not get the number that an account has.
func TestClaimBesideAccounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, boats := fleet(t, 2)
		m := boats[0].members
		for _, user := range []string{"103", "104", "0105"} {
			if _, _, err := boats[1].accounts.Add(ctx, user, "", ""); err != nil {
				t.Fatal(err)
			}
		}
		claim := func(wish int) (int, error) {
			return m.Claim(ctx, identity.Newcomer{Node: nodeOf(105), Wish: wish, Issue: func(ext int) ([][]byte, error) {
				return [][]byte{fmt.Appendf(nil, "%d@office", ext)}, nil
			}})
		}
		if ext, err := claim(104); !errors.Is(err, identity.ErrTaken) {
			t.Errorf("claimed 104: %d, %v", ext, err)
		}
		if boats[1].members.Telephone("105") {
			t.Error("105 is a telephone before it was enrolled")
		}
		if ext, err := claim(0); ext != 105 || err != nil {
			t.Errorf("claimed %d, %v, want 105", ext, err)
		}
		time.Sleep(3 * time.Second)
		for user, want := range map[string]bool{"105": true, "105@office": true, "101": true, "103": false, "alice": false, "": false} {
			if got := boats[1].members.Telephone(user); got != want {
				t.Errorf("%q is a telephone: %v", user, got)
			}
		}
	})
}

func BenchmarkAccountLookup(b *testing.B) {
	phone := launch(newSea(), 101, 1)
	if _, _, err := phone.accounts.Add(ctx, "alice", "x", ""); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := phone.accounts.Lookup("alice"); !ok {
			b.Fatal("missed")
		}
	}
}
