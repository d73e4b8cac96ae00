package presence

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"chordophone/sip/location"
	"chordophone/sip/siptest"
	"chordophone/sip/stack"
	"chordophone/sip/wire"
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

func (p *phone) Lost(f *stack.Flow) { p.agent.Lost(f) }

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
