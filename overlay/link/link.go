package link

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"chordophone/overlay"
	"chordophone/overlay/chord"
	"chordophone/overlay/reload"
)

// errUnsigned is the error for another node's message without what it signed.
var errUnsigned = errors.New("link: message of another node without its signed octets")

// Link is this node's end of all its connections.
type Link struct {
	cfg      Config
	log      *slog.Logger
	overlay  uint32
	started  time.Time
	dialTime time.Duration // dialTimeout; tests on a busy machine have more
	listener net.Listener
	events   chan chord.Event
	counters counters
	cabinet  cabinet
	replays  replays
	trusts   trusts
	serves   allowance
	alarm    *alarm                            // for sweep
	leaf     atomic.Pointer[[sha256.Size]byte] // hash of our certificate
	local    atomic.Pointer[netip.Addr]        // of the newest connection, when we listen at all

	ctx    context.Context // ends with Run
	cancel context.CancelFunc
	wg     sync.WaitGroup // every goroutine of the link

	mu         sync.Mutex // guards what follows
	closed     bool
	conns      map[overlay.ID]*conn // active ones
	draining   map[*conn]bool       // those that only finish
	dials      map[dialKey]*dial    // under way
	handshakes map[netip.Addr]int   // of those who dial us, by address
	nHandshake int                  // the same in all
	nEnrol     int
	cut        map[overlay.ID]bool
	questions  map[uint64]*question // by transaction
}

// Listen binds the address of cfg.Self. Either Run or Close must follow.
func Listen(cfg Config) (*Link, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	sig, err := cfg.Sign(nil)
	if err != nil || len(sig.Chain) == 0 {
		return nil, fmt.Errorf("link: sign: %w", cmp.Or(err, errNoCertificate))
	}
	leaf := sha256.Sum256(sig.Chain[0])
	ln, err := net.Listen("tcp", cfg.Self.Addr.String())
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("%w: %s/tcp (overlay): is another phone running here?", ErrAddrInUse, cfg.Self.Addr)
	}
	if err != nil {
		return nil, fmt.Errorf("link: %w", err)
	}
	if cfg.Self.Addr.Port() == 0 { // tests
		cfg.Self.Addr = ln.Addr().(*net.TCPAddr).AddrPort()
	}
	l := &Link{
		cfg:        cfg,
		log:        cfg.Log,
		overlay:    reload.OverlayHash(cfg.Office),
		started:    time.Now(),
		dialTime:   dialTimeout,
		listener:   ln,
		events:     make(chan chord.Event, maxEvents),
		alarm:      newAlarm(),
		conns:      make(map[overlay.ID]*conn),
		draining:   make(map[*conn]bool),
		dials:      make(map[dialKey]*dial),
		handshakes: make(map[netip.Addr]int),
		questions:  make(map[uint64]*question),
	}
	if l.log == nil {
		l.log = slog.New(slog.DiscardHandler)
	}
	l.leaf.Store(&leaf)
	l.ctx, l.cancel = context.WithCancel(context.Background())
	return l, nil
}

// Self is this node and the address it listens at.
func (l *Link) Self() overlay.Peer { return l.cfg.Self }

// Run serves until ctx ends, sends what is queued if that goes quickly, closes
// all connections and returns nil. Events must be received meanwhile.
func (l *Link) Run(ctx context.Context) error {
	l.wg.Go(l.accept)
	l.watch(ctx)
	l.flush()
	return l.Close()
}

// watch sweeps whenever something is due, until ctx ends.
func (l *Link) watch(ctx context.Context) {
	defer l.alarm.timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.alarm.timer.C:
			l.alarm.rung()
			l.sweep(time.Now())
		}
	}
}

// flush gives what is queued a moment to leave.
func (l *Link) flush() {
	for end := time.Now().Add(flushTime); time.Now().Before(end) && l.busy(); {
		time.Sleep(flushTime / 50)
	}
}

const flushTime = 250 * time.Millisecond

func (l *Link) busy() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.conns {
		if c.busy() {
			return true
		}
	}
	return false
}

// Close closes everything and waits for every goroutine. It is for a Link that
// is not run; Run calls it.
func (l *Link) Close() error {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.cancel() // conns and dials watch it
	l.listener.Close()
	l.wg.Wait()
	return nil
}

// Events are chord.Receive and chord.Lost, in the order they happened on each
// connection. The channel is never closed.
func (l *Link) Events() <-chan chord.Event { return l.events }

// Send sends m to a peer and never blocks: it queues the message and dials where
// there is no connection. What cannot be sent is dropped and counted. A peer that
// is not reached, or is lost with the connection, makes a chord.Lost event.
//
// A peer with the zero ID is whoever answers at its address; when nobody of the
// office does, there is no event.
func (l *Link) Send(to overlay.Peer, m chord.Message) {
	o, err := l.seal(to, m)
	switch {
	case errors.Is(err, errUnsigned):
		l.drop(Unsigned, "send", "to", to, "err", err)
		return
	case err != nil:
		l.drop(Unencodable, "send", "to", to, "err", err)
		return
	}
	l.send(to, o)
}

func (l *Link) send(to overlay.Peer, o *outgoing) {
	if to.ID == l.cfg.Self.ID {
		l.drop(Unknown, "send to ourselves")
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	if l.cut[to.ID] {
		l.drop(CutOff, "send", "to", to)
		l.lose(to.ID)
		return
	}
	if c := l.connTo(to); c != nil {
		if !c.enqueue(o) {
			l.drop(QueueFull, "send", "to", to)
		}
		return
	}
	l.dialLocked(to, o)
}

// connTo is the active connection to a peer. l.mu is held.
func (l *Link) connTo(to overlay.Peer) *conn {
	if !to.ID.IsZero() {
		return l.conns[to.ID]
	}
	for _, c := range l.conns {
		if c.peer().Addr == to.Addr {
			return c
		}
	}
	return nil
}

// advertised is the address we tell others to dial.
func (l *Link) advertised() netip.AddrPort {
	a := l.cfg.Self.Addr
	if local := l.local.Load(); a.Addr().IsUnspecified() && local != nil {
		return netip.AddrPortFrom(*local, a.Port())
	}
	return a
}

// adopt makes an authenticated connection the one to its peer, or the one that
// drains, and moves the messages that waited for it there. waiting are those of
// its own dial.
func (l *Link) adopt(nc *tls.Conn, tcp *watched, peer overlay.Peer, dialled bool, waiting []*outgoing) {
	c := newConn(l, nc, tcp, peer, dialled)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		nc.NetConn().Close()
		return
	}
	if l.cut[peer.ID] || !l.stillGood(nc) { // since the handshake
		l.drop(CutOff, "connection", "peer", peer)
		nc.NetConn().Close()
		if dialled {
			l.lose(peer.ID)
		}
		return
	}
	if dialled {
		l.counters.dials.Add(1)
	} else {
		l.counters.accepts.Add(1)
	}
	if a := tcp.LocalAddr().(*net.TCPAddr).AddrPort().Addr().Unmap(); !a.IsLoopback() {
		l.local.Store(&a)
	}
	if d := l.dials[dialKey{id: peer.ID}]; d != nil {
		waiting = append(waiting, d.queue...)
		d.queue = nil
	}
	winner := c
	if old := l.conns[peer.ID]; old != nil && l.prefers(old, c) {
		winner = old
	} else if old != nil {
		l.drainLocked(old)
	}
	if winner == c {
		l.makeRoom()
		l.conns[peer.ID] = c
		l.alarm.set(c.since.Add(idleTimeout))
	} else {
		c.drain()
		l.draining[c] = true
	}
	for _, o := range waiting {
		if !winner.enqueue(o) {
			l.drop(QueueFull, "send", "to", peer)
		}
	}
	l.log.Debug("connected", "peer", peer, "dialled", dialled, "kept", winner == c)
	l.wg.Go(c.run)
}

// prefers reports whether the connection old stays when another one to the same
// peer, c, is there. When both sides dialled at the same moment, both keep the
// one that the lower Node-ID dialled. An older connection gives way: its peer
// would not have dialled had it not lost it.
func (l *Link) prefers(old, c *conn) bool {
	if old.dialled == c.dialled || c.since.Sub(old.since) > 2*l.dialTime {
		return false
	}
	weAreLower := l.cfg.Self.ID.Compare(c.id) < 0
	return old.dialled == weAreLower
}

// drainLocked lets an active connection finish. l.mu is held.
func (l *Link) drainLocked(c *conn) {
	if l.conns[c.id] == c {
		delete(l.conns, c.id)
	}
	l.draining[c] = true
	c.drain()
}

// makeRoom drains the connection that was idle longest when there are too many.
// l.mu is held.
func (l *Link) makeRoom() {
	if len(l.conns) < maxConns {
		return
	}
	var longest *conn
	for _, c := range l.conns {
		if longest == nil || c.lastUse().Before(longest.lastUse()) {
			longest = c
		}
	}
	l.drainLocked(longest)
}

// ended is called by a connection that has closed. err is nil when both sides
// had said all they wanted.
func (l *Link) ended(c *conn, err error, left int) {
	l.mu.Lock()
	active := l.conns[c.id] == c
	if active {
		delete(l.conns, c.id)
	}
	delete(l.draining, c)
	_, instead := l.conns[c.id]
	closed := l.closed
	l.mu.Unlock()
	for range left {
		l.counters.drop(Broken)
	}
	l.log.Debug("disconnected", "peer", c.peer(), "err", err)
	if err != nil && !instead && !closed {
		l.deliver(chord.Lost{Peer: c.id})
	}
}

// sweep ends the connections whose time has come and sets the alarm for the
// others.
func (l *Link) sweep(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.draining {
		if at, _ := c.deadline(); at.After(now) {
			l.alarm.set(at)
		} else {
			c.fail(errDrain)
		}
	}
	for _, c := range l.conns {
		switch at, why := c.deadline(); {
		case at.After(now):
			l.alarm.set(at)
		case why == errNoAck:
			l.drop(NoAck, "no ACK in time", "peer", c.id.Short())
			c.fail(errNoAck)
		case why == errIdle:
			l.drainLocked(c)
		}
	}
}

// deliver hands an event to the node. It waits; only goroutines of the link call
// it.
func (l *Link) deliver(ev chord.Event) bool {
	select {
	case l.events <- ev:
		return true
	case <-l.ctx.Done():
		return false
	}
}

func (l *Link) drop(r Reason, what string, args ...any) {
	l.counters.drop(r)
	l.log.Debug("dropped: "+what, append(args, "reason", r)...)
}
