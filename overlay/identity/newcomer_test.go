package identity

import (
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"testing"
)

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

// provenKeyOf is the key in a request.
func provenKeyOf(q request) (*ecdsa.PublicKey, error) {
	k, err := x509.ParsePKIXPublicKey(q.spki)
	if err != nil {
		return nil, err
	}
	return k.(*ecdsa.PublicKey), nil
}
