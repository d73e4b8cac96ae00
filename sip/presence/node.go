package presence

import (
	"net/netip"
	"slices"
	"time"

	"chordophone/sip/stack"
)

// node is another phone that serves an address watched here.
type node struct {
	name    string // "102@office"
	addr    netip.AddrPort
	link    link
	flow    *stack.Flow // nil: none
	remotes []*remote
	timer   *stack.Timer
}

// join begins to watch an address at a phone.
func (a *Agent) join(w *watched, name string) {
	n := a.nodes[name]
	if n == nil {
		n = &node{name: name, addr: w.places[w.at(name)].addr, link: link{rng: a.cfg.Rand}}
		a.nodes[name] = n
		defer func() { a.obey(n, n.link.begin(time.Now())) }()
	}
	r := &remote{node: n, of: w}
	n.remotes = append(n.remotes, r)
	w.remotes = append(w.remotes, r)
	switch {
	case n.link.up:
		a.ask(r)
	case n.link.told:
		w.set(name, silent)
	}
}

// leave ends it.
func (a *Agent) leave(r *remote) {
	a.unask(r)
	same := func(o *remote) bool { return o == r }
	r.of.remotes = slices.DeleteFunc(r.of.remotes, same)
	n := r.node
	if n.remotes = slices.DeleteFunc(n.remotes, same); len(n.remotes) == 0 {
		n.timer.Stop()
		delete(a.nodes, n.name)
	}
}

// obey does what a link says.
func (a *Agent) obey(n *node, acts []linkAct) {
	for _, act := range acts {
		if a.nodes[n.name] != n {
			return
		}
		switch act {
		case connect, anew:
			to := stack.Target{Transport: stack.TLS, Addr: n.addr, Peer: n.name, Fresh: act == anew}
			a.stack.Connect(to, func(f *stack.Flow, _ bool, err error) { a.connected(n, f, err) })
		case hangUp:
			if f := n.flow; f != nil {
				n.flow = nil
				f.Close()
			}
		case reached:
			for _, r := range slices.Clone(n.remotes) {
				a.ask(r)
			}
		case vanished:
			for _, r := range slices.Clone(n.remotes) {
				a.silence(r)
			}
		}
	}
	n.timer.Stop()
	n.timer = nil
	if next := n.link.next(); a.nodes[n.name] == n && !next.IsZero() {
		n.timer = a.stack.After(until(next), func() { a.obey(n, n.link.tick(time.Now())) })
	}
}

func (a *Agent) connected(n *node, f *stack.Flow, err error) {
	switch {
	case a.nodes[n.name] != n:
	case err == nil && f.Alive():
		n.flow = f
		f.Watch(signOfLife)
		a.obey(n, n.link.connected())
	default:
		a.log.Debug("presence: connection", "to", n.name, "error", err)
		a.obey(n, n.link.failed(time.Now()))
	}
}
