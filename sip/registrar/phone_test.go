package registrar

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"

	"chordophone/sip/stack"
	"chordophone/sip/wire"
)

// loop is a stack's loop for tests.
type loop struct {
	todo chan func()
	full bool
}

func (l *loop) Go(work func(context.Context), done func()) bool {
	if l.full {
		return false
	}
	go func() {
		work(context.Background())
		l.todo <- done
	}()
	return true
}

func (l *loop) After(d time.Duration, f func()) *stack.Timer {
	time.AfterFunc(d, func() { l.todo <- f })
	return nil
}

// phone is a registrar with its loop.
type phone struct {
	t    testing.TB
	loop *loop
	*Registrar
	from  source
	seq   int
	heard []string // callbacks
}

const clientAddr = "192.0.2.50:5060"

func newPhone(t testing.TB, r *ring, n int) *phone {
	node, addr := fmt.Sprintf("%d@office", 100+n), netip.AddrFrom4([4]byte{192, 0, 2, byte(n)})
	p := &phone{t: t, loop: &loop{todo: make(chan func(), 4096)}}
	p.Registrar = New(Config{
		Domain: "office", Node: node, Ring: r,
		Server: func() netip.AddrPort { return netip.AddrPortFrom(addr, 5061) },
	})
	p.Attach(p.loop)
	p.Registered(func(aor string) { p.heard = append(p.heard, "+"+aor) })
	p.Unregistered(func(aor string) { p.heard = append(p.heard, "-"+aor) })
	p.from = source{stack.UDP, netip.AddrPortFrom(addr, 5060), netip.MustParseAddrPort(clientAddr), "token", nil}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case f := <-p.loop.todo:
				f()
			case <-ctx.Done():
				return
			}
		}
	}()
	t.Cleanup(func() {
		stop()
		<-ended
	})
	return p
}

// do runs f in the loop and waits for it.
func (p *phone) do(f func()) {
	done := make(chan struct{})
	p.loop.todo <- func() { f(); close(done) }
	<-done
}

// Counters, Clients and heardAll ask in the loop.
func (p *phone) Counters() (n Counters) {
	p.do(func() { n = p.Registrar.Counters() })
	return n
}

func (p *phone) Clients() (all []Client) {
	p.do(func() { all = p.Registrar.Clients() })
	return all
}

func (p *phone) heardAll() (all []string) {
	p.do(func() { all = slices.Clone(p.heard) })
	return all
}

type reply struct {
	status int
	fields []string
}

func (r reply) get(name string) (values []string) {
	for i := 0; i < len(r.fields); i += 2 {
		if r.fields[i] == name {
			values = append(values, r.fields[i+1])
		}
	}
	return values
}

func message(t testing.TB, seq int, lines ...string) *sip.Request {
	t.Helper()
	text := "REGISTER sip:office SIP/2.0\r\n"
	has := func(name string) bool {
		return slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l+":", name+":") })
	}
	for _, l := range []string{"Via: SIP/2.0/UDP " + clientAddr + ";branch=z9hG4bK1", "From: <sip:201@office>;tag=a", "To: <sip:201@office>",
		"Call-ID: call", fmt.Sprintf("CSeq: %d REGISTER", seq), "Max-Forwards: 70", "Content-Length: 0"} {
		name, _, _ := strings.Cut(l, ":")
		if !has(name) {
			text += l + "\r\n"
		}
	}
	for _, l := range lines {
		text += l + "\r\n"
	}
	msg, v := wire.Parse([]byte(text + "\r\n"))
	req, ok := msg.(*sip.Request)
	if !ok || !v.OK() && !has("Contact: *") { // * and another is bad form, and still must not get in
		t.Fatalf("%q: %+v", text, v)
	}
	return req
}

// start sends a REGISTER of 201 with further fields; CSeq goes up by itself.
func (p *phone) start(lines ...string) chan reply {
	p.t.Helper()
	p.seq++
	req := message(p.t, p.seq, lines...)
	user := strings.TrimSuffix(wire.AOR(req.From().Address), "@office")
	answer := make(chan reply, 2)
	p.do(func() {
		p.serve(req, nil, user, p.from, func(status int, fields ...string) { answer <- reply{status, fields} })
	})
	return answer
}

func (p *phone) register(lines ...string) reply {
	p.t.Helper()
	answer := p.start(lines...)
	r := <-answer
	synctest.Wait()
	if len(answer) > 0 {
		p.t.Error("answered twice")
	}
	return r
}

func (p *phone) want(status int, lines ...string) reply {
	p.t.Helper()
	r := p.register(lines...)
	if r.status != status {
		p.t.Errorf("%q: %d %q, want %d", lines, r.status, r.fields, status)
	}
	return r
}

const bob = "Contact: <sip:201@192.0.2.50:5060>"

// bubble runs f with a location service that takes its time, and with one that knows
// much at once.
func bubble(t *testing.T, f func(t *testing.T, r *ring, p *phone)) {
	for _, prompt := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			r := &ring{delay: 20 * time.Millisecond, prompt: prompt}
			f(t, r, newPhone(t, r, 1))
		})
	}
}

// pass lets time pass and what it brings come to rest.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}
