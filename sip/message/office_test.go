package message

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"chordophone/sip/location"
	"chordophone/sip/siptest"
	"chordophone/sip/stack"
	"chordophone/sip/wire"

	"github.com/emiago/sipgo/sip"
)

// box is a Box and a location.Service in memory.
type box struct {
	mu       sync.Mutex // guards what follows
	delay    time.Duration
	putting  error // what Put says
	reading  error // what Waiting and Lookup say
	removing int   // so many Removes fail
	delivers bool
	known    map[string]bool // addresses; those with true have a binding
	kept     []Message
	removed  []string // bodies
}

func (b *box) wait() func() {
	time.Sleep(b.delay)
	b.mu.Lock()
	return b.mu.Unlock
}

func (b *box) Put(_ context.Context, m Message) error {
	defer b.wait()()
	if b.putting == nil {
		b.kept = append(b.kept, m)
	}
	return b.putting
}

func (b *box) Waiting(_ context.Context, aor string) (out []Message, err error) {
	defer b.wait()()
	for _, m := range b.kept {
		if m.To == aor {
			out = append(out, m)
		}
	}
	return out, b.reading
}

func (b *box) Remove(_ context.Context, m Message) error {
	defer b.wait()()
	if b.removing > 0 {
		b.removing--
		return errors.New("box: the ring does not answer")
	}
	b.kept = slices.DeleteFunc(b.kept, func(k Message) bool { return k.ID == m.ID })
	b.removed = append(b.removed, string(m.Body))
	return nil
}

func (b *box) Lookup(_ context.Context, aor string) ([]location.Binding, error) {
	defer b.wait()()
	there, ok := b.known[strings.TrimPrefix(aor, "sip:")]
	switch {
	case b.reading != nil:
		return nil, b.reading
	case !ok:
		return nil, location.ErrNotFound
	case !there:
		return nil, nil
	}
	return []location.Binding{{Contact: "sip:x"}}, nil
}

func (b *box) set(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f()
}

// bodies is what waits.
func (b *box) bodies() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []string
	for _, m := range b.kept {
		out = append(out, string(m.Body))
	}
	return strings.Join(out, " ")
}

// phone is a Service with the rest of the phone played: what the proxy gets is kept
// and answered as the test says.
type phone struct {
	*box
	t       testing.TB
	stack   *stack.Stack
	service *Service
	net     *siptest.Network
	post    *stack.Flow
	n       int

	mu      sync.Mutex // guards what follows
	got     []*sip.Request
	answers func(n int, req *sip.Request) int // to the n-th, from 1; 0: none
	stored  []string
}

var here = netip.MustParseAddr("10.0.0.1")

// world runs a phone 101 with client 202 registered, and 203 known.
func world(t *testing.T, f func(t *testing.T, p *phone)) {
	synctest.Test(t, func(t *testing.T) {
		p := &phone{t: t, net: siptest.NewNetwork(), box: &box{delay: 10 * time.Millisecond, delivers: true,
			known: map[string]bool{"101@office": true, "202@office": true, "203@office": false}}}
		p.answers = func(int, *sip.Request) int { return 200 }
		cfg := stack.Config{Listen: here, UDPPort: 5060, TLSPort: 5061, Handler: p, Net: p.net,
			Limits: stack.Limits{StrangerRate: 1e6, KnownRate: 1e6, TotalRate: 1e6}}
		ca := siptest.NewOffice(t)
		cfg.ServerTLS, cfg.ClientTLS = ca.StackTLS("101@office")
		cfg.PeerUser = ca.PeerUser
		var err error
		if p.stack, err = stack.New(cfg); err != nil {
			t.Fatal(err)
		}
		var end *stack.Flow
		end, p.post = p.stack.Loopback("101@office")
		p.service = New(Config{
			Stack: p.stack, Proxy: end, Locate: p.box, Box: p.box,
			Served: func() []string { return []string{"202@office"} },
			Delivers: func(context.Context, string) (bool, error) {
				defer p.box.wait()()
				return p.delivers, p.reading
			},
			Telephone: func(user string) bool { return user[0] == '1' },
			Stored: func(aor string) {
				p.mu.Lock()
				defer p.mu.Unlock()
				p.stored = append(p.stored, aor)
			},
			Log: slog.New(slog.DiscardHandler),
		})
		ctx, cancel := context.WithCancel(context.Background())
		var running sync.WaitGroup
		running.Go(func() { p.stack.Run(ctx) })
		t.Cleanup(func() {
			cancel()
			running.Wait()
		})
		f(t, p)
		settle(time.Second)
		p.in(func() {
			if len(p.service.queues) != 0 {
				t.Errorf("%d deliveries still at hand", len(p.service.queues))
			}
		})
	})
}

func (p *phone) Request(tx *stack.ServerTx) {
	if tx.Flow != p.post {
		p.service.Request(tx, wire.AOR(tx.Request.From().Address), wire.AOR(tx.Request.Recipient))
		return
	}
	p.mu.Lock()
	p.got = append(p.got, tx.Request)
	status := p.answers(len(p.got), tx.Request)
	p.mu.Unlock()
	if status != 0 {
		tx.Reply(status)
	}
}

func (p *phone) Ack(*stack.Flow, *sip.Request) {}
func (p *phone) Lost(*stack.Flow)              {}

func (p *phone) in(f func()) {
	done := make(chan struct{})
	if p.stack.Do(func() { f(); close(done) }) {
		<-done
	}
}

func (p *phone) answer(f func(n int, req *sip.Request) int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answers = f
}

// texts is what the proxy got, in order.
func (p *phone) texts() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []string
	for _, r := range p.got {
		out = append(out, string(r.Body()))
	}
	return strings.Join(out, " ")
}

// sender is a client that sends messages.
func (p *phone) sender() *siptest.Peer {
	c := siptest.Client(p.t, p.net, netip.MustParseAddr("10.0.1.1"), "tcp", netip.AddrPortFrom(here, 5060))
	c.Patience = 40 * time.Second
	return c
}

func (p *phone) text(c *siptest.Peer, to, extra, body string) {
	p.n++
	c.Send(fmt.Sprintf(`MESSAGE sip:%s@office SIP/2.0
		Via: SIP/2.0/TCP ${Local};branch=z9hG4bKm%d
		Max-Forwards: 70
		From: "Alice" <sip:201@office>;tag=a
		To: <sip:%s@office>
		Call-ID: m%d
		CSeq: 1 MESSAGE
		Proxy-Authorization: Digest realm="office"
		%s`, to, p.n, to, p.n, strings.TrimLeft(extra+"\n", "\n")) + "\n" + body)
}

// say sends a message and expects the answer.
func (p *phone) say(c *siptest.Peer, to, body, status string) siptest.Message {
	p.t.Helper()
	p.text(c, to, "Content-Type: text/plain", body)
	return c.Expect("^SIP/2.0 " + status + " ")
}

func (p *phone) registered() { p.in(func() { p.service.Registered("202@office") }) }

func (p *phone) same(what, got, want string) {
	p.t.Helper()
	if got != want {
		p.t.Errorf("%s: %q, want %q", what, got, want)
	}
}

// settle lets everything come to rest.
func settle(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}
