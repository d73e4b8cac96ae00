package identity

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"chordophone/overlay"
)

// A code for one place: the newcomer gets it without asking, or asking for just that;
// the claim hears whom it replaces; and then the code is spent.
func TestEnrolForPlace(t *testing.T) {
	for _, wish := range []int{0, 107} {
		p := newPhone(t, found(t, "acme"))
		var claims []Newcomer
		p.claim = func(n Newcomer) (int, error) {
			claims = append(claims, n)
			_, err := n.Issue(n.Wish)
			return n.Wish, err
		}
		place := Place{107, overlay.ID{7}}
		code, err := p.OpenFor(place, time.Minute)
		if err != nil || len(code) != 6 {
			t.Fatal(code, err)
		}
		_, err = p.enrol(t, code, 108)
		wantErr(t, "another extension", err, ErrReserved)
		if len(claims) != 0 {
			t.Errorf("somebody is replaced by one who wants another extension: %v", claims)
		}
		id, err := p.enrol(t, code, wish)
		if err != nil {
			t.Fatal(err)
		}
		if id.Extension() != 107 || len(claims) != 1 || claims[0].Wish != 107 || claims[0].Replaces != place.Replaces || claims[0].Node != id.ID() {
			t.Errorf("%s, claims %v", id.User(), claims)
		}
		_, err = p.enrol(t, code, 0)
		wantErr(t, "the code a second time", err, ErrEnrolmentClosed)
	}
}

// A place that could not be given, since its phone is alive, can be tried again with
// the same code.
func TestPlaceNotGiven(t *testing.T) {
	p := newPhone(t, found(t, "acme"))
	alive := true
	p.claim = func(n Newcomer) (int, error) {
		if alive {
			return 0, ErrAlive
		}
		_, err := n.Issue(n.Wish)
		return n.Wish, err
	}
	code, err := p.OpenFor(Place{103, overlay.ID{7}}, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.enrol(t, code, 0)
	wantErr(t, "alive", err, ErrAlive)
	alive = false
	if id, err := p.enrol(t, code, 0); err != nil || id.Extension() != 103 {
		t.Errorf("%v, %v", id, err)
	}
}

// Of two that know the code and come at once, one gets the place, and the other is told
// so by the claim; an ordinary opening is for any number of newcomers, and no place is
// left over from the one before.
func TestPlaceOnce(t *testing.T) {
	p := newPhone(t, found(t, "acme"))
	var (
		both  sync.WaitGroup
		inner sync.Mutex
		seen  []overlay.ID
	)
	both.Add(2)
	p.claim = func(n Newcomer) (int, error) {
		both.Done()
		both.Wait()
		inner.Lock()
		defer inner.Unlock()
		seen = append(seen, n.Replaces)
		if len(seen) > 1 {
			return 0, ErrTaken
		}
		_, err := n.Issue(n.Wish)
		return n.Wish, err
	}
	code, err := p.OpenFor(Place{103, overlay.ID{7}}, 0)
	if err != nil {
		t.Fatal(err)
	}
	errs := make(chan error, 2)
	for range 2 {
		go func() {
			_, err := p.enrol(t, code, 0)
			errs <- err
		}()
	}
	if a, b := <-errs, <-errs; (a == nil) == (b == nil) || !errors.Is(errors.Join(a, b), ErrTaken) || len(seen) != 2 {
		t.Errorf("%v and %v after %v", a, b, seen)
	}
	if err := p.Open("123456", 0); err != nil {
		t.Fatal(err)
	}
	p.claim = nil
	for want := range 2 {
		if id, err := p.enrol(t, "123456", 0); err != nil || id.Extension() != 102+want {
			t.Errorf("%v, %v", id, err)
		}
	}
	_, err = p.OpenFor(Place{Extension: 0}, 0)
	wantErr(t, "no place", err, ErrExtension)
}

// Who knew the code of an earlier opening gets nothing of a later one, nor closes it.
func TestPlaceOfAnotherOpening(t *testing.T) {
	id := found(t, "acme")
	synctest.Test(t, func(t *testing.T) {
		e := NewEnroller(id, func(context.Context, Newcomer) (int, error) { return 0, ErrTaken }, quiet)
		if _, err := e.OpenFor(Place{103, overlay.ID{7}}, time.Minute); err != nil {
			t.Fatal(err)
		}
		_, first, err := e.begin()
		if err != nil {
			t.Fatal(err)
		}
		if place, err := e.placeOf(first); place.Extension != 103 || err != nil {
			t.Error(place, err)
		}
		if _, err := e.OpenFor(Place{104, overlay.ID{8}}, time.Minute); err != nil {
			t.Fatal(err)
		}
		place, err := e.placeOf(first)
		wantErr(t, "the later one's place", err, ErrEnrolmentClosed)
		e.occupied(first)
		if open, _, _ := e.IsOpen(); !open || place != (Place{}) {
			t.Errorf("open %v, %v", open, place)
		}
		time.Sleep(time.Minute)
		if open, _, _ := e.IsOpen(); open {
			t.Error("open for ever")
		}
	})
}

// The new refusals come through, and each has a hint.
func TestPlaceRefusals(t *testing.T) {
	for _, err := range []error{ErrAlive, ErrReserved} {
		if refusals[refusalOf(err)] != err {
			t.Errorf("%v becomes %v", err, refusals[refusalOf(err)])
		}
		var hinted interface{ Hint() string }
		if !errors.As(err, &hinted) || hinted.Hint() == "" {
			t.Errorf("%v has no hint", err)
		}
	}
	if slices.Contains([]refusal{refuseClosed, refuseFailed}, refusalOf(ErrAlive)) {
		t.Error("what is alive is not said to be")
	}
}
