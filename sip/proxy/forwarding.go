package proxy

import (
	"errors"
	"slices"
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

func (c *forwarding) leg(at leg) *clientLeg { return &c.legs[at.branch][at.try] }

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

// track keeps the table of dialogs, and those who watch them, up to date.
func (c *forwarding) track(l *clientLeg, res *sip.Response) {
	p, method, status := c.p, c.tx.Request.Method, res.StatusCode
	if c.in.dialog != nil || tagOf(c.tx.Request.To()) != "" {
		c.within(method, res)
		return
	}
	if !records(method) || !isStranger(l.flow) && !isStranger(c.tx.Flow) {
		return
	}
	tag := tagOf(res.To())
	switch {
	case status == 100:
		p.advance(c.caller, Proceeding, "")
	case status < 200 && tag == "":
		p.advance(c.caller, Proceeding, "")
	case status < 200:
		if d := p.remember(c, l, tag, res); d != nil && !d.settled && !slices.Contains(l.early, d) {
			l.early = append(l.early, d)
		}
		p.advance(c.caller, Early, tag)
		p.advance(l.party, Early, tag)
	case status < 300:
		expires := c.agreed(method, res)
		d := p.remember(c, l, tag, res)
		if d != nil {
			d.settled, d.expires = true, expires
		}
		c.endEarly(l)
		p.advance(c.caller, Confirmed, tag)
		p.advance(l.party, Confirmed, tag)
		p.release(l.party)
		l.party = nil
		p.keepSweeping()
	default:
		c.endEarly(l)
	}
}

// agreed is when the dialog that a 2xx makes is over by itself, if ever.
func (c *forwarding) agreed(method sip.RequestMethod, res *sip.Response) time.Time {
	if method == sip.INVITE {
		return c.session.answer(time.Now(), res)
	}
	n, ok := seconds(res, "Expires")
	if !ok {
		n = 3600
	}
	return time.Now().Add(time.Duration(n)*time.Second + time.Minute) // the last NOTIFY
}

// within sees to the end, or the renewal, of the dialog that the request is in.
func (c *forwarding) within(method sip.RequestMethod, res *sip.Response) {
	d := c.in.dialog
	if res.StatusCode < 200 || d == nil {
		if d == nil && method == sip.INVITE && res.StatusCode >= 200 && res.StatusCode < 300 {
			c.session.answer(time.Now(), res)
		}
		return
	}
	switch success := res.StatusCode < 300; {
	case method == sip.BYE && res.StatusCode != sip.StatusUnauthorized && res.StatusCode != sip.StatusProxyAuthRequired,
		res.StatusCode == sip.StatusCallTransactionDoesNotExists && d.method == sip.INVITE: // RFC 3261, section 12.2.1.2
		c.p.end(d)
	case success && (method == sip.INVITE || method == sip.UPDATE && hasField(res, "Session-Expires")):
		d.expires = c.session.answer(time.Now(), res)
	case success && method == sip.SUBSCRIBE:
		d.expires = c.agreed(method, res)
	}
}

// endEarly ends the early dialogs of a leg and its client's part.
func (c *forwarding) endEarly(l *clientLeg) {
	for _, d := range l.early {
		if !d.settled {
			c.p.end(d)
		}
	}
	l.early = nil
}

// respond sends a response upstream. What is final lets go of the context, which
// the stack would keep for as long as its transaction.
func (c *forwarding) respond(res *sip.Response) {
	if res.StatusCode >= 200 {
		c.tx.Cancelled, c.tx.Ended = nil, nil
	}
	c.tx.Respond(res)
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
