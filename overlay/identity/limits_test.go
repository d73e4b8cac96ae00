package identity

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestThreeWrongTries(t *testing.T) {
	p := newPhone(t, found(t, "acme"))
	_, err := p.enrol(t, "123456", 0)
	wantErr(t, "never opened", err, ErrEnrolmentClosed)
	if err := p.Open("123456", 0); err != nil {
		t.Fatal(err)
	}
	for _, code := range []string{"123457", "023456", "1234567"} {
		if code == "1234567" { // a right one in between does not start the count again
			if _, err := p.enrol(t, "123456", 0); err != nil {
				t.Fatal(err)
			}
		}
		_, err := p.enrol(t, code, 0)
		wantErr(t, code, err, ErrWrongCode)
	}
	_, err = p.enrol(t, "123456", 0)
	wantErr(t, "right code after three wrong ones", err, ErrEnrolmentClosed)
	if open, wrong, _ := p.IsOpen(); open || wrong != maxWrong {
		t.Errorf("open %v, %d wrong", open, wrong)
	}
	// The same fixed code works again once a person opened again.
	p.Open("123456", 0)
	if _, err := p.enrol(t, "123456", 0); err != nil {
		t.Error(err)
	}
}

// Guesses that come at once are counted one by one: after the third wrong one even
// a right one is not confirmed.
func TestGuessesAtOnce(t *testing.T) {
	e := newPhone(t, found(t, "acme")).Enroller
	e.Open("123456", 0)
	_, opening, err := e.begin()
	if err != nil {
		t.Fatal(err)
	}
	for range maxWrong {
		wantErr(t, "wrong", e.judge(opening, false), ErrWrongCode)
	}
	wantErr(t, "right, too late", e.judge(opening, true), ErrEnrolmentClosed)
	e.Open("654321", 0)
	wantErr(t, "right for the last opening", e.judge(opening, true), ErrEnrolmentClosed)
}

func TestCodes(t *testing.T) {
	p := newPhone(t, found(t, "acme"))
	for _, bad := range []string{"", "12345", "12345a", "１２３４５６", "123456789012345678901234567890123"} {
		wantErr(t, bad, p.Open(bad, 0), ErrCode)
		_, err := p.enrol(t, bad, 0)
		wantErr(t, bad, err, ErrCode)
	}
}

func TestRateLimit(t *testing.T) {
	id := found(t, "acme")
	synctest.Test(t, func(t *testing.T) {
		e := NewEnroller(id, nil, quiet)
		n := 0
		for ; e.enter() == nil; n++ {
			e.leave()
		}
		if n != burst {
			t.Errorf("%d sessions at once after a quiet time", n)
		}
		time.Sleep(3 * time.Second)
		for n = 0; e.enter() == nil; n++ {
		}
		if n != 3 {
			t.Errorf("%d sessions after 3 s", n)
		}
		time.Sleep(time.Hour)
		if e.enter() != nil || !errors.Is(e.enter(), ErrBusy) {
			t.Errorf("more or fewer than %d sessions side by side", maxSessions)
		}
	})
	// The newcomer is told.
	p := newPhone(t, id)
	p.setTokens(-1e6)
	_, err := p.enrol(t, "123456", 0)
	wantErr(t, "too many", err, ErrBusy)
}

// Nobody can hold a session for ever, and cancelling ends it.
func TestDeadlines(t *testing.T) {
	id := found(t, "acme")
	serve := func(ctx context.Context, client func(*tls.Conn)) time.Duration {
		a, b := net.Pipe()
		e := NewEnroller(id, nil, quiet)
		e.Open("123456", 0)
		var wg sync.WaitGroup
		wg.Go(func() {
			client(tls.Client(b, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{EnrolALPN}}))
		})
		start := time.Now()
		if err := e.Serve(ctx, tls.Server(a, id.ServerTLS())); err == nil {
			t.Error("a newcomer without code was enrolled")
		}
		b.Close()
		wg.Wait()
		if e.sessions != 0 {
			t.Error("the session is still counted")
		}
		return time.Since(start)
	}
	silent := func(*tls.Conn) {}
	mute := func(c *tls.Conn) { c.Handshake(); io.Copy(io.Discard, c) }
	synctest.Test(t, func(t *testing.T) {
		for name, client := range map[string]func(*tls.Conn){"silent": silent, "mute": mute} {
			if d := serve(t.Context(), client); d < proofTime || d > proofTime+refuseTime {
				t.Errorf("%s: ended after %v", name, d)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			if d := serve(ctx, client); d != time.Second {
				t.Errorf("%s: cancelled after %v", name, d)
			}
			cancel()
		}
	})
	// A phone that answers the connection and then nothing more.
	synctest.Test(t, func(t *testing.T) {
		a, b := net.Pipe()
		ctx, cancel := context.WithTimeout(t.Context(), enrolTime)
		defer cancel()
		defer b.Close()
		start := time.Now()
		_, _, err := EnrolOver(ctx, a, "123456", 0)
		wantErr(t, "silent enroller", err, ErrUnreachable)
		if d := time.Since(start); d != enrolTime {
			t.Errorf("given up after %v", d)
		}
	})
}
