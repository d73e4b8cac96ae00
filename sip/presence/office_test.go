package presence

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"chordophone/sip/location"
	"chordophone/sip/presence/document"
	"chordophone/sip/siptest"
	"chordophone/sip/stack"
	"chordophone/sip/wire"

	"github.com/emiago/sipgo/sip"
)

// office is some phones, on a network whose plugs can be pulled, and what their
// ring and their owners know.
type office struct {
	t     *testing.T
	net   *plugs
	ca    *siptest.Office
	mu    sync.Mutex
	bound map[string][]location.Binding
	fail  error // of look-ups
	looks atomic.Int64
	lists map[string][]Contact
	deny  map[string]bool // "watcher target"
	boxes map[string][2]int
}

func newOffice(t *testing.T) *office {
	return &office{
		t: t, net: &plugs{Network: siptest.NewNetwork(), pulled: map[netip.Addr]int{}}, ca: siptest.NewOffice(t),
		bound: map[string][]location.Binding{}, lists: map[string][]Contact{}, deny: map[string]bool{}, boxes: map[string][2]int{},
	}
}

func (o *office) Lookup(_ context.Context, aor string) ([]location.Binding, error) {
	o.looks.Add(1)
	o.mu.Lock()
	defer o.mu.Unlock()
	aor, ok := strings.CutPrefix(aor, "sip:")
	if !ok {
		panic(aor)
	}
	if o.fail != nil {
		return nil, o.fail
	}
	if b := o.bound[aor]; b != nil {
		return b, nil
	}
	return nil, location.ErrNotFound
}

func (o *office) List(_ context.Context, owner string) ([]Contact, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.lists[owner], nil
}

func (o *office) May(watcher, target string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return !o.deny[watcher+" "+target]
}

func (o *office) Waiting(aor string) (int, int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.boxes[aor][0], o.boxes[aor][1]
}

func (o *office) set(f func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	f()
}

// phone is a phone of the office; client, a client with a stack of its own.
type phone struct {
	*stack.Stack
	o     *office
	ip    netip.Addr
	self  string
	agent *Agent
	stop  func()
}

// phone runs one at 10.0.0.N, and binds its number.
func (o *office) phone(n int) *phone {
	o.t.Helper()
	p := &phone{o: o, ip: netip.AddrFrom4([4]byte{10, 0, 0, byte(n)}), self: fmt.Sprintf("%d@office", 100+n)}
	p.start()
	o.set(func() {
		o.bound[p.self] = []location.Binding{{Contact: fmt.Sprintf("sip:%d@%v:5061;transport=tls", 100+n, p.ip), Expires: time.Hour}}
	})
	return p
}

func (p *phone) start() {
	p.o.t.Helper()
	cfg := stack.Config{Listen: p.ip, UDPPort: 5060, TLSPort: 5061, Handler: p, Net: p.o.net.at(p.ip), PeerUser: p.o.ca.PeerUser}
	cfg.ServerTLS, cfg.ClientTLS = p.o.ca.StackTLS(p.self)
	p.Stack, p.stop = run(p.o.t, cfg)
	p.agent = New(Config{
		Stack: p.Stack, Domain: "office", Self: p.self, Locate: p.o, Lists: p.o, Policy: p.o, Mailboxes: p.o,
		Rand: rand.New(rand.NewPCG(1, uint64(p.ip.As4()[3]))),
	})
}

func run(t *testing.T, cfg stack.Config) (*stack.Stack, func()) {
	t.Helper()
	s, err := stack.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { s.Run(ctx) })
	stop := func() { cancel(); wg.Wait() }
	t.Cleanup(stop)
	return s, stop
}

// Request stands for the server: phones are who their certificate says, clients are
// whoever they say they are, and strangers are told apart by their name.
func (p *phone) Request(tx *stack.ServerTx) {
	user := tx.Flow.Peer()
	if user == "" {
		if user = wire.AOR(tx.Request.From().Address); strings.HasPrefix(user, "stranger") {
			user = ""
		} else {
			tx.Flow.Know(user)
		}
	}
	p.agent.Request(tx, user)
}

func (p *phone) Ack(*stack.Flow, *sip.Request) {}
func (p *phone) Lost(f *stack.Flow)            { p.agent.Lost(f) }

// in runs f in the loop and waits for it.
func (p *phone) in(f func()) { in(p.Stack, f) }

func in(s *stack.Stack, f func()) {
	done := make(chan struct{})
	if s.Do(func() { f(); close(done) }) {
		<-done
	}
}

func (p *phone) stats() (s Stats) {
	p.in(func() { s = p.agent.Stats() })
	return s
}

// register binds a client's address at this phone.
func (p *phone) register(aor string) {
	p.o.set(func() {
		p.o.bound[aor] = append(p.o.bound[aor], location.Binding{
			Contact: "sip:x@10.0.9.9", Expires: time.Hour, Server: netip.AddrPortFrom(p.ip, 5061), Node: p.self})
	})
	p.in(func() { p.agent.Registered(aor) })
}

func (p *phone) calls(aor string, states ...string) {
	var list []DialogState
	for i, s := range states {
		held := strings.TrimPrefix(s, "held ")
		list = append(list, DialogState{ID: fmt.Sprint(i), CallID: "c", State: held, Held: held != s, Remote: "sip:199@office"})
	}
	p.in(func() { p.agent.Dialogs(aor, list) })
}

// client is a program that somebody has on his desk: it subscribes and keeps what
// it is told.
type client struct {
	*stack.Stack
	t      *testing.T
	ip     netip.Addr
	stop   func()
	answer int // to NOTIFY; 0: 200, -1: none
	mu     sync.Mutex
	got    []*sip.Request
	seq    uint32
}

func (o *office) client(ip string) *client {
	o.t.Helper()
	c := &client{t: o.t, ip: netip.MustParseAddr(ip)}
	cfg := stack.Config{Listen: c.ip, UDPPort: 5060, TLSPort: 5061, Handler: c, Net: o.net.at(c.ip), PeerUser: o.ca.PeerUser,
		Limits: stack.Limits{StrangerRate: 1e5, TotalRate: 1e5}}
	cfg.ServerTLS, cfg.ClientTLS = o.ca.StackTLS("nobody")
	c.Stack, c.stop = run(o.t, cfg)
	return c
}

func (c *client) Request(tx *stack.ServerTx) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.answer < 0 {
		return
	}
	c.got = append(c.got, tx.Request)
	if c.answer > 0 {
		tx.Reply(c.answer)
	} else {
		tx.Reply(200)
	}
}

func (c *client) Ack(*stack.Flow, *sip.Request) {}
func (c *client) Lost(*stack.Flow)              {}

func (c *client) set(answer int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answer = answer
}

// notified is all NOTIFYs of a Call-ID, or of all.
func (c *client) notified(callID string) []*sip.Request {
	c.mu.Lock()
	defer c.mu.Unlock()
	var list []*sip.Request
	for _, r := range c.got {
		if callID == "" || string(*r.CallID()) == callID {
			list = append(list, r)
		}
	}
	return list
}

// last is the latest of them, which must be there.
func (c *client) last(callID string) *sip.Request {
	c.t.Helper()
	all := c.notified(callID)
	if len(all) == 0 {
		c.t.Fatalf("no NOTIFY of %q", callID)
	}
	return all[len(all)-1]
}

func (c *client) presence(callID string) document.Presence {
	c.t.Helper()
	p, err := document.ParsePresence(c.last(callID).Body())
	if err != nil {
		c.t.Fatal(err)
	}
	return p
}

func (c *client) dialogs(callID string) document.DialogInfo {
	c.t.Helper()
	d, err := document.ParseDialogInfo(c.last(callID).Body())
	if err != nil {
		c.t.Fatal(err)
	}
	return d
}

// ask sends a request and waits for the final response. Fields come in pairs; "to"
// is a tag in To, a body comes as "body".
func (c *client) ask(to stack.Target, method sip.RequestMethod, user, target, callID string, fields ...string) *sip.Response {
	c.t.Helper()
	c.seq++
	var uri sip.Uri
	if err := sip.ParseUri(target, &uri); err != nil {
		c.t.Fatal(err)
	}
	name, host, _ := strings.Cut(user, "@")
	req := sip.NewRequest(method, uri)
	hops := sip.MaxForwardsHeader(70)
	from := &sip.FromHeader{Address: sip.Uri{Scheme: "sip", User: name, Host: host}}
	from.Params.Add("tag", "near"+callID)
	far := &sip.ToHeader{Address: sip.Uri{Scheme: "sip", User: uri.User, Host: "office"}}
	id := sip.CallIDHeader(callID)
	for _, h := range []sip.Header{&hops, from, far, &id, &sip.CSeqHeader{SeqNo: c.seq, MethodName: method}} {
		req.AppendHeader(h)
	}
	transport := ""
	if to.Transport == stack.TCP {
		transport = ";transport=tcp"
	}
	req.AppendHeader(sip.NewHeader("Contact", fmt.Sprintf("<sip:%s@%v:5060%s>", name, c.ip, transport)))
	var body []byte
	for i := 0; i < len(fields); i += 2 {
		switch fields[i] {
		case "to":
			far.Params.Add("tag", fields[i+1])
		case "body":
			body = []byte(fields[i+1])
		default:
			req.AppendHeader(sip.NewHeader(fields[i], fields[i+1]))
		}
	}
	req.SetBody(body)
	answer := make(chan *sip.Response, 1)
	c.Do(func() {
		c.Connect(to, func(f *stack.Flow, _ bool, err error) {
			if err != nil {
				c.t.Error(err)
				close(answer)
				return
			}
			c.Stack.Request(f, req, func(r *sip.Response) {
				if r.StatusCode >= 200 {
					answer <- r
				}
			}, func(err error) {
				c.t.Error(callID, err)
				close(answer)
			})
		})
	})
	r := <-answer
	if r == nil {
		c.t.Fatal("no answer")
	}
	return r
}

func (p *phone) udp() stack.Target {
	return stack.Target{Transport: stack.UDP, Addr: netip.AddrPortFrom(p.ip, 5060)}
}
func (p *phone) tcp() stack.Target {
	return stack.Target{Transport: stack.TCP, Addr: netip.AddrPortFrom(p.ip, 5060)}
}

// subscribe subscribes and returns the tag that the phone chose.
func (c *client) subscribe(to stack.Target, user, event, target, callID string, fields ...string) (tag string) {
	c.t.Helper()
	res := c.ask(to, sip.SUBSCRIBE, user, "sip:"+target, callID, append([]string{"Event", event}, fields...)...)
	if res.StatusCode != 200 {
		c.t.Fatalf("%s: %d", callID, res.StatusCode)
	}
	return wire.Tag(res.To().Params)
}

// plugs is a network of which single addresses can be cut off: connections hang,
// and what is written to them is gone.
type plugs struct {
	*siptest.Network
	mu     sync.Mutex
	pulled map[netip.Addr]int // odd: it is
}

func (n *plugs) plug(ip netip.Addr, in bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if in == (n.pulled[ip]%2 == 1) {
		n.pulled[ip]++
	}
	n.Silence(netip.AddrPortFrom(ip, 5060), !in)
	n.Silence(netip.AddrPortFrom(ip, 5061), !in)
}

func (n *plugs) state(ip netip.Addr) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.pulled[ip]
}

// at is the network as a machine at ip has it.
func (n *plugs) at(ip netip.Addr) stack.Net { return &socketed{n, ip} }

type socketed struct {
	*plugs
	ip netip.Addr
}

// Dial asks for the connection once a second, as TCP does.
func (s *socketed) Dial(ctx context.Context, from netip.Addr, to netip.AddrPort) (net.Conn, error) {
	for {
		there, here := s.state(to.Addr()), s.state(s.ip)
		if there%2+here%2 == 0 {
			c, err := s.Network.Dial(ctx, from, to)
			if err != nil {
				return nil, err
			}
			return &wired{Conn: c, plugs: s.plugs, a: s.ip, b: to.Addr(), wasA: here, wasB: there}, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(time.Second):
		}
	}
}

func (s *socketed) Listen(addr netip.AddrPort) (net.Listener, error) {
	l, err := s.Network.Listen(addr)
	return &listening{l, s}, err
}

type listening struct {
	net.Listener
	s *socketed
}

func (l *listening) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	far := netip.MustParseAddrPort(c.RemoteAddr().String()).Addr()
	return &wired{Conn: c, plugs: l.s.plugs, a: l.s.ip, b: far, wasA: l.s.state(l.s.ip), wasB: l.s.state(far)}, nil
}

// wired is a connection that dies silently with either plug.
type wired struct {
	net.Conn
	plugs      *plugs
	a, b       netip.Addr
	wasA, wasB int
}

func (c *wired) Write(b []byte) (int, error) {
	if c.plugs.state(c.a) != c.wasA || c.plugs.state(c.b) != c.wasB {
		return len(b), nil
	}
	return c.Conn.Write(b)
}

func tcpAddr(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }
