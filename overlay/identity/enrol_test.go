package identity

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestEnrol(t *testing.T) {
	founder := newPhone(t, found(t, "acme"))
	if err := founder.Open("123456", time.Minute); err != nil {
		t.Fatal(err)
	}
	id2, err := founder.enrol(t, "123 456", 0)
	if err != nil {
		t.Fatal(err)
	}
	if id2.User() != "102@acme" || id2.Founder() || !bytes.Equal(id2.Root(), founder.Root()) {
		t.Errorf("second phone is %s, founder %v", id2.User(), id2.Founder())
	}

	// The third enrols through the second with the first switched off.
	founder.stop()
	second := newPhone(t, id2)
	code, err := second.OpenRandom(0)
	if err != nil || len(code) != 6 {
		t.Fatal(code, err)
	}
	id3, err := second.enrol(t, code, 0)
	if err != nil {
		t.Fatal(err)
	}
	if id3.User() != "103@acme" || len(id3.Chain()) != 2 {
		t.Errorf("third phone is %s with a chain of %d", id3.User(), len(id3.Chain()))
	}
	for _, p := range [][2]*Identity{{founder.Identity, id3}, {id3, founder.Identity}, {id2, id3}} {
		if _, err1, err2 := shake(t, p[0].ServerTLS(), p[1].ClientTLS(p[0].ID())); err1 != nil || err2 != nil {
			t.Errorf("%s to %s: %v, %v", p[1].User(), p[0].User(), err1, err2)
		}
	}
	// And it is kept.
	dir := t.TempDir()
	if err := id3.Save(dir); err != nil {
		t.Fatal(err)
	}
	if again, err := Load(dir); err != nil || again.User() != "103@acme" {
		t.Error(err)
	}
}

// The configuration document goes along, also through a phone that was handed it
// itself, unless it is too long.
func TestEnrolHandsOverConfiguration(t *testing.T) {
	id := found(t, "acme")
	if id.Configuration() != nil {
		t.Error("the founder was handed a document")
	}
	longest := bytes.Repeat([]byte("x"), maxConfiguration)
	for _, c := range []struct {
		name       string
		has, hands []byte
	}{
		{"none", nil, nil},
		{"some", []byte("<overlay/>"), []byte("<overlay/>")},
		{"the longest", longest, longest},
		{"too long", append(longest, 'x'), nil},
	} {
		by := id
		for range 2 { // enrolled by the founder, and by whom that enrolled
			p := newPhone(t, by)
			p.Enroller.Configuration = func() []byte { return c.has }
			p.Open("123456", 0)
			next, err := p.enrol(t, "123456", 0)
			if err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			if !bytes.Equal(next.Configuration(), c.hands) || c.hands == nil && next.Configuration() != nil {
				t.Errorf("%s: through %d: handed %d octets", c.name, by.Extension(), len(next.Configuration()))
			}
			by = next
		}
	}
}

func TestWish(t *testing.T) {
	p := newPhone(t, found(t, "acme"))
	p.Open("123456", 0)
	id, err := p.enrol(t, "123456", 250)
	if err != nil || id.Extension() != 250 {
		t.Fatal(id, err)
	}
	_, err = p.enrol(t, "123456", 250)
	wantErr(t, "taken", err, ErrTaken)
	_, err = p.enrol(t, "123456", 1_000_000)
	wantErr(t, "too great", err, ErrExtension)
	if _, wrong, _ := p.IsOpen(); wrong != 0 {
		t.Errorf("%d wrong tries without a wrong code", wrong)
	}
}

func TestOpenForAWhile(t *testing.T) {
	id := found(t, "acme")
	synctest.Test(t, func(t *testing.T) {
		e := NewEnroller(id, nil, quiet)
		e.Open("123456", time.Minute)
		time.Sleep(59 * time.Second)
		if open, _, until := e.IsOpen(); !open || time.Until(until) != time.Second {
			t.Errorf("open %v until %v", open, until)
		}
		time.Sleep(time.Second)
		if open, _, _ := e.IsOpen(); open {
			t.Error("still open")
		}
		_, _, err := e.begin()
		wantErr(t, "after the time", err, ErrEnrolmentClosed)
	})
}

func TestUnreachable(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().(*net.TCPAddr).AddrPort()
	var wg sync.WaitGroup
	wg.Go(func() { // not a phone
		conn, err := l.Accept()
		if err != nil {
			return
		}
		conn.Write([]byte("220 mail.example ESMTP\r\n"))
		io.Copy(io.Discard, conn)
		conn.Close()
	})
	_, _, err = Enrol(t.Context(), addr, "123456", 0)
	wantErr(t, "a mail server", err, ErrForeign)
	l.Close()
	wg.Wait()
	_, _, err = Enrol(t.Context(), addr, "123456", 0)
	wantErr(t, "nobody", err, ErrUnreachable)

	p := newPhone(t, found(t, "acme"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err = Enrol(ctx, p.addr, "123456", 0)
	wantErr(t, "cancelled", err, context.Canceled)
}

func TestClaimFails(t *testing.T) {
	p := newPhone(t, found(t, "acme"))
	p.Open("123456", 0)
	p.claim = func(Newcomer) (int, error) { return 0, errors.New("the ring is away") }
	_, err := p.enrol(t, "123456", 0)
	wantErr(t, "ring away", err, ErrRefused)
	p.claim = func(Newcomer) (int, error) { return 102, nil }
	_, err = p.enrol(t, "123456", 0)
	wantErr(t, "claimed, not issued", err, ErrRefused)
}

func FuzzMessages(f *testing.F) {
	id := enrolled(f, found(f, "acme"), 102)
	q, _ := newRequest(id.key, nil, make([]byte, confirmLen), 7)
	a, _ := answer{confirm: make([]byte, confirmLen), root: id.Root(), enroller: id.enroller[0], chain: id.chain}.marshal()
	f.Add(q)
	f.Add(a)
	f.Fuzz(func(t *testing.T, data []byte) {
		if q, err := parseRequest(data); err == nil {
			if b, err := q.marshal(); err != nil || !bytes.Equal(b, data) {
				t.Fatalf("request %x is %x, %v", data, b, err)
			}
			provenKey(nil, q)
		}
		if a, err := parseAnswer(data); err == nil {
			if b, err := a.marshal(); err != nil || !bytes.Equal(b, data) {
				t.Fatalf("answer %x is %x, %v", data, b, err)
			}
			accept(id.key, a, id.chain)
		}
		readMessage(bytes.NewReader(data), msgAnswer, maxMessage)
	})
}
