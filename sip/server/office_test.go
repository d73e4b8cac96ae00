package server

import (
	"context"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"

	"chordophone/sip/auth"
	"chordophone/sip/digest"
	"chordophone/sip/location"
	"chordophone/sip/message"
	"chordophone/sip/proxy"
	"chordophone/sip/registrar"
	"chordophone/sip/siptest"
	"chordophone/sip/stack"
)

// office is phones with all of their SIP side but presence and a telephone's insides,
// and what they share, in memory.
type office struct {
	t      testing.TB
	net    *siptest.Network
	ca     *siptest.Office
	phones []*phone

	mu     sync.Mutex // guards what follows
	slow   time.Duration
	failed error
	looked int // look-ups
	most   int // ... at once
	now    int
	prompt bool                                   // look-ups take no time
	bound  map[string]map[string]location.Binding // by address and contact
	ends   map[string]time.Time                   // by contact
	box    []message.Message
}

func newOffice(t testing.TB) *office {
	return &office{t: t, net: siptest.NewNetwork(), ca: siptest.NewOffice(t),
		bound: map[string]map[string]location.Binding{}, ends: map[string]time.Time{}}
}

func bubble(t *testing.T, f func(t *testing.T, o *office)) {
	synctest.Test(t, func(t *testing.T) { f(t, newOffice(t)) })
}

const accounts = "201 202 203"

func (o *office) Lookup(_ context.Context, aor string) ([]location.Binding, error) {
	o.mu.Lock()
	o.looked++
	o.now++
	o.most = max(o.most, o.now)
	slow := o.slow
	o.mu.Unlock()
	time.Sleep(slow + time.Millisecond)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.now--
	if o.failed != nil {
		return nil, o.failed
	}
	return o.holds(aor)
}

// Known implements location.Prompt.
func (o *office) Known(aor string) (all []location.Binding, ok bool, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.prompt {
		return nil, false, nil
	}
	if o.failed != nil {
		return nil, true, o.failed
	}
	all, err = o.holds(aor)
	return all, true, err
}

func (o *office) holds(aor string) (all []location.Binding, err error) {
	name := strings.TrimPrefix(aor, "sip:")
	for _, p := range o.phones {
		if p.user == name {
			return []location.Binding{{Contact: "sip:" + name[:3] + "@" + p.ip.String() + ":5061;transport=tls", Expires: time.Hour}}, nil
		}
	}
	if user, domain, _ := strings.Cut(name, "@"); domain != "office" || !strings.Contains(accounts, user) {
		return nil, location.ErrNotFound
	}
	for _, b := range o.bound[aor] {
		if b.Expires = time.Until(o.ends[b.Contact]); b.Expires > 0 {
			all = append(all, b)
		}
	}
	slices.SortFunc(all, func(a, b location.Binding) int { return strings.Compare(a.Contact, b.Contact) })
	return all, nil
}

func (o *office) Register(_ context.Context, aor string, changes []location.Binding) ([]location.Binding, error) {
	time.Sleep(time.Millisecond)
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.bound[aor] == nil {
		o.bound[aor] = map[string]location.Binding{}
	}
	for _, b := range changes {
		o.bound[aor][b.Contact] = b
		o.ends[b.Contact] = time.Now().Add(b.Expires)
	}
	return o.holds(aor)
}

func (o *office) Put(_ context.Context, m message.Message) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.box = append(o.box, m)
	return nil
}

func (o *office) Waiting(_ context.Context, aor string) (out []message.Message, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, m := range o.box {
		if m.To == aor {
			out = append(out, m)
		}
	}
	return out, nil
}

func (o *office) Remove(_ context.Context, m message.Message) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.box = slices.DeleteFunc(o.box, func(k message.Message) bool { return k.ID == m.ID })
	return nil
}

func (o *office) kept() []message.Message {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.box)
}

func (o *office) Phone(at netip.AddrPort) (proxy.Phone, bool) {
	for _, p := range o.phones {
		if p.ip == at.Addr() && (at.Port() == 5060 || at.Port() == 5061) {
			return proxy.Phone{User: p.user, TLS: netip.AddrPortFrom(p.ip, 5061)}, true
		}
	}
	return proxy.Phone{}, false
}

func (o *office) Telephone(aor string) bool {
	return slices.ContainsFunc(o.phones, func(p *phone) bool { return p.user == aor })
}

func (o *office) has(at netip.Addr) bool {
	return slices.ContainsFunc(o.phones, func(p *phone) bool { return p.ip == at })
}

// phone is one with its server.
type phone struct {
	*office
	user     string
	ip       netip.Addr
	stack    *stack.Stack
	server   *Server
	mine     *stack.Flow // the telephone's end of its loopback
	stop     func()
	presence []string // what came there: method and user
	lost     int
	phone    struct {
		got     []*sip.Request
		status  int // its answer; 0: it rings
		ringing []*stack.ServerTx
		acks    int
	}
}

// trusted is a network that needs no password.
var trusted = netip.MustParsePrefix("10.0.7.0/24")

// phoneAt runs phone "101" at 10.0.0.1 and so on.
func (o *office) phoneAt(number string) *phone {
	o.t.Helper()
	p := &phone{office: o, user: number + "@office", ip: netip.AddrFrom4([4]byte{10, 0, 0, number[2] - '0'}), server: new(Server)}
	p.phone.status = 200
	trust := func(a netip.Addr) bool { return trusted.Contains(a) }
	sc := stack.Config{Listen: p.ip, UDPPort: 5060, TLSPort: 5061, Handler: p.server, PeerUser: o.ca.PeerUser, Net: o.net, Trusted: trust,
		Limits: stack.Limits{StrangerRate: 1e6, KnownRate: 1e6, TotalRate: 1e6}}
	sc.ServerTLS, sc.ClientTLS = o.ca.StackTLS(p.user)
	var err error
	if p.stack, err = stack.New(sc); err != nil {
		o.t.Fatal(err)
	}
	mine, telephone := p.stack.Loopback(p.user)
	postEnd, post := p.stack.Loopback(p.user)
	p.mine = mine
	reg := registrar.New(registrar.Config{Domain: "office", Node: p.user, Ring: o, Office: o.has, Server: func() netip.AddrPort { return netip.AddrPortFrom(p.ip, 5061) }})
	reg.Attach(p.stack)
	px := proxy.New(proxy.Config{Stack: p.stack, Domain: "office", Self: p.user, Telephone: telephone, Clients: reg, Phones: o,
		Allowed: p.server.Allowed, Challenge: p.server.Challenge, Reach: p.server.Reach})
	log := slog.New(slog.DiscardHandler)
	messages := message.New(message.Config{Stack: p.stack, Proxy: postEnd, Locate: o, Box: o, Served: reg.Addresses,
		Delivers:  func(context.Context, string) (bool, error) { return true, nil },
		Telephone: func(user string) bool { return o.Telephone(user + "@office") }, Log: log})
	reg.Registered(messages.Registered)
	p.server.Use(Config{
		Stack: p.stack, Domain: "office", Phone: mine, Post: post,
		Telephone: p, Proxy: px, Registrar: reg, Presence: watched{p}, Messages: messages,
		Gate: auth.New(auth.Config{Realm: "office", Secret: func(user string) (digest.Secret, bool) {
			return digest.NewSecret(user, "office", "pw"+user), len(user) == 3 && strings.Contains(accounts, user)
		}}),
		Locate: o, Number: o.Telephone, Office: o.has, Trusted: trust, Log: log,
	})
	o.phones = append(o.phones, p)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { p.stack.Run(ctx) })
	p.stop = func() {
		cancel()
		running.Wait()
	}
	o.t.Cleanup(p.stop)
	return p
}

// The telephone.

func (p *phone) Mine(uri sip.Uri, _ *stack.Flow) bool {
	return uri.User+"@office" == p.user && (uri.Host == "office" || uri.Host == p.ip.String())
}

func (p *phone) Request(tx *stack.ServerTx) {
	p.phone.got = append(p.phone.got, tx.Request)
	switch {
	case p.phone.status != 0 && tx.Request.Method == sip.INVITE:
		tx.Reply(p.phone.status, "Contact", "<sip:"+p.user[:3]+"@"+p.ip.String()+":5061;transport=tls>")
	case p.phone.status != 0:
		tx.Reply(p.phone.status)
	default:
		p.phone.ringing = append(p.phone.ringing, tx)
		tx.Cancelled = func(*sip.Request) { tx.Reply(487) }
		tx.Reply(180)
	}
}

func (p *phone) Ack(*stack.Flow, *sip.Request) { p.phone.acks++ }

func (p *phone) Lost(*stack.Flow) { p.lost++ }

// watched is presence.
type watched struct{ p *phone }

func (w watched) Request(tx *stack.ServerTx, user string) {
	w.p.presence = append(w.p.presence, string(tx.Request.Method)+" "+user)
	tx.Reply(200)
}

func (w watched) Lost(*stack.Flow) { w.p.lost++ }

// in runs f in the loop and waits.
func (p *phone) in(f func()) {
	done := make(chan struct{})
	if p.stack.Do(func() { f(); close(done) }) {
		<-done
	}
}

// rang is how often the telephone got a request of a method.
func (p *phone) rang(method sip.RequestMethod) (n int) {
	p.in(func() {
		for _, r := range p.phone.got {
			if r.Method == method {
				n++
			}
		}
	})
	return n
}
