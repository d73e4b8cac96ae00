package ua

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"

	"chordophone/sip/location"
	"chordophone/sip/siptest"
	"chordophone/sip/stack"
)

// office is a network of telephones in memory, with a location service that is
// a map.
type office struct {
	t     *testing.T
	net   *siptest.Network
	certs *siptest.Office
	log   *bytes.Buffer

	mu    sync.Mutex
	where map[string][]string // contacts by address of record; nil: known, not bound; "client ..." is a client's
	slow  bool
}

func newOffice(t *testing.T) *office {
	return &office{t: t, net: siptest.NewNetwork(), certs: siptest.NewOffice(t), where: map[string][]string{}}
}

func (o *office) Bind(context.Context, string, []location.Binding) error { return nil }

func (o *office) Lookup(ctx context.Context, aor string) ([]location.Binding, error) {
	o.mu.Lock()
	contacts, ok := o.where[aor]
	slow := o.slow
	o.mu.Unlock()
	if slow {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if !ok {
		return nil, fmt.Errorf("%w: %s", location.ErrNotFound, aor)
	}
	var all []location.Binding
	for _, c := range contacts {
		b := location.Binding{Contact: c, Expires: time.Hour}
		if rest, client := strings.CutPrefix(c, "client "); client {
			b.Contact, b.Server, b.Node = rest, netip.MustParseAddrPort("10.0.0.3:5061"), "103@office"
		}
		all = append(all, b)
	}
	return all, nil
}

func (o *office) bind(aor string, contacts ...string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.where[aor] = contacts
}

type phone struct {
	*UA
	t     *testing.T
	slack time.Duration // beyond what an event may take: a busy machine under real sockets
	stack *stack.Stack
	proxy *proxy
	mu    sync.Mutex
	made  []*fakeMedia
	state []DialogState
	stop  context.CancelFunc
	done  chan error
	rest  func() // ends the stack
}

// stackNet is the network as the stack wants it.
type stackNet struct{ *siptest.Network }

func (n stackNet) Listen(addr netip.AddrPort) (net.Listener, error) { return n.Network.Listen(addr) }

func (n stackNet) ListenPacket(addr netip.AddrPort) (net.PacketConn, error) {
	return n.Network.Packets(addr)
}

// proxy is the handler of a phone: what comes over the telephone's loopback it
// keeps for the test, all else is the telephone's.
type proxy struct {
	ua   *UA
	flow *stack.Flow // its end of the loopback
	got  chan *stack.ServerTx
	acks chan *sip.Request
}

func (p *proxy) Request(t *stack.ServerTx) {
	if t.Flow == p.flow {
		p.got <- t
		return
	}
	p.ua.Request(t)
}

func (p *proxy) Ack(f *stack.Flow, req *sip.Request) {
	if f == p.flow {
		p.acks <- req
		return
	}
	p.ua.Ack(f, req)
}

func (p *proxy) Lost(f *stack.Flow) { p.ua.Lost(f) }

// phone starts a telephone; it runs until the test ends.
func (o *office) phone(user, ip string, change ...func(*Config)) *phone {
	o.t.Helper()
	p := o.start(user, netip.AddrPortFrom(netip.MustParseAddr(ip), 5061), stackNet{o.net}, change...)
	o.bind("sip:"+user+"@office", p.Contact(p.cfg.Local))
	return p
}

func (o *office) start(user string, at netip.AddrPort, network stack.Net, change ...func(*Config)) *phone {
	o.t.Helper()
	p := &phone{t: o.t, done: make(chan error, 1), proxy: &proxy{got: make(chan *stack.ServerTx, 64), acks: make(chan *sip.Request, 64)}}
	cfg := Config{User: user, Domain: "office", Name: "Phone " + user, Local: at.Addr(), Locate: o, Telephone: telephone}
	cfg.Dialogs = func(all []DialogState) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.state = all
	}
	cfg.NewMedia = func(local netip.Addr, client bool) (Media, error) {
		m := &fakeMedia{local: local, client: client}
		p.mu.Lock()
		defer p.mu.Unlock()
		p.made = append(p.made, m)
		return m, nil
	}
	if o.log != nil {
		cfg.Log = slog.New(slog.NewTextHandler(o.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	for _, c := range change {
		c(&cfg)
	}
	ua, err := New(cfg)
	if err != nil {
		o.t.Fatal(err)
	}
	p.UA, p.proxy.ua = ua, ua
	server, client := o.certs.TLS(user + "@office")
	p.stack, err = stack.New(stack.Config{
		Listen: at.Addr(), TLSPort: at.Port(), NoClear: true, Handler: p.proxy, Log: cfg.Log,
		ServerTLS: server, ClientTLS: client, PeerUser: siptest.PeerUser, Net: network,
	})
	if err != nil {
		o.t.Fatal(err)
	}
	ours, theirs := p.stack.Loopback(user + "@office")
	p.proxy.flow = theirs
	ua.Attach(p.stack, ours)
	running, end := context.WithCancel(context.Background())
	over := make(chan error, 1)
	go func() { over <- p.stack.Run(running) }()
	p.rest = sync.OnceFunc(func() {
		end()
		if err := <-over; err != nil {
			o.t.Error("stack: ", err)
		}
	})
	ctx, stop := context.WithCancel(context.Background())
	p.stop = stop
	go func() { p.done <- ua.Run(ctx) }()
	o.t.Cleanup(p.end)
	return p
}

// telephone says what the office's telephones are: those with a number.
func telephone(user string) bool { return user != "" && user[0] >= '0' && user[0] <= '9' }

// Addr is where the telephone listens.
func (p *phone) Addr() netip.AddrPort { return p.stack.Addr(stack.TLS) }

// end stops the telephone and checks that what it opened is closed.
func (p *phone) end() {
	p.stop()
	go func() {
		for range p.Events() {
		}
	}()
	if err := <-p.done; err != nil {
		p.t.Error("Run: ", err)
	}
	p.done <- nil
	p.rest()
	for i, m := range p.made { // all goroutines are done
		if m.closed != 1 {
			p.t.Errorf("media %d closed %d times", i, m.closed)
		}
	}
}

// dialogs are the calls as presence last heard of them.
func (p *phone) dialogs() string {
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []string
	for _, d := range p.state {
		text := d.Remote + " " + d.State
		if d.Initiator {
			text = "to " + text
		}
		if d.Held {
			text += " held"
		}
		all = append(all, text)
	}
	return strings.Join(all, ", ")
}

// expect takes the next event, printed "offered from=101 ...", and returns it.
func (p *phone) expect(pattern string) Event {
	p.t.Helper()
	select {
	case e := <-p.Events():
		if text := fmt.Sprint(e); !regexp.MustCompile(pattern).MatchString(text) {
			p.t.Fatalf("event %q; want %s", text, pattern)
		}
		return e
	case <-time.After(5*time.Second + p.slack):
		p.t.Fatalf("no event; want %s", pattern)
	}
	return nil
}

func (p *phone) quiet(d time.Duration) {
	p.t.Helper()
	select {
	case e := <-p.Events():
		p.t.Fatalf("event %v; want none", e)
	case <-time.After(d):
	}
}

// stranger listens as a telephone of user at ip, to be called.
func (o *office) stranger(user, ip string) (net.Listener, *tls.Config) {
	o.t.Helper()
	l, err := o.net.Listen(netip.AddrPortFrom(netip.MustParseAddr(ip), 5061))
	if err != nil {
		o.t.Fatal(err)
	}
	o.t.Cleanup(func() { l.Close() })
	server, _ := o.certs.TLS(user + "@office")
	o.bind("sip:"+user+"@office", "sip:"+user+"@"+ip+":5061;transport=tls")
	return l, server
}

// caller connects to a telephone as user.
func (o *office) caller(user string, to *phone) *siptest.Peer {
	o.t.Helper()
	_, client := o.certs.TLS(user + "@office")
	conn, err := o.net.Dial(context.Background(), netip.MustParseAddr("10.9.9.9"), to.Addr())
	if err != nil {
		o.t.Fatal(err)
	}
	p := siptest.Dial(o.t, conn, client)
	p.Vars["User"], p.Vars["Me"] = user, to.cfg.User
	return p
}

func inBubble(t *testing.T, f func(o *office)) {
	synctest.Test(t, func(t *testing.T) { f(newOffice(t)) })
}
