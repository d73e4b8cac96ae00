package identity

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"chordophone/overlay"
)

var quiet = slog.New(slog.DiscardHandler)

// phone is an enrolled phone that listens on loopback.
type phone struct {
	*Identity
	*Enroller
	addr  netip.AddrPort
	claim func(Newcomer) (int, error) // in place of the lowest free extension
	stop  func()
	errs  chan error // of Serve

	mu    sync.Mutex
	taken map[int]overlay.ID
}

func newPhone(t *testing.T, id *Identity) *phone {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &phone{
		Identity: id, addr: l.Addr().(*net.TCPAddr).AddrPort(),
		errs: make(chan error, 100), taken: map[int]overlay.ID{id.Extension(): id.ID(), 101: {}},
	}
	p.Enroller = NewEnroller(id, p.claimFree, quiet)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { p.errs <- p.Serve(ctx, tls.Server(conn, id.ServerTLS())) })
		}
	})
	p.stop = func() { l.Close(); cancel(); wg.Wait() }
	t.Cleanup(p.stop)
	return p
}

// setTokens sets the rate limit.
func (p *phone) setTokens(n float64) {
	p.Enroller.mu.Lock()
	p.tokens = n
	p.Enroller.mu.Unlock()
}

// claimFree stands for the ring.
func (p *phone) claimFree(_ context.Context, n Newcomer) (int, error) {
	if p.claim != nil {
		return p.claim(n)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	ext := FirstExtension
	for ; p.taken[ext] != (overlay.ID{}) || ext == 101; ext++ {
	}
	if n.Wish != 0 {
		if ext = n.Wish; p.taken[ext] != (overlay.ID{}) {
			return 0, ErrTaken
		}
	}
	chain, err := n.Issue(ext)
	if err != nil {
		return 0, err
	}
	r := MemberRecord(n.Node, chain)
	if err := p.SignRecord(&r); err != nil {
		return 0, err
	}
	p.taken[ext] = n.Node
	return ext, nil
}

func (p *phone) enrol(t *testing.T, code string, wish int) (*Identity, error) {
	t.Helper()
	id, peers, err := Enrol(t.Context(), p.addr, code, wish)
	if err == nil && (len(peers) != 1 || peers[0] != overlay.Peer{ID: p.ID(), Addr: p.addr}) {
		t.Errorf("told to join through %v", peers)
	}
	if (id == nil) == (err == nil) {
		t.Errorf("identity %v with error %v", id, err)
	}
	return id, err
}

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

// manual is a newcomer whose messages the test writes itself.
type manual struct {
	*tls.Conn
	binding []byte
	w       []byte
	pake    *spake
}

func (p *phone) dial(t *testing.T, code string) *manual {
	t.Helper()
	conn, err := tls.Dial("tcp", p.addr.String(), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{EnrolALPN}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	m := &manual{Conn: conn}
	m.binding, err = channelBinding(conn)
	if err != nil {
		t.Fatal(err)
	}
	m.w, _ = codeScalar(code)
	m.pake, _ = newSpake(true, newcomerName, enrollerName, m.w, newScalar())
	return m
}

// hello sends the first message and returns the request that would follow.
func (m *manual) hello(t *testing.T) request {
	t.Helper()
	writeMessage(m, msgHello, m.pake.own)
	share, err := readMessage(m, msgShare, shareLen)
	if err != nil {
		t.Fatal(err)
	}
	confirm, _, err := m.pake.confirmations(share, m.binding)
	if err != nil {
		t.Fatal(err)
	}
	key, _ := newKey()
	body, err := newRequest(key, m.binding, confirm, 0)
	if err != nil {
		t.Fatal(err)
	}
	q, err := parseRequest(body)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// send sends the request and returns the refusal, or nil.
func (m *manual) send(q request) error {
	body, _ := q.marshal()
	writeMessage(m, msgRequest, body)
	_, err := readMessage(m, msgAnswer, maxMessage)
	return err
}

// What was recorded from a newcomer, with the code right, is worth nothing.
func TestReplayedEnrolment(t *testing.T) {
	p := newPhone(t, found(t, "acme"))
	p.Open("123456", 0)
	first := p.dial(t, "123456")
	q := first.hello(t)
	if err := first.send(q); err != nil {
		t.Fatal(err)
	}
	again := p.dial(t, "123456")
	writeMessage(again, msgHello, first.pake.own)
	if _, err := readMessage(again, msgShare, shareLen); err != nil {
		t.Fatal(err)
	}
	wantErr(t, "replay", again.send(q), ErrWrongCode)
}

func TestBadRequests(t *testing.T) {
	p := newPhone(t, found(t, "acme"))
	ask := func(name string, edit func(*manual, *request)) {
		t.Helper()
		p.Open("123456", 0)
		p.setTokens(burst)
		m := p.dial(t, "123456")
		q := m.hello(t)
		edit(m, &q)
		wantErr(t, name, m.send(q), ErrRefused)
		m.Close()
		if err := <-p.errs; err == nil {
			t.Errorf("%s: Serve saw nothing", name)
		}
		if _, wrong, _ := p.IsOpen(); wrong != 0 {
			t.Errorf("%s: counted as a wrong code", name)
		}
	}
	ask("no proof of the key", func(_ *manual, q *request) { q.sig = nil })
	ask("somebody else's key", func(_ *manual, q *request) { q.spki = p.root.RawSubjectPublicKeyInfo })
	ask("proof from another connection", func(m *manual, q *request) {
		key, _ := newKey()
		body, _ := newRequest(key, []byte("another"), q.confirm, 0)
		*q, _ = parseRequest(body)
	})
	ask("no key", func(_ *manual, q *request) { q.spki = nil })
	ask("extension out of range", func(_ *manual, q *request) { q.wish = 4_000_000_000 })

	for name, octets := range map[string][]byte{
		"wrong type":  {byte(msgAnswer), 0, 0},
		"too long":    {byte(msgHello), 0xFF, 0xFF},
		"bad share":   {byte(msgHello), 0, 1, 0},
		"empty share": {byte(msgHello), 0, 0},
	} {
		p.setTokens(burst)
		m := p.dial(t, "123456")
		m.Write(octets)
		_, err := readMessage(m, msgShare, shareLen)
		wantErr(t, name, err, ErrRefused)
		m.Close()
	}
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

// Somebody in between who knows no code learns nothing and gets nobody in, and
// the newcomer notices. What he sees is neither code nor private key.
func TestManInTheMiddle(t *testing.T) {
	p := newPhone(t, found(t, "acme"))
	p.Open("123456", 0)
	evil := found(t, "evil")
	near, far := net.Pipe()
	var seen bytes.Buffer
	var wg sync.WaitGroup
	wg.Go(func() {
		in := tls.Server(far, evil.ServerTLS())
		out := p.dial(t, "")
		wg.Go(func() { io.Copy(in, out); in.Close() })
		io.Copy(io.MultiWriter(&seen, out), in)
		out.Close()
	})
	_, _, err := EnrolOver(t.Context(), near, "123456", 0)
	wantErr(t, "man in the middle", err, ErrWrongCode)
	wg.Wait()
	if _, wrong, _ := p.IsOpen(); wrong != 1 {
		t.Errorf("%d tries counted", wrong)
	}
	if bytes.Contains(seen.Bytes(), []byte("123456")) {
		t.Error("the code was sent")
	}
	// All that the newcomer sends: its share, and a request, which has nothing in
	// it but confirmation, wish, public key and signature.
	if _, err := readMessage(&seen, msgHello, shareLen); err != nil {
		t.Fatal(err)
	}
	body, err := readMessage(&seen, msgRequest, maxRequest)
	if err != nil {
		t.Fatal(err)
	}
	if q, err := parseRequest(body); err != nil || len(q.spki) != 91 || seen.Len() != 0 {
		t.Errorf("request with a key of %d octets, %d octets after it, %v", len(q.spki), seen.Len(), err)
	}
}

// fakeEnroller answers a newcomer with what the test wants.
func fakeEnroller(t *testing.T, id *Identity, code string, reply func(confirm []byte, q request) answer) error {
	near, far := net.Pipe()
	var wg sync.WaitGroup
	defer wg.Wait()
	defer far.Close()
	wg.Go(func() {
		conn := tls.Server(far, id.ServerTLS())
		if conn.Handshake() != nil {
			return
		}
		binding, _ := channelBinding(conn)
		hello, _ := readMessage(conn, msgHello, shareLen)
		w, _ := codeScalar(code)
		pake, _ := newSpake(false, newcomerName, enrollerName, w, newScalar())
		confirm, _, _ := pake.confirmations(hello, binding)
		writeMessage(conn, msgShare, pake.own)
		body, _ := readMessage(conn, msgRequest, maxRequest)
		q, _ := parseRequest(body)
		b, _ := reply(confirm, q).marshal()
		writeMessage(conn, msgAnswer, b)
	})
	_, _, err := EnrolOver(t.Context(), near, "123456", 0)
	return err
}

// A newcomer believes only who knew the code, and then only what fits together.
func TestBadEnrollers(t *testing.T) {
	id := found(t, "acme")
	other := found(t, "other")
	second := enrolled(t, id, 102)
	good := func(q request) answer {
		by, _ := id.issuer()
		pub, err := provenKeyOf(q)
		if err != nil {
			t.Error(err)
		}
		chain, _ := by.leaf(pub, 102)
		enroller, _ := by.enroller(pub)
		return answer{root: id.Root(), chain: chain, enroller: enroller[0]}
	}
	for name, c := range map[string]struct {
		code string
		edit func(*answer)
		want error
	}{
		"good":              {"123456", func(*answer) {}, nil},
		"does not know":     {"654321", func(*answer) {}, ErrWrongCode},
		"echo":              {"123456", func(a *answer) { a.confirm = make([]byte, confirmLen) }, ErrWrongCode},
		"another's leaf":    {"123456", func(a *answer) { a.chain = second.chain }, ErrForeign},
		"another's CA":      {"123456", func(a *answer) { a.enroller = second.enroller[0] }, ErrForeign},
		"another root":      {"123456", func(a *answer) { a.root = other.Root() }, ErrForeign},
		"a leaf as root":    {"123456", func(a *answer) { a.root = a.chain[0] }, ErrForeign},
		"no enroller":       {"123456", func(a *answer) { a.enroller = nil }, ErrForeign},
		"leaf as enroller":  {"123456", func(a *answer) { a.enroller = a.chain[0] }, ErrForeign},
		"too much text":     {"123456", func(a *answer) { a.configuration = make([]byte, maxConfiguration+1) }, ErrForeign},
		"no certificate":    {"123456", func(a *answer) { a.chain = nil }, ErrForeign},
		"chain with rubble": {"123456", func(a *answer) { a.chain = append(a.chain, second.chain[0]) }, ErrForeign},
	} {
		err := fakeEnroller(t, id, c.code, func(confirm []byte, q request) answer {
			a := good(q)
			a.confirm = confirm
			c.edit(&a)
			return a
		})
		wantErr(t, name, err, c.want)
	}
	// The certificates shown in TLS must be of the office that enrols.
	err := fakeEnroller(t, other, "123456", func(confirm []byte, q request) answer {
		a := good(q)
		a.confirm = confirm
		return a
	})
	wantErr(t, "shows another office's certificate", err, ErrForeign)
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

// provenKeyOf is the key in a request.
func provenKeyOf(q request) (*ecdsa.PublicKey, error) {
	k, err := x509.ParsePKIXPublicKey(q.spki)
	if err != nil {
		return nil, err
	}
	return k.(*ecdsa.PublicKey), nil
}
