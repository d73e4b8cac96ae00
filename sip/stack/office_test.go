package stack

import (
	"context"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"chordophone/sip/siptest"

	"github.com/emiago/sipgo/sip"
)

var (
	nearIP = netip.MustParseAddr("10.0.0.1")
	farIP  = netip.MustParseAddr("10.0.0.2")
)

// user is a handler that does what a test says, and keeps what it saw.
type user struct {
	request func(*ServerTx)
	ack     func(*Flow, *sip.Request)
	lost    func(*Flow)
}

func (u *user) Request(t *ServerTx) {
	if u.request == nil {
		t.Reply(200)
		return
	}
	u.request(t)
}

func (u *user) Ack(f *Flow, r *sip.Request) {
	if u.ack != nil {
		u.ack(f, r)
	}
}

func (u *user) Lost(f *Flow) {
	if u.lost != nil {
		u.lost(f)
	}
}

// office is a network with a certificate authority.
type office struct {
	t   testing.TB
	net *siptest.Network
	ca  *siptest.Office
}

func newOffice(t testing.TB) *office {
	return &office{t, siptest.NewNetwork(), siptest.NewOffice(t)}
}

// phone runs a stack at an address until the test ends.
func (o *office) phone(name string, ip netip.Addr, u *user, edit ...func(*Config)) *Stack {
	o.t.Helper()
	cfg := Config{Listen: ip, UDPPort: 5060, TLSPort: 5061, Handler: u, Net: o.net, PeerUser: o.ca.PeerUser}
	cfg.ServerTLS, cfg.ClientTLS = o.ca.StackTLS(name)
	for _, e := range edit {
		e(&cfg)
	}
	return run(o.t, cfg)
}

func run(t testing.TB, cfg Config) *Stack {
	t.Helper()
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { s.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		wg.Wait()
	})
	return s
}

func udpAddr(ip netip.Addr) netip.AddrPort { return netip.AddrPortFrom(ip, 5060) }
func tlsAddr(ip netip.Addr) netip.AddrPort { return netip.AddrPortFrom(ip, 5061) }

// in runs f in the loop and waits for it.
func in(s *Stack, f func()) {
	done := make(chan struct{})
	if s.Do(func() { f(); close(done) }) {
		<-done
	}
}

// get runs f in the loop and returns what it returns.
func get[T any](s *Stack, f func() T) (v T) {
	in(s, func() { v = f() })
	return v
}

// connect is Connect that waits.
func connect(t testing.TB, s *Stack, to Target) (*Flow, bool, error) {
	t.Helper()
	type outcome struct {
		f      *Flow
		reused bool
		err    error
	}
	c := make(chan outcome, 1)
	s.Do(func() { s.Connect(to, func(f *Flow, reused bool, err error) { c <- outcome{f, reused, err} }) })
	got := <-c
	return got.f, got.reused, got.err
}

func mustConnect(t testing.TB, s *Stack, to Target) *Flow {
	t.Helper()
	f, _, err := connect(t, s, to)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// newRequest is a request without a Via.
func newRequest(method sip.RequestMethod, target, callID string) *sip.Request {
	var uri sip.Uri
	sip.ParseUri(target, &uri)
	req := sip.NewRequest(method, uri)
	hops := sip.MaxForwardsHeader(70)
	from := &sip.FromHeader{Address: sip.Uri{Scheme: "sip", User: "101", Host: "office"}}
	from.Params.Add("tag", "near")
	id := sip.CallIDHeader(callID)
	for _, h := range []sip.Header{&hops, from, &sip.ToHeader{Address: uri}, &id, &sip.CSeqHeader{SeqNo: 1, MethodName: method}} {
		req.AppendHeader(h)
	}
	if method == sip.INVITE || method == sip.SUBSCRIBE {
		req.AppendHeader(sip.NewHeader("Contact", "<sip:101@10.0.0.1>"))
	}
	req.SetBody(nil)
	return req
}

// outcome is what a client transaction brought, in order: statuses and errors.
type outcome struct {
	mu   sync.Mutex
	list []string
}

func (o *outcome) add(s string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.list = append(o.list, s)
}

func (o *outcome) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return strings.Join(o.list, " ")
}

func (o *outcome) response(r *sip.Response) { o.add(r.StartLine()[8:11]) }
func (o *outcome) failed(err error)         { o.add(strings.TrimPrefix(err.Error(), "stack: ")) }

// ask sends a request in the loop.
func ask(s *Stack, f *Flow, req *sip.Request) (*ClientTx, *outcome) {
	o := &outcome{}
	return get(s, func() *ClientTx { return s.Request(f, req, o.response, o.failed) }), o
}

// bubble runs a test in virtual time.
func bubble(t *testing.T, f func(t *testing.T, o *office)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(t, newOffice(t)) })
}

const register = `REGISTER sip:office SIP/2.0
	Via: SIP/2.0/${Transport} ${Local};branch=z9hG4bKr${N};rport
	Max-Forwards: 70
	From: <sip:alice@office>;tag=a
	To: <sip:alice@office>
	Call-ID: r${N}
	CSeq: 1 REGISTER
	`

const invite = `INVITE sip:101@office SIP/2.0
	Via: SIP/2.0/${Transport} ${Local};branch=z9hG4bKi${N};rport
	Max-Forwards: 70
	From: <sip:alice@office>;tag=a
	To: <sip:101@office>
	Call-ID: i${N}
	CSeq: 1 INVITE
	Contact: <sip:alice@${Local}>
	`

const acknowledge = `ACK sip:101@office SIP/2.0
	Via: SIP/2.0/${Transport} ${Local};branch=z9hG4bKi${N};rport
	Max-Forwards: 70
	From: <sip:alice@office>;tag=a
	To: ${To}
	Call-ID: i${N}
	CSeq: 1 ACK
	`

const cancelText = `CANCEL sip:101@office SIP/2.0
	Via: SIP/2.0/${Transport} ${Local};branch=z9hG4bKi${N};rport
	Max-Forwards: 70
	From: <sip:alice@office>;tag=a
	To: <sip:101@office>
	Call-ID: i${N}
	CSeq: 1 CANCEL
	`

func wait(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}
