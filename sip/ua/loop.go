package ua

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"
)

const farewell = 2 * time.Second // for the far sides to confirm when Run ends

// loop is the goroutine round the machines. It owns everything in it.
type loop struct {
	ua  *UA
	log *slog.Logger
	ctx context.Context
	wg  *sync.WaitGroup // look-ups, connections, flows, closing media

	calls    map[string]*session // by id
	dialogs  map[string]*session // by Call-ID and our tag
	flows    map[*flow]struct{}
	reaching map[destination][]func(*flow, error) // connections on their way, and who waits for each
	out      []Event                              // not yet read by the owner
	count    int                                  // calls that came in
	stopping bool
}

// Run serves until ctx is cancelled; then it hangs up all calls, gives the far
// sides two seconds to confirm, closes every connection and the events, and
// returns nil.
func (u *UA) Run(ctx context.Context) error {
	// What runs beside the loop lives on while it says goodbye.
	inner, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	var wg sync.WaitGroup
	l := &loop{
		ua: u, log: u.log, ctx: inner, wg: &wg,
		calls: map[string]*session{}, dialogs: map[string]*session{}, flows: map[*flow]struct{}{},
		reaching: map[destination][]func(*flow, error){},
	}
	var accepting sync.WaitGroup
	accepting.Go(func() { u.accept(inner, &wg) })

	l.run(ctx)

	cancel()
	u.listener.Close()
	u.box.close()
	l.drain() // flows that were on their way in
	for f := range l.flows {
		f.Close()
	}
	accepting.Wait()
	wg.Wait()
	close(u.events)
	return nil
}

func (l *loop) run(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	done := ctx.Done()
	var end <-chan time.Time
	for {
		l.drain()
		if l.stopping && len(l.calls) == 0 && len(l.out) == 0 {
			return
		}
		timer.Reset(l.wait())
		var events chan Event
		var first Event
		if len(l.out) > 0 {
			events, first = l.ua.events, l.out[0]
		}
		select {
		case <-l.ua.box.wake:
		case events <- first:
			l.out = l.out[1:]
		case <-timer.C:
			now := time.Now()
			for _, s := range l.calls {
				if t := s.m.next(); !t.IsZero() && !now.Before(t) {
					l.step(s, tick{})
				}
			}
		case <-done:
			done = nil
			l.stopping = true
			end = time.After(farewell)
			for _, s := range l.calls {
				l.step(s, hangup{})
			}
		case <-end:
			return
		}
	}
}

func (l *loop) drain() {
	for work := l.ua.box.take(); len(work) > 0; work = l.ua.box.take() {
		for _, f := range work {
			f(l)
		}
	}
}

// wait is how long until some machine wants a tick.
func (l *loop) wait() time.Duration {
	wait := time.Hour
	for _, s := range l.calls {
		if t := s.m.next(); !t.IsZero() {
			wait = min(wait, time.Until(t))
		}
	}
	return max(wait, 0)
}

func (l *loop) emit(e Event) {
	l.log.Info("sip: "+fmt.Sprint(e), "call", e.call()) // never the value: it holds keys
	l.out = append(l.out, e)
}

// ---- flows ----

// add takes a flow into service, within the bounds.
func (l *loop) add(f *flow) {
	f.used = time.Now()
	var oldest, oldestOfUser *flow
	ofUser := 0
	for g := range l.flows {
		if l.inUse(g) {
			continue
		}
		if oldest == nil || g.used.Before(oldest.used) {
			oldest = g
		}
		if g.inbound && g.user == f.user {
			ofUser++
			if oldestOfUser == nil || g.used.Before(oldestOfUser.used) {
				oldestOfUser = g
			}
		}
	}
	if f.inbound && ofUser >= maxPerUser {
		oldestOfUser.Close()
	} else if len(l.flows) >= l.ua.cfg.MaxFlows {
		if oldest == nil {
			f.Close()
			f.conn.Close()
			return
		}
		oldest.Close()
	}
	l.flows[f] = struct{}{}
	l.wg.Go(f.write)
	l.wg.Go(func() {
		err := f.read(newParser(), func(msg sip.Message) { l.deliver(f, msg) })
		l.log.Debug("sip: connection ended", "peer", f.user, "from", f.remote, "error", err)
		l.ua.box.post(func(l *loop) { l.lost(f) })
	})
}

// inUse says whether a call hangs on the flow.
func (l *loop) inUse(f *flow) bool {
	for _, s := range l.calls {
		if s.flow == f {
			return true
		}
	}
	return false
}

// lost ends what cannot live without the flow.
func (l *loop) lost(f *flow) {
	delete(l.flows, f)
	for _, t := range f.clients {
		t.tx.Terminate() // posts clientGone
	}
	for _, t := range f.servers {
		t.tx.Terminate()
	}
	for _, s := range l.calls {
		switch {
		case s.flow != f:
		case !s.out && (s.m.state == weighing || s.m.state == ringing):
			l.step(s, unreachable{})
		case s.out && s.ack != nil && time.Since(s.acked) < giveUpTime:
			l.sendAck(s) // it may have been lost with the flow
		}
	}
}

type destination struct {
	user string
	addr netip.AddrPort
}

// connect finds or makes a flow to user at addr. then is called in the loop,
// perhaps at once. A flow to anybody else is an error: a stale binding, or a
// telephone that is not whose it says.
func (l *loop) connect(user string, addr netip.AddrPort, fresh bool, then func(f *flow, reused bool, err error)) {
	if !fresh {
		var best *flow
		for f := range l.flows {
			if f.user == user && f.remote.Addr() == addr.Addr() && f.alive() && (best == nil || f.used.After(best.used)) {
				best = f
			}
		}
		if best != nil {
			then(best, true, nil)
			return
		}
	}
	to := destination{user, addr}
	l.reaching[to] = append(l.reaching[to], func(f *flow, err error) { then(f, false, err) })
	if len(l.reaching[to]) > 1 {
		return // several calls at once share it
	}
	l.wg.Go(func() {
		f, err := l.ua.reach(l.ctx, user, addr)
		posted := l.ua.box.post(func(l *loop) {
			if err == nil {
				l.add(f)
			}
			waiting := l.reaching[to]
			delete(l.reaching, to)
			for _, then := range waiting {
				then(f, err)
			}
		})
		if !posted && err == nil {
			f.conn.Close()
		}
	})
}

func (u *UA) reach(ctx context.Context, user string, addr netip.AddrPort) (*flow, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTime)
	defer cancel()
	conn, err := u.cfg.Dial(ctx, u.local.Addr(), addr)
	if err != nil {
		return nil, fmt.Errorf("ua: connect: %w", err)
	}
	f, err := u.secure(ctx, conn, false)
	if err != nil {
		return nil, err
	}
	if f.user != user {
		f.conn.Close()
		return nil, fmt.Errorf("ua: %v is the telephone of %s, not of %s", addr, f.user, user)
	}
	return f, nil
}

// deliver passes a message from a reader to the loop and waits until it is
// handled: a flow is never more than one message ahead.
func (l *loop) deliver(f *flow, msg sip.Message) {
	handled := make(chan struct{})
	var work func(*loop)
	switch m := msg.(type) {
	case *sip.Request:
		m.SetTransport("TLS")
		m.SetSource(f.remote.String())
		v := check(m)
		work = func(l *loop) { l.handleRequest(f, m, v) }
	case *sip.Response:
		m.SetTransport("TLS")
		m.SetSource(f.remote.String())
		if !parse(m) {
			l.log.Debug("sip: bad response", "from", f.user)
			return
		}
		work = func(l *loop) { l.handleResponse(f, m) }
	default:
		return
	}
	if l.ua.box.post(func(l *loop) { work(l); close(handled) }) {
		<-handled
	}
}
