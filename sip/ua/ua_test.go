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

	"chordophone/sip/location"
	"chordophone/sip/sdp"
	"chordophone/sip/siptest"
	"chordophone/sip/stack"

	"github.com/emiago/sipgo/sip"
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

// fakeMedia agrees with everything that does not say "refuse".
type fakeMedia struct {
	local  netip.Addr
	client bool

	mu     sync.Mutex
	log    []string
	closed int
}

func (m *fakeMedia) judge(what string, sdpText []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.log = append(m.log, what+" "+string(bytes.TrimSpace(sdpText)))
	if bytes.Contains(sdpText, []byte("refuse")) {
		return fmt.Errorf("%w: nothing in common", sdp.ErrNotAcceptable)
	}
	if bytes.Contains(sdpText, []byte("garbled")) {
		return fmt.Errorf("%w: garbled", sdp.ErrSyntax)
	}
	return nil
}

func (m *fakeMedia) Offer() ([]byte, error) { return []byte("v=0 offer\r\n"), m.judge("offer", nil) }
func (m *fakeMedia) Answer(sdp []byte) ([]byte, error) {
	return []byte("v=0 answer\r\n"), m.judge("answer", sdp)
}
func (m *fakeMedia) Accept(sdp []byte) error { return m.judge("accept", sdp) }

func (m *fakeMedia) Hold(on bool) ([]byte, error) {
	return fmt.Appendf(nil, "v=0 hold=%t\r\n", on), m.judge(fmt.Sprintf("hold=%t", on), nil)
}

func (m *fakeMedia) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed++
	return nil
}

func (m *fakeMedia) history() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return strings.Join(m.log, ", ")
}

type phone struct {
	*UA
	t     *testing.T
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

func (p *phone) media(i int) *fakeMedia {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.made[i]
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
	case <-time.After(5 * time.Second):
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

func TestCall(t *testing.T) {
	inBubble(t, func(o *office) {
		a, b := o.phone("101", "10.0.0.1"), o.phone("102", "10.0.0.2")
		for i := range 3 { // the second and third over the connection of the first
			call := fmt.Sprint("c", i)
			a.Dial(call, []string{"102", "sip:102@office", "sip:102@OFFICE"}[i])
			in := b.expect(`^offered from=101 name="Phone 101"$`).(Offered)
			a.expect(`^progress 180$`)
			b.Answer(in.Call)
			got := b.expect(`^answered peer=101$`).(Answered)
			if got.Media != b.media(i) {
				t.Error("not the media of this call")
			}
			a.expect(`^answered peer=102$`)
			time.Sleep(time.Minute)
			if i == 1 {
				b.Hangup(in.Call)
				b.expect(`^ended 200 by=us`)
				a.expect(`^ended 200 by=far`)
			} else {
				a.Hangup(call)
				a.expect(`^ended 200 by=us`)
				b.expect(`^ended 200 by=far`)
			}
		}
		if got := fmt.Sprint(a.media(0).client, b.media(0).client, a.media(0).local, b.media(0).local); got != "false false 10.0.0.1 10.0.0.2" {
			t.Error("media for client and at ", got)
		}
		if got := a.dialogs() + "; " + b.dialogs(); got != "to sip:102@office terminated; sip:101@office terminated" {
			t.Error("dialogs: ", got)
		}
		if got := a.media(0).history() + "; " + b.media(0).history(); got != "offer , accept v=0 answer; answer v=0 offer" {
			t.Error("negotiated ", got)
		}
	})
}

func TestBusyRejectCancel(t *testing.T) {
	inBubble(t, func(o *office) {
		a, b := o.phone("101", "10.0.0.1"), o.phone("102", "10.0.0.2")
		a.Dial("x", "102")
		in := b.expect("^offered").(Offered)
		b.Reject(in.Call, 486)
		b.expect("^ended 486 by=us")
		a.expect("^progress 180")
		a.expect(`^ended 486 by=far cause="Busy Here"`)

		a.Dial("y", "102")
		b.expect("^offered")
		a.expect("^progress 180")
		a.Hangup("y")
		a.expect("^ended 487 by=us")
		b.expect("^ended 487 by=far")

		a.in(func() { // before anything is sent
			a.dial("z", "102")
			a.step(a.call("z"), hangup{})
		})
		a.expect("^ended 487 by=us")
		synctest.Wait()
		b.quiet(time.Minute)
	})
}

func TestWrongNumbers(t *testing.T) {
	inBubble(t, func(o *office) {
		a := o.phone("101", "10.0.0.1")
		o.bind("sip:103@office")                                                              // no telephone now
		o.bind("sip:104@office", "sip:104@10.0.0.4:5061;transport=tls")                       // switched off
		o.bind("sip:105@office", "sip:105@10.0.0.1:5061;transport=tls", "sip:105@other.test") // a stale one of ours, a name
		o.stranger("106", "10.0.0.6")                                                         // ... but the ring says 107 is there
		o.bind("sip:107@office", "sip:107@10.0.0.6:5061;transport=tls")
		o.bind("sip:108@office", "sip:108@10.0.0.8:5061;transport=tls")
		o.net.Silence(netip.MustParseAddrPort("10.0.0.8:5061"), true)
		for number, want := range map[string]string{
			"999": "404", "103": "480", "104": "480", "105": "480", "108": "480", "101": "486",
			"": "404", "102@office": "404", "sip:102@elsewhere": "404", "sip:102": "404", "1 0": "404",
			"102\r\nX-Evil: 1": "404", "sip:102\r\n@office": "404", "tel:102": "404", "102;user=phone": "404", "10%32": "404",
		} {
			start := time.Now()
			a.Dial("c "+number, number)
			a.expect("^ended " + want + " by=us")
			if d := time.Since(start); d > 3*time.Second {
				t.Errorf("%q took %v", number, d)
			}
		}
		o.slow = true
		a.Dial("slow", "102")
		a.quiet(4 * time.Second)
		a.expect("^ended 503 by=us")
	})
}

// The case of an office's name matters to nobody but the location service, which
// is asked for it as it is configured.
func TestOfficeNameCase(t *testing.T) {
	inBubble(t, func(o *office) {
		named := func(c *Config) { c.Domain = "Office" }
		a, b := o.phone("101", "10.0.0.1", named), o.phone("102", "10.0.0.2")
		o.bind("sip:102@Office", b.Contact(b.Addr().Addr()))
		a.Dial("x", "sip:102@office")
		b.expect("^offered from=101")
		a.expect("^progress 180")
		b.Dial("y", "101")
		a.expect("^offered from=102")
		b.expect("^progress 180")
	})
}

// A telephone whose certificate is of another number is not called.
func TestWrongTelephone(t *testing.T) {
	inBubble(t, func(o *office) {
		a, b := o.phone("101", "10.0.0.1"), o.phone("102", "10.0.0.2")
		o.bind("sip:103@office", "sip:103@10.0.0.2:5061;transport=tls")
		a.Dial("x", "103")
		a.expect("^ended 480")
		a.Dial("y", "102") // also over a connection that is there already
		b.expect("^offered")
		a.expect("^progress")
		a.Dial("z", "103")
		a.expect("^ended 480")
		b.quiet(time.Second)
	})
}

// The dialog outlives its connection; BYE makes a new one.
func TestConnectionBreaks(t *testing.T) {
	inBubble(t, func(o *office) {
		a, b := o.phone("101", "10.0.0.1"), o.phone("102", "10.0.0.2")
		talk := func(call string) {
			a.Dial(call, "102")
			in := b.expect("^offered").(Offered)
			a.expect("^progress")
			b.Answer(in.Call)
			b.expect("^answered")
			a.expect("^answered")
		}
		talk("x")
		o.net.Cut()
		a.quiet(time.Minute)
		a.Hangup("x")
		a.expect("^ended 200 by=us")
		b.expect("^ended 200 by=far")

		// An old connection without a telephone at its end costs 3 s, once.
		talk("y")
		a.Hangup("y")
		a.expect("^ended 200")
		b.expect("^ended 200")
		synctest.Wait()
		o.net.Freeze()
		start := time.Now()
		a.Dial("z", "102")
		b.expect("^offered")
		if d := time.Since(start); d != 3*time.Second {
			t.Error("after ", d)
		}
		a.expect("^progress")

		// The caller loses its power: the telephone stops ringing.
		o.net.Cut()
		b.expect(`^ended 487 by=far`)
		a.expect(`^ended 480`)
	})
}

func TestRunEndsPolitely(t *testing.T) {
	inBubble(t, func(o *office) {
		a, b, c := o.phone("101", "10.0.0.1"), o.phone("102", "10.0.0.2"), o.phone("103", "10.0.0.3")
		a.Dial("x", "102")
		in := b.expect("^offered").(Offered)
		a.expect("^progress")
		b.Answer(in.Call)
		b.expect("^answered")
		a.expect("^answered")
		a.Dial("y", "103")
		c.expect("^offered")
		a.expect("^progress")
		b.Dial("z", "101")
		a.expect("^offered")
		b.expect("^progress")
		a.stop()
		start := time.Now()
		for range 3 {
			a.expect("^ended (200|487|480) by=us")
		}
		b.expect("^ended (200|480)")
		b.expect("^ended (200|480)")
		c.expect("^ended 487 by=far")
		if _, open := <-a.Events(); open {
			t.Error("events still open")
		}
		if d := time.Since(start); d > farewell/2 { // everybody has answered
			t.Error("took ", d)
		}
		a.Dial("w", "102") // has no effect, and does no harm
	})
}

func TestTooManyCalls(t *testing.T) {
	inBubble(t, func(o *office) {
		a, b := o.phone("101", "10.0.0.1"), o.phone("102", "10.0.0.2", func(c *Config) { c.MaxCalls = 4 })
		for i := range 9 {
			a.Dial(fmt.Sprint(i), "102")
		}
		got := map[string]int{}
		for range 11 {
			select {
			case e := <-a.Events():
				got[fmt.Sprintf("%.11s", fmt.Sprint(e))]++
			case e := <-b.Events():
				got[fmt.Sprintf("in %.7s", fmt.Sprint(e))]++
			case <-time.After(time.Second):
			}
		}
		if want := "map[ended 486 b:6 ended 503 b:1 in offered:2 progress 18:2]"; fmt.Sprint(got) != want {
			t.Errorf("%v, want %v", got, want)
		}
	})
}

// Over real connections, and in the time that a user notices.
func TestLoopback(t *testing.T) {
	o := newOffice(t)
	real := func(user, ip string) *phone {
		p := o.start(user, netip.AddrPortFrom(netip.MustParseAddr(ip), 0), nil)
		o.bind("sip:"+user+"@office", p.Contact(p.Addr().Addr()))
		return p
	}
	a, b := real("101", "127.0.32.1"), real("102", "127.0.32.2")
	for i := range 5 {
		call := fmt.Sprint(i)
		start := time.Now()
		a.Dial(call, "102")
		in := b.expect("^offered").(Offered)
		a.expect("^progress 180")
		t.Logf("post-dial delay %v", time.Since(start).Round(10*time.Microsecond))
		b.Answer(in.Call)
		b.expect("^answered")
		a.expect("^answered")
		a.Hangup(call)
		a.expect("^ended 200")
		b.expect("^ended 200")
	}
}

func TestNew(t *testing.T) {
	good := Config{User: "101", Domain: "office", Local: netip.MustParseAddr("127.0.0.1"), Locate: newOffice(t), Telephone: telephone,
		NewMedia: func(netip.Addr, bool) (Media, error) { return &fakeMedia{}, nil }}
	if _, err := New(good); err != nil {
		t.Fatal(err)
	}
	for what, change := range map[string]func(*Config){
		"address.*hint": func(c *Config) { c.User = "1 01" },
		"hint":          func(c *Config) { c.Domain = "of fice" },
		"lacks":         func(c *Config) { c.Locate = nil },
		"Local":         func(c *Config) { c.Local = netip.Addr{} },
		"Telephone":     func(c *Config) { c.Telephone = nil },
	} {
		cfg := good
		change(&cfg)
		if _, err := New(cfg); err == nil || !regexp.MustCompile(what).MatchString(err.Error()) {
			t.Errorf("want %s, got %v", what, err)
		}
	}
}
