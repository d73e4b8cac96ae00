package proxy

import (
	"context"
	"net"
	"net/netip"
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

// office is phones with proxies, and clients, in memory.
type office struct {
	t        testing.TB
	net      *siptest.Network
	ca       *siptest.Office
	phones   []*phone
	bindings map[string][]location.Binding // of each address of record
}

// phone is what a server above the proxy does, without asking for passwords.
type phone struct {
	*office
	user    string
	ip      netip.Addr
	stack   *stack.Stack
	proxy   *Proxy
	ua      func(tx *stack.ServerTx) // the telephone
	stop    func()                   // ends the phone
	toProxy *stack.Flow              // the telephone's end of the loopback
	allowed func(*stack.Flow, *sip.Request) bool

	mu     sync.Mutex // guards what follows
	states []DialogState
	acks   int // that the telephone got
}

func bubble(t *testing.T, f func(t *testing.T, o *office)) {
	synctest.Test(t, func(t *testing.T) { f(t, newOffice(t)) })
}

func newOffice(t testing.TB) *office {
	return &office{t: t, net: siptest.NewNetwork(), ca: siptest.NewOffice(t), bindings: map[string][]location.Binding{}}
}

// phone runs phone number "101" at 10.0.0.1, and so on.
func (o *office) phone(number string, edit ...func(*Config, *stack.Config)) *phone {
	o.t.Helper()
	p := &phone{office: o, user: number + "@office"}
	p.ip = netip.AddrFrom4([4]byte{10, 0, 0, number[2] - '0'})
	cfg := Config{Domain: "office", Self: p.user, Clients: p, Phones: o, Dialogs: p.dialogs,
		Allowed: func(f *stack.Flow, r *sip.Request) bool { return p.allowed != nil && p.allowed(f, r) }}
	sc := stack.Config{Listen: p.ip, UDPPort: 5060, TLSPort: 5061, Handler: p, PeerUser: o.ca.PeerUser,
		Limits: stack.Limits{StrangerRate: 1e6, KnownRate: 1e6, TotalRate: 1e6, Transactions: 1e6}}
	if o.net != nil {
		sc.Net = o.net
	}
	sc.ServerTLS, sc.ClientTLS = o.ca.StackTLS(p.user)
	for _, e := range edit {
		e(&cfg, &sc)
	}
	s, err := stack.New(sc)
	if err != nil {
		o.t.Fatal(err)
	}
	cfg.Stack, p.stack = s, s
	cfg.Telephone, p.toProxy = s.Loopback(p.user)
	p.proxy = New(cfg)
	o.phones = append(o.phones, p)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { s.Run(ctx) })
	p.stop = func() {
		cancel()
		wg.Wait()
	}
	o.t.Cleanup(p.stop)
	return p
}

func (p *phone) Request(tx *stack.ServerTx) {
	req := tx.Request
	aor := wire.AOR(req.Recipient)
	switch {
	case tx.Flow == p.toProxy, tx.Flow.Transport() == stack.TLS && tx.Flow.Peer() != "" && strings.HasPrefix(aor, p.user[:3]):
		p.ua(tx)
	case wire.Tag(req.To().Params) == "" && strings.HasSuffix(aor, "@office"):
		p.proxy.Forward(tx, p.proxy.Targets(aor, p.bindings[aor]))
	default:
		p.proxy.Route(tx)
	}
}

func (p *phone) Ack(f *stack.Flow, req *sip.Request) {
	if f == p.toProxy {
		p.mu.Lock()
		p.acks++
		p.mu.Unlock()
		return
	}
	p.proxy.Ack(f, req)
}

func (p *phone) Lost(*stack.Flow) {}

func (p *phone) dialogs(aor string, d DialogState) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.states = append(p.states, d)
}

// heard is what is known of a client's parts in calls: "recipient early" and so on.
func (p *phone) heard(aor string) (list []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	user, _, _ := strings.Cut(aor, "@")
	for _, d := range p.states {
		role := "recipient "
		if d.Initiator {
			role = "initiator "
		}
		if !strings.Contains(d.Remote, user) {
			list = append(list, role+d.State.String())
		}
	}
	return list
}

// Served finds a client by user, host and port of its contact.
func (p *phone) Served(uri sip.Uri) (string, location.Binding, bool) {
	for aor, list := range p.bindings {
		for _, b := range list {
			if c, _ := wire.ParseURI(b.Contact); b.Node == p.user && c.User == uri.User && c.Host == uri.Host && c.Port == uri.Port {
				return aor, b, true
			}
		}
	}
	return "", location.Binding{}, false
}

func (o *office) Phone(at netip.AddrPort) (Phone, bool) {
	for _, p := range o.phones {
		if at.Addr() == p.ip && (at.Port() == 5060 || at.Port() == 5061) {
			return Phone{p.user, netip.AddrPortFrom(p.ip, 5061)}, true
		}
	}
	return Phone{}, false
}

func (o *office) Telephone(aor string) bool {
	for _, p := range o.phones {
		if p.user == aor {
			return true
		}
	}
	return false
}

// in runs f in the phone's loop and waits for it.
func (p *phone) in(f func()) {
	done := make(chan struct{})
	if p.stack.Do(func() { f(); close(done) }) {
		<-done
	}
}

// idle fails unless the proxy remembers nothing.
func (p *phone) idle() {
	p.t.Helper()
	p.in(func() {
		if n := p.proxy; len(n.calls) != 0 || n.inviting != 0 || n.dialogs != 0 {
			p.t.Errorf("%s still has %d calls, %d INVITEs, %d dialogs", p.user, len(n.calls), n.inviting, n.dialogs)
		}
	})
}

// client is an existing telephone at 10.0.1.N.
type client struct {
	*siptest.Peer
	t    testing.TB
	user string
	at   netip.AddrPort
	own  string // its contact
	conn *anybody
}

// anybody makes a connection of a PacketConn: it hears all, and answers where the
// last message came from.
type anybody struct {
	net.PacketConn
	mu   sync.Mutex
	to   net.Addr
	rest []byte
}

func (a *anybody) Read(b []byte) (int, error) {
	for len(a.rest) == 0 {
		buf := make([]byte, 64<<10)
		n, from, err := a.ReadFrom(buf)
		if err != nil {
			return 0, err
		}
		a.mu.Lock()
		a.to = from
		a.mu.Unlock()
		a.rest = buf[:n]
	}
	n := copy(b, a.rest)
	a.rest = a.rest[n:]
	return n, nil
}

func (a *anybody) Write(b []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.WriteTo(b, a.to)
}

func (a *anybody) RemoteAddr() net.Addr { return nil }

// client registers user "202" on UDP at 10.0.1.2 with a phone.
func (p *phone) client(user string) *client {
	p.t.Helper()
	at := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 1, user[2] - '0'}), 5060)
	conn, err := p.net.Packets(at)
	if err != nil {
		p.t.Fatal(err)
	}
	a := &anybody{PacketConn: conn, to: net.UDPAddrFromAddrPort(netip.AddrPortFrom(p.ip, 5060))}
	c := &client{Peer: siptest.NewPeer(p.t, a), t: p.t, user: user, at: at, own: "sip:" + user + "@" + at.String(), conn: a}
	c.Vars["Me"], c.Vars["Contact"], c.Vars["Sent-By"] = user, c.own, "UDP "+at.String()
	c.Vars["Tag"] = "t" + user
	p.bind(user+"@office", c.own, "")
	return c
}

// connected registers a user over TCP.
func (p *phone) connected(user string) *client {
	p.t.Helper()
	ip := netip.AddrFrom4([4]byte{10, 0, 1, user[2] - '0'})
	conn, err := p.net.Dial(context.Background(), ip, netip.AddrPortFrom(p.ip, 5060))
	if err != nil {
		p.t.Fatal(err)
	}
	c := &client{Peer: siptest.NewPeer(p.t, conn), t: p.t, user: user, own: "sip:" + user + "@" + ip.String() + ";transport=tcp"}
	c.Vars["Me"], c.Vars["Contact"], c.Vars["Sent-By"] = user, c.own, "TCP "+ip.String()
	c.Vars["Tag"] = "t" + user
	return c
}

func (p *phone) bind(aor, contact, flow string) {
	p.in(func() {
		p.bindings[aor] = append(p.bindings[aor], location.Binding{Contact: contact, Expires: time.Hour, Node: p.user,
			Server: netip.AddrPortFrom(p.ip, 5061), Flow: flow, Q: 1000})
	})
}

// aim has what the client sends go to a phone.
func (c *client) aim(p *phone) {
	c.conn.mu.Lock()
	defer c.conn.mu.Unlock()
	c.conn.to = net.UDPAddrFromAddrPort(netip.AddrPortFrom(p.ip, 5060))
}

// invite calls a user; extra are further fields.
func (c *client) invite(to, extra string) {
	c.Vars["Call"], c.Vars["Branch-Of-Invite"] = wire.Token(), "z9hG4bK"+wire.Token()
	c.Vars["Far"] = to
	c.Send(`INVITE sip:` + to + `@office SIP/2.0
Via: SIP/2.0/${Sent-By};branch=${Branch-Of-Invite}
Max-Forwards: 70
From: "A caller" <sip:${Me}@office>;tag=t${Me}
To: <sip:` + to + `@office>
Call-ID: ${Call}
CSeq: 1 INVITE
Contact: <${Contact}>
` + strings.TrimLeft(extra, "\n") + `Content-Type: application/sdp

v=0
`)
}

// all writes out every field of a name that the last message has.
func all(m siptest.Message, name string) string {
	var b strings.Builder
	for _, v := range m.Header[name] {
		b.WriteString(name + ": " + v + "\n")
	}
	return b.String()
}

// answer responds to what the client expected last.
func (c *client) answer(status, extra string) { c.answerTo(c.Last, status, extra) }

func (c *client) answerTo(m siptest.Message, status, extra string) {
	to := m.Get("To")
	if !strings.Contains(to, "tag=") && !strings.HasPrefix(status, "100") {
		to += ";tag=t" + c.user
	}
	c.Send("SIP/2.0 " + status + "\n" + all(m, "Via") + all(m, "Record-Route") + "From: " + m.Get("From") + "\nTo: " + to +
		"\nCall-ID: " + m.Get("Call-Id") + "\nCSeq: " + m.Get("Cseq") + "\nContact: <" + c.own + ">\n" + strings.TrimLeft(extra, "\n"))
}

// dialogOf is what an in-dialog request says, made of the INVITE or its response
// that the client got: it is the callee of an INVITE, the caller of a response.
func (c *client) dialogOf(m siptest.Message) func(method, cseq, extra string) string {
	routes := append([]string(nil), m.Header["Record-Route"]...)
	from, to := m.Get("To"), m.Get("From")
	if strings.HasPrefix(m.Start, "SIP/2.0") {
		from, to = to, from
		for i, j := 0, len(routes)-1; i < j; i, j = i+1, j-1 {
			routes[i], routes[j] = routes[j], routes[i]
		}
	} else if !strings.Contains(from, "tag=") {
		from += ";tag=t" + c.user
	}
	target := strings.Trim(m.Get("Contact"), "<>")
	return func(method, cseq, extra string) string {
		var b strings.Builder
		b.WriteString(method + " " + target + " SIP/2.0\nVia: SIP/2.0/${Sent-By};branch=z9hG4bK" + wire.Token() + "\nMax-Forwards: 70\n")
		for _, r := range routes {
			b.WriteString("Route: " + r + "\n")
		}
		b.WriteString("From: " + from + "\nTo: " + to + "\nCall-ID: " + m.Get("Call-Id") + "\nCSeq: " + cseq + " " + method + "\n")
		if method == "INVITE" {
			b.WriteString("Contact: <${Contact}>\n")
		}
		return b.String() + strings.TrimLeft(extra, "\n")
	}
}

// same fails unless two lists are the same.
func same(t testing.TB, what string, got []string, want ...string) {
	t.Helper()
	if strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

func addr(text string) netip.AddrPort { return netip.MustParseAddrPort(text) }

// bindTelephone registers a phone's own telephone.
func (p *phone) bindTelephone(q *phone) {
	p.in(func() {
		p.bindings[q.user] = []location.Binding{{Contact: "sip:" + strings.TrimSuffix(q.user, "@office") + "@" + q.ip.String() + ":5061;transport=tls", Expires: time.Hour}}
	})
}

// telephoneRequest is what telephone 101 sends.
func telephoneRequest(method sip.RequestMethod, to string) *sip.Request {
	uri, _ := wire.ParseURI(to)
	req := sip.NewRequest(method, uri)
	hops := sip.MaxForwardsHeader(70)
	id := sip.CallIDHeader(wire.Token())
	from := &sip.FromHeader{Address: sip.Uri{Scheme: "sip", User: "101", Host: "office"}}
	from.Params.Add("tag", "near")
	for _, h := range []sip.Header{&hops, from, &sip.ToHeader{Address: uri}, &id, &sip.CSeqHeader{SeqNo: 1, MethodName: method},
		sip.NewHeader("Contact", "<sip:101@10.0.0.1:5061;transport=tls>")} {
		req.AppendHeader(h)
	}
	req.SetBody(nil)
	return req
}
