package proxy

import (
	"chordophone/sip/stack"
	"chordophone/sip/wire"

	"github.com/emiago/sipgo/sip"
)

// Ack forwards the ACK to a 2xx, without state: RFC 3261, section 16.11. What may
// not pass, or leads nowhere, is dropped.
func (p *Proxy) Ack(f *stack.Flow, req *sip.Request) {
	r := p.preprocess(req)
	if hops := req.MaxForwards(); r.bad || hops != nil && hops.Val() == 0 || tagOf(req.To()) == "" {
		return
	}
	in, verdict := p.admit(f, req)
	if verdict != admitted {
		return
	}
	p.withinOffice(f, req, in, r, func() {
		if t := p.way(f, r); len(t.Hops) > 0 {
			p.ack(f, req, t, 0)
		}
	}, func() {})
}

// ack sends an ACK by the first hop that can be connected to.
func (p *Proxy) ack(from *stack.Flow, req *sip.Request, t Target, try int) {
	hop := &t.Hops[try]
	over := func(f *stack.Flow) {
		o := outgoing{uri: t.URI, routes: hop.Routes, realm: p.cfg.Domain}
		o.identity(from, f, req, true)
		out := o.pass(req)
		out.PrependHeader(f.Via(sip.RFC3261BranchMagicCookie + wire.Token()))
		if err := f.Send(out); err != nil {
			p.log.Debug("proxy: ACK not sent", "to", f.Remote(), "error", err)
		}
	}
	if hop.Flow != nil {
		over(hop.Flow)
		return
	}
	done := false
	next := func() {
		if !done && try+1 < len(t.Hops) {
			done = true
			p.ack(from, req, t, try+1)
		}
	}
	var timer *stack.Timer
	if try+1 < len(t.Hops) && hop.To.Transport != stack.UDP {
		timer = p.cfg.Stack.After(hedgeInvite, next)
	}
	p.cfg.Stack.Connect(hop.To, func(f *stack.Flow, _ bool, err error) {
		timer.Stop()
		switch {
		case done:
		case err != nil:
			next()
		default:
			done = true
			over(f)
		}
	})
}
