package proxy

import (
	"strings"
	"time"

	"chordophone/sip/stack"
	"chordophone/sip/wire"

	"github.com/emiago/sipgo/sip"
)

// forwarding is a response context (RFC 3261, section 16.2): a request that came in,
// and its branches. It carries out what its fork says.
type forwarding struct {
	p       *Proxy
	tx      *stack.ServerTx
	in      within
	fork    fork
	targets []Target
	legs    [][]clientLeg // as targets and their hops
	session session
	reason  string // of the caller's CANCEL
	caller  *party

	events  []event // to be stepped
	running bool
	res     *sip.Response // that the event at hand is about
	timer   *stack.Timer
	due     time.Time
}

// start begins to forward a request.
func (p *Proxy) start(tx *stack.ServerTx, targets []Target, in within) {
	if !tx.Flow.Alive() {
		return // nobody is left to be answered
	}
	c := &forwarding{p: p, tx: tx, in: in, targets: targets}
	req := tx.Request
	invite := req.Method == sip.INVITE
	if invite {
		var ok bool
		if c.session, ok = askSession(req); !ok {
			tx.Reply(422, "Min-SE", "90") // RFC 4028, section 8.1
			return
		}
		if in.dialog == nil && tagOf(req.To()) == "" && !p.room() {
			tx.Reply(sip.StatusServiceUnavailable, "Retry-After", "10")
			return
		}
		p.inviting++
		tx.Reply(sip.StatusTrying)
		tx.Cancelled = func(cancel *sip.Request) {
			c.reason, _ = field(cancel, "Reason") // RFC 3326
			c.run(event{kind: cancelled}, nil)
		}
		if in.dialog == nil && isStranger(tx.Flow) {
			c.caller = p.newParty(wire.AOR(req.From().Address), req, true)
		}
	}
	tx.Ended = func() {
		if tx.Final() == 0 { // the caller's connection is gone
			c.run(event{kind: cancelled}, nil)
		}
	}
	ways := make([]int, len(targets))
	c.legs = make([][]clientLeg, len(targets))
	for i := range targets {
		ways[i] = len(targets[i].Hops)
		c.legs[i] = make([]clientLeg, ways[i])
	}
	c.fork = newFork(invite, ways)
	k := p.call(callID(req))
	k.contexts = append(k.contexts, c)
	c.run(event{kind: begin}, nil)
}

// run takes an event, and those that it brings about.
func (c *forwarding) run(ev event, res *sip.Response) {
	if c.running { // a connection was there, or refused, at once
		c.events = append(c.events, ev)
		return
	}
	c.running = true
	for {
		c.res = res
		for _, a := range c.fork.step(time.Now(), ev) {
			c.carryOut(a)
		}
		if len(c.events) == 0 {
			break
		}
		ev, res = c.events[0], nil
		c.events = c.events[1:]
	}
	c.res, c.running = nil, false
	if !c.fork.over {
		c.arm()
	}
}

func (c *forwarding) carryOut(a action) {
	switch a.kind {
	case send:
		c.connect(a.leg)
	case forward:
		c.respond(c.res)
	case keep:
		c.leg(a.leg).res = c.res
	case giveUp:
		c.cancel(a.leg, c.reason)
	case elsewhere:
		c.cancel(a.leg, `SIP;cause=200;text="Call completed elsewhere"`)
	case choose:
		c.choose(a.leg)
	case reply:
		c.respond(wire.Response(c.tx.Request, a.status, c.tx.Tag))
	case forget:
		c.forget()
	}
}

// arm sets the timer for the fork's next tick. One that is set too early is left:
// it costs less to be woken once than to be moved with each response.
func (c *forwarding) arm() {
	next := c.fork.nextTime()
	if next.IsZero() {
		c.timer.Stop()
		c.timer = nil
		return
	}
	if c.timer != nil && !c.due.After(next) {
		return
	}
	c.timer.Stop()
	c.due = next
	c.timer = c.p.cfg.Stack.After(max(0, time.Until(next)), func() {
		c.timer = nil
		c.run(event{kind: tick}, nil)
	})
}

// respond sends a response upstream. What is final lets go of the context, which
// the stack would keep for as long as its transaction.
func (c *forwarding) respond(res *sip.Response) {
	if res.StatusCode >= 200 {
		c.tx.Cancelled, c.tx.Ended = nil, nil
	}
	c.tx.Respond(res)
}

// choose sends the best response. "If the selected response is a 401 (Unauthorized)
// or 407 (Proxy Authentication Required), the proxy MUST collect any
// WWW-Authenticate and Proxy-Authenticate header field values from all other 401
// (Unauthorized) and 407 (Proxy Authentication Required) responses received so far".
func (c *forwarding) choose(at leg) {
	best := c.leg(at).res
	if challenges(best) {
		for i := range c.legs {
			for try := range c.legs[i] {
				res := c.legs[i][try].res
				if res == nil || res == best || !challenges(res) {
					continue
				}
				for _, h := range res.Headers() {
					if is(h, "WWW-Authenticate") || is(h, "Proxy-Authenticate") {
						best.AppendHeader(h)
					}
				}
			}
		}
	}
	c.respond(best)
}

func challenges(res *sip.Response) bool {
	return res.StatusCode == sip.StatusUnauthorized || res.StatusCode == sip.StatusProxyAuthRequired
}

// forget lets go of what is not needed for 2xx that may still come.
func (c *forwarding) forget() {
	p := c.p
	id := callID(c.tx.Request)
	k := p.calls[id]
	for i, other := range k.contexts {
		if other == c {
			k.contexts = append(k.contexts[:i], k.contexts[i+1:]...)
			break
		}
	}
	for i := range c.legs {
		for try := range c.legs[i] {
			l := &c.legs[i][try]
			c.endEarly(l)
			p.release(l.party)
			l.party, l.res = nil, nil
		}
	}
	p.release(c.caller)
	if c.tx.Request.Method == sip.INVITE {
		p.inviting--
	}
	p.tidy(id, k)
	c.timer.Stop()
	c.targets, c.timer = nil, nil
	if !c.fork.invite || !c.fork.success {
		c.tx, c.legs = nil, nil
		return
	}
	c.tx.Request = slim(c.tx.Request)
	for i := range c.legs {
		for try := range c.legs[i] {
			if l := &c.legs[i][try]; l.tx != nil {
				l.tx.Request = c.tx.Request
			}
		}
	}
}

// slim is what a request must still say when only a further 2xx can come: that may
// be half a minute, and with the request go the octets that it was read from.
func slim(req *sip.Request) *sip.Request {
	s := sip.NewRequest(req.Method, sip.Uri{})
	from := sip.FromHeader{Address: bare(req.From().Address), Params: sip.HeaderParams{{K: "tag", V: strings.Clone(tagOf(req.From()))}}}
	to := sip.ToHeader{Address: bare(req.To().Address), Params: sip.HeaderParams{}}
	if tag := tagOf(req.To()); tag != "" {
		to.Params = sip.HeaderParams{{K: "tag", V: strings.Clone(tag)}}
	}
	id := sip.CallIDHeader(strings.Clone(callID(req)))
	cseq := sip.CSeqHeader{SeqNo: req.CSeq().SeqNo, MethodName: req.Method}
	for _, h := range []sip.Header{&from, &to, &id, &cseq} {
		s.AppendHeader(h)
	}
	return s
}

func bare(uri sip.Uri) sip.Uri {
	return sip.Uri{Scheme: strings.Clone(uri.Scheme), User: strings.Clone(uri.User), Host: strings.Clone(uri.Host), Port: uri.Port}
}
