package identity

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"sync"
	"testing"
)

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
