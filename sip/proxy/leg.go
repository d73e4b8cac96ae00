package proxy

import (
	"errors"

	"chordophone/sip/stack"

	"github.com/emiago/sipgo/sip"
)

// clientLeg is one client transaction.
type clientLeg struct {
	tx     *stack.ClientTx
	flow   *stack.Flow
	res    *sip.Response // kept for the end
	party  *party
	early  []*dialog
	tags   int
	given  bool // up, before there was a connection
	reused bool // its connection was there already
}

func (c *forwarding) leg(at leg) *clientLeg { return &c.legs[at.branch][at.try] }

// connect begins a leg.
func (c *forwarding) connect(at leg) {
	hop := &c.targets[at.branch].Hops[at.try]
	if hop.Flow != nil {
		c.send(at, hop, hop.Flow)
		return
	}
	if hop.To.Fresh && at.try > 0 && !c.legs[at.branch][at.try-1].reused {
		c.run(event{lost, at, sip.StatusTemporarilyUnavailable}, nil) // it was new the last time
		return
	}
	l := c.leg(at)
	c.p.cfg.Stack.Connect(hop.To, func(f *stack.Flow, reused bool, err error) {
		switch {
		case l.given:
		case err != nil:
			c.p.log.Debug("proxy: no connection", "to", hop.To.Addr, "peer", hop.To.Peer, "error", err)
			c.run(event{lost, at, lossOf(err)}, nil)
		default:
			l.reused = reused
			c.send(at, hop, f)
		}
	})
}

// send forwards the request over a flow: section 16.6.
func (c *forwarding) send(at leg, hop *Hop, f *stack.Flow) {
	if !f.Alive() {
		c.run(event{lost, at, sip.StatusTemporarilyUnavailable}, nil)
		return
	}
	req, target, l := c.tx.Request, &c.targets[at.branch], c.leg(at)
	o := outgoing{uri: target.URI, routes: hop.Routes, realm: c.p.cfg.Domain}
	inDialog := tagOf(req.To()) != ""
	o.identity(c.tx.Flow, f, req, inDialog)
	recorded := !inDialog && records(req.Method) && (isStranger(f) || isStranger(c.tx.Flow))
	if inDialog || recorded {
		o.session = c.session
	}
	if recorded {
		var contact sip.Uri
		if h := req.Contact(); h != nil {
			contact = h.Address
		}
		o.recordRoutes = recordRoutes(c.tx.Flow, f, contact, target.URI, req.Recipient.Scheme == "sips")
		if isStranger(f) {
			l.party = c.p.newParty(target.AOR, req, false)
		}
	}
	l.flow = f
	l.tx = c.p.cfg.Stack.Request(f, o.pass(req),
		func(res *sip.Response) { c.response(at, res) },
		func(err error) { c.failed(at, err) })
}

// records reports whether a method makes a dialog that this proxy stays in.
func records(m sip.RequestMethod) bool {
	return m == sip.INVITE || m == sip.SUBSCRIBE || m == sip.REFER
}

func (c *forwarding) failed(at leg, err error) {
	if c.tx == nil {
		return
	}
	c.endEarly(c.leg(at))
	c.run(event{lost, at, lossOf(err)}, nil)
}

// lossOf is the status that stands for a response that will not come.
func lossOf(err error) int {
	switch {
	case errors.Is(err, stack.ErrTimeout):
		return sip.StatusRequestTimeout
	case errors.Is(err, stack.ErrFull):
		return sip.StatusServiceUnavailable
	}
	return sip.StatusTemporarilyUnavailable
}

// response takes a response of a leg.
func (c *forwarding) response(at leg, res *sip.Response) {
	if c.tx == nil {
		return // all is over
	}
	res.RemoveHeader("Via") // ours: section 16.7, step 3
	if res.Via() == nil {
		return // "If no Via header fields remain in the response, the response was meant for this element"
	}
	l := c.leg(at)
	if isStranger(l.flow) {
		res.RemoveHeader("P-Asserted-Identity")
	}
	c.track(l, res)
	kind := final
	if res.StatusCode < 200 {
		kind = provisional
	}
	c.run(event{kind, at, res.StatusCode}, res)
}

// cancel gives a leg up.
func (c *forwarding) cancel(at leg, reason string) {
	l := c.leg(at)
	if l.tx == nil { // no connection yet: it needs none any more
		l.given = true
		c.run(event{lost, at, sip.StatusRequestTerminated}, nil)
		return
	}
	if reason != "" {
		l.tx.Cancel("Reason", reason)
	} else {
		l.tx.Cancel()
	}
}
