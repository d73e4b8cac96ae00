package presence

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"chordophone/sip/location"
	"chordophone/sip/stack"
)

// watched is an address that somebody here watches, with all that moves.
type watched struct {
	address
	refs    int // watchers, entries and lamps
	last    view
	remotes []*remote
	lamps   []*lamp

	looking, again bool // a look-up is under way; and it is already stale
	looks          *stack.Timer
	drops          *stack.Timer
}

// acquire watches an address.
func (a *Agent) acquire(aor string) *watched {
	w := a.addresses[aor]
	if w == nil {
		w = &watched{address: address{aor: aor, self: a.cfg.Self}}
		a.addresses[aor] = w
		w.last = w.view(a.factsOf(aor))
		a.look(w)
	}
	w.refs++
	w.drops.Stop()
	w.drops = nil
	return w
}

// release is the opposite of acquire; the address is watched for a while longer.
func (a *Agent) release(aor string) {
	w := a.addresses[aor]
	if w == nil {
		return // stopped
	}
	w.refs--
	if w.refs == 0 {
		w.drops = a.stack.After(linger, func() { a.drop(w) })
	}
}

// drop watches an address no longer.
func (a *Agent) drop(w *watched) {
	w.drops.Stop()
	w.looks.Stop()
	for _, r := range slices.Clone(w.remotes) {
		a.leave(r)
	}
	delete(a.addresses, w.aor)
}

// sorted is all addresses that are watched, in order.
func (a *Agent) sorted() []*watched {
	return slices.SortedFunc(maps.Values(a.addresses), func(v, w *watched) int { return cmp.Compare(v.aor, w.aor) })
}

// refresh tells everybody if what is known of an address has changed.
func (a *Agent) refresh(w *watched) {
	v := w.view(a.factsOf(w.aor))
	if v.equal(w.last) {
		return
	}
	w.last = v
	a.tell(topic{views, w.aor})
	a.light(w)
}

// look asks the location service, at once unless it is already asked.
func (a *Agent) look(w *watched) {
	w.looks.Stop()
	w.looks = nil
	if w.looking {
		w.again = true
		return
	}
	w.looking = true
	a.queue = append(a.queue, w)
	a.pump()
}

// pump starts as many look-ups as may run at once.
func (a *Agent) pump() {
	for len(a.queue) > 0 && a.looking < maxLooking {
		w := a.queue[0]
		var (
			bindings []location.Binding
			err      error
		)
		if !a.stack.Go(func(ctx context.Context) {
			ctx, cancel := context.WithTimeout(ctx, lookupTime)
			defer cancel()
			bindings, err = a.cfg.Locate.Lookup(ctx, "sip:"+w.aor)
		}, func() {
			a.looking--
			w.looking = false
			if a.addresses[w.aor] == w && !a.stopped {
				a.found(w, bindings, err)
			}
			a.pump()
		}) {
			if a.looking == 0 { // else the next that is done comes back here
				a.stack.After(time.Second, a.pump)
			}
			return
		}
		a.looking++
		a.queue = a.queue[1:]
	}
}

// found takes what the location service said.
func (a *Agent) found(w *watched, bindings []location.Binding, err error) {
	if err != nil && !errors.Is(err, location.ErrNotFound) {
		w.failed = true
		a.log.Debug("presence: look-up", "of", w.aor, "error", err)
	} else {
		come, gone := w.located(bindings)
		for _, node := range gone {
			for _, r := range slices.Clone(w.remotes) {
				if r.node.name == node {
					a.leave(r)
				}
			}
		}
		for _, node := range come {
			if node != a.cfg.Self {
				a.join(w, node)
			}
		}
		for _, p := range w.places { // it may have got another address
			if n := a.nodes[p.node]; n != nil {
				n.addr = p.addr
			}
		}
	}
	a.refresh(w)
	if w.again {
		w.again = false
		a.look(w)
		return
	}
	a.lookLater(w)
}

func (a *Agent) lookLater(w *watched) {
	if w.looking {
		return
	}
	w.looks.Stop()
	w.looks = a.stack.After(w.pause(a.cfg.Rand), func() { a.look(w) })
}

// ---- lamps ----

// lamp is somebody in this program who watches.
type lamp struct {
	f    func(State)
	lit  bool
	last State
}

// Watch has f called in the loop with what is known of an address, soon and
// whenever it changes, until stop is called. It is for the lamps of this telephone.
func (a *Agent) Watch(aor string, f func(State)) (stop func()) {
	aor = strings.ToLower(aor)
	w := a.acquire(aor)
	l := &lamp{f: f}
	w.lamps = append(w.lamps, l)
	a.stack.Do(func() { a.light(w) })
	return func() {
		if i := slices.Index(w.lamps, l); i >= 0 {
			w.lamps = slices.Delete(slices.Clone(w.lamps), i, i+1)
			a.release(aor)
		}
	}
}

// light tells the lamps of an address if they are to show something else.
func (a *Agent) light(w *watched) {
	s := State{}
	if a.may(a.cfg.Self, w.aor) {
		s.Line = w.last.line()
		if len(w.lamps) > 0 {
			s.MessagesWaiting, _ = a.cfg.Mailboxes.Waiting(w.aor)
		}
	}
	for _, l := range w.lamps {
		if l.lit && l.last == s || !slices.Contains(w.lamps, l) {
			continue
		}
		l.lit, l.last = true, s
		l.f(s)
	}
}
