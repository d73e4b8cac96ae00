package proxy

import (
	"context"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"

	"chordophone/sip/location"
	"chordophone/sip/siptest"
	"chordophone/sip/stack"
	"chordophone/sip/wire"
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

func (p *phone) bind(aor, contact, flow string) {
	p.in(func() {
		p.bindings[aor] = append(p.bindings[aor], location.Binding{Contact: contact, Expires: time.Hour, Node: p.user,
			Server: netip.AddrPortFrom(p.ip, 5061), Flow: flow, Q: 1000})
	})
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
