package stack

import (
	"context"
	"errors"
	"hash/maphash"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"chordophone/sip/wire"

	"github.com/emiago/sipgo/sip"
)

// Stack is the layers in one.
type Stack struct {
	cfg    Config
	log    *slog.Logger
	net    Net
	epoch  time.Time
	box    mailbox
	count  counts
	rates  *rates
	gate   *gate
	work   chan struct{}      // a place for each Go at work
	ctx    context.Context    // of everything that runs beside the loop
	cancel context.CancelFunc // ends ctx
	side   sync.WaitGroup     // what runs beside the loop
	secret [32]byte           // of tokens
	seed   maphash.Seed       // of the tags of stateless responses
	timer  *time.Timer        // wakes the loop

	sockets  []*socket
	tcp, tls net.Listener // tcp may be nil
	udpAddr  netip.AddrPort
	tcpAddr  netip.AddrPort
	tlsAddr  netip.AddrPort
	own      ownAddresses

	// Owned by the loop.
	alarms   alarms
	servers  map[serverKey]*served
	most     int // that servers held since it was made
	finished finished
	clients  map[string]*client
	udp      flowTable
	flows    map[*Flow]struct{}
	tokens   map[string]*Flow
	dialling map[Target][]func(*Flow, error)
	serial   uint64        // of flows and transactions, for a known order
	open     int           // transactions without a final response
	armed    time.Duration // when timer rings, since the epoch
	stopping bool          // nothing new
	late     bool          // nothing old either
	held     bool          // Also is this machine's
	guest    guest
}

// New binds the sockets. Run must be called, and releases them.
func New(cfg Config) (*Stack, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	s := &Stack{
		cfg: cfg, log: cfg.Log, net: cfg.Net, epoch: time.Now(),
		box:   mailbox{wake: make(chan struct{}, 1)},
		rates: newRates(cfg.Limits, cfg.Trusted), gate: newGate(cfg.Trusted),
		work: make(chan struct{}, maxWork), secret: newSecret(), seed: maphash.MakeSeed(),
		servers: map[serverKey]*served{}, clients: map[string]*client{}, udp: newFlowTable(),
		flows: map[*Flow]struct{}{}, tokens: map[string]*Flow{}, dialling: map[Target][]func(*Flow, error){},
	}
	if s.net == nil {
		s.net = systemNet{}
	}
	s.timer = time.NewTimer(0)
	s.ctx, s.cancel = context.WithCancel(context.Background())
	if err := s.bind(); err != nil {
		s.cancel()
		return nil, err
	}
	return s, nil
}

// Run serves until ctx is cancelled, then gives transactions at hand two seconds,
// closes everything and returns when all its goroutines have.
func (s *Stack) Run(ctx context.Context) error {
	var listening sync.WaitGroup
	for _, k := range s.sockets {
		listening.Go(func() { s.readDatagrams(k) })
	}
	if s.tcp != nil {
		listening.Go(func() { s.accept(s.tcp, TCP) })
	}
	listening.Go(func() { s.accept(s.tls, TLS) })

	s.loop(ctx)

	s.cancel()
	s.closeSockets()
	listening.Wait()
	s.box.close()
	s.drain() // connections that were on their way in
	for f := range s.flows {
		f.Close()
		hurry := time.AfterFunc(farewell, func() { f.conn.Conn.Close() })
		defer hurry.Stop()
	}
	s.side.Wait()
	return nil
}

// loop has the loop's work done, in turns with those who bring some, until it is
// over. It keeps the last turn.
func (s *Stack) loop(ctx context.Context) {
	defer s.timer.Stop()
	done := ctx.Done()
	var end <-chan time.Time
	for {
		if s.box.claim() && s.turn() {
			return
		}
		select {
		case <-s.box.wake:
		case <-s.timer.C:
		case <-done:
			done = nil
			end = time.After(farewell)
			s.later(func() { s.stopping = true })
		case <-end:
			s.later(func() { s.stopping, s.late = true, true })
		}
	}
}

// turn does what there is to do for who has the turn, and gives it back; or keeps it
// and says that the loop is over.
func (s *Stack) turn() bool {
	for {
		s.drain()
		s.expire()
		if s.late || s.stopping && s.open == 0 {
			return true
		}
		s.arm()
		if s.box.yield() {
			return false
		}
	}
}

// share is turn for those who brought work.
func (s *Stack) share() {
	if s.turn() {
		s.box.pass()
	}
}

// arm sets the timer for the next alarm. One that would ring too early is left: it
// is cheaper to wake once for nothing than to set it for each message.
func (s *Stack) arm() {
	now := time.Since(s.epoch)
	next := now + time.Hour
	if len(s.alarms) > 0 {
		next = s.alarms[0].at
	}
	if s.armed <= now || next < s.armed {
		s.armed = next
		s.timer.Reset(max(0, next-now))
	}
}

// drain does what waits, and what that brings about.
func (s *Stack) drain() {
	for jobs := s.box.take(); len(jobs) > 0; jobs = s.box.take() {
		for i := range jobs {
			s.do(&jobs[i])
		}
		s.box.done(jobs)
		s.expire()
	}
}

func (s *Stack) do(j *job) {
	switch {
	case j.f != nil:
		j.f()
	case j.flow != nil:
		if j.flow.conn != nil {
			<-j.flow.conn.slots
		}
		if j.flow.alive {
			s.receive(j.flow, j.msg, j.verdict)
		}
	default:
		s.receive(s.heardFrom(j.socket, j.from, j.local), j.msg, j.verdict)
	}
}

func (s *Stack) receive(f *Flow, msg sip.Message, v wire.Verdict) {
	f.used = time.Now()
	if f.source == "" {
		f.source = f.remote.String()
	}
	msg.SetTransport(f.transport.via())
	msg.SetSource(f.source)
	switch m := msg.(type) {
	case *sip.Request:
		s.request(f, m, v)
	case *sip.Response:
		s.response(f, m, v)
	}
}

// Do runs f in the loop, soon, and says whether it will; it never blocks. It may be
// called from anywhere.
func (s *Stack) Do(f func()) bool { return s.box.post(job{f: f}) }

// Go runs work in a goroutine of its own and then, in the loop, done. Its context
// ends with Run. It says whether it will: at most 256 run at once. It may be called
// from anywhere. When Run ends meanwhile, done is not called.
func (s *Stack) Go(work func(context.Context), done func()) bool {
	select {
	case s.work <- struct{}{}:
	default:
		return false
	}
	started := s.box.whileOpen(func() {
		s.side.Go(func() {
			work(s.ctx)
			<-s.work
			s.bring(job{f: done})
		})
	})
	if !started {
		<-s.work
	}
	return started
}

// bring hands a job over and does it here if nobody is at work.
func (s *Stack) bring(j job) bool {
	posted, turn := s.box.bring(j)
	if turn {
		s.share()
	}
	return posted
}

// later is Do for what must not happen before a call has returned.
func (s *Stack) later(f func()) { s.box.post(job{f: f}) }

// Addr is the address and port listened on for a transport; it is not valid if that
// transport is off. It may be called from anywhere.
func (s *Stack) Addr(t Transport) netip.AddrPort {
	switch t {
	case UDP:
		return s.udpAddr
	case TCP:
		return s.tcpAddr
	}
	return s.tlsAddr
}

// Listens reports whether an address and port is one of this stack's own. Also is,
// whoever has it now: it means any phone of the office, and so this one. It may be
// called from anywhere.
func (s *Stack) Listens(t Transport, addr netip.AddrPort) bool {
	at := s.Addr(t)
	if t == Loopback || !at.IsValid() || addr.Port() != at.Port() {
		return false
	}
	ip := addr.Addr().Unmap().WithZone("")
	if ip == s.cfg.Also {
		return true
	}
	if s.cfg.Listen.IsValid() {
		return ip == s.cfg.Listen.Unmap()
	}
	return s.own.has(ip)
}

// ownAddresses are those of this machine's interfaces, looked up now and then.
type ownAddresses struct {
	mu    sync.Mutex // guards the rest
	addrs map[netip.Addr]bool
	until time.Time
}

func (o *ownAddresses) has(ip netip.Addr) bool {
	if ip.IsLoopback() {
		return true
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if now := time.Now(); !now.Before(o.until) {
		o.until = now.Add(5 * time.Second)
		o.addrs = map[netip.Addr]bool{}
		list, _ := net.InterfaceAddrs()
		for _, a := range list {
			if p, err := netip.ParsePrefix(a.String()); err == nil {
				o.addrs[p.Addr().Unmap().WithZone("")] = true
			}
		}
	}
	return o.addrs[ip]
}

var errOff = errors.New("stack: this transport is off")
