package stack

import (
	"fmt"
	"time"

	"chordophone/sip/transaction"
	"chordophone/sip/wire"

	"github.com/emiago/sipgo/sip"
)

// ClientTx is a client transaction.
type ClientTx struct {
	Request *sip.Request
	Flow    *Flow // a request too large for UDP may change it once

	client *client
}

// client is what the stack keeps of a client transaction.
type client struct {
	key      string
	alarm    alarm
	machine  machine // nil: a connection is being made
	flow     *Flow
	tx       *ClientTx
	response func(*sip.Response)
	failed   func(error) // nil once a final response was passed on
	serial   uint64
	invite   bool
	status   int       // last one that came
	cancel   *[]string // fields of a CANCEL that is wanted
	sent     bool      // ... and was sent
	stack    *Stack
}

// clientKey is RFC 3261, section 17.1.3: the branch, which nobody can guess, and
// whether it is CANCEL, which has the branch of its INVITE.
func clientKey(branch string, method sip.RequestMethod) string {
	if method == sip.CANCEL {
		return "C" + branch
	}
	return branch
}

// Request sends a request in a client transaction and adds the topmost Via with
// its own branch (do not add one). response gets provisional ones and one final
// one, to INVITE also each further 2xx; or else failed is called, once. Neither is
// called before Request has returned. ACK to 3xx-6xx is sent by the transaction.
// A UDP request beyond 1300 octets goes over TCP instead, and over UDP if nobody
// listens there (RFC 3261, section 18.1.1).
func (s *Stack) Request(f *Flow, req *sip.Request, response func(*sip.Response), failed func(error)) *ClientTx {
	branch := magic + wire.Token()
	req.PrependHeader(f.Via(branch))
	return s.ask(f, req, branch, response, failed)
}

// ask is Request for a request with its Via.
func (s *Stack) ask(f *Flow, req *sip.Request, branch string, response func(*sip.Response), failed func(error)) *ClientTx {
	s.serial++
	tx := &ClientTx{Request: req, Flow: f}
	c := &client{stack: s, key: clientKey(branch, req.Method), flow: f, tx: tx, serial: s.serial,
		response: response, failed: failed, invite: req.Method == sip.INVITE}
	c.alarm.owner = c
	tx.client = c
	fail := func(err error) *ClientTx {
		s.later(func() { failed(err) })
		return tx
	}
	var octets []byte
	limit := s.cfg.Limits.Transactions
	if len(s.servers)+len(s.clients) >= limit+limit/4 { // more than for servers: what was let in goes on
		return fail(ErrFull)
	}
	if !f.alive {
		return fail(fmt.Errorf("%w: %v", ErrFlow, f.remote))
	}
	req.SetTransport(f.transport.via())
	if f.transport != Loopback {
		var err error
		if octets, err = wire.Bytes(req); err != nil {
			return fail(fmt.Errorf("stack: %w", err))
		}
	}
	s.clients[c.key] = c
	if f.clients != nil {
		f.clients[c] = struct{}{}
	}
	s.open++
	s.count.transactions.Add(1)
	s.count.clientsNow.Store(int64(len(s.clients)))
	if f.transport == UDP && len(octets) > maxDatagram && time.Now().After(f.noTCP) {
		s.overTCP(c, octets)
	} else {
		s.start(c, octets)
	}
	return tx
}

// start sends the request.
func (s *Stack) start(c *client, octets []byte) {
	now := time.Now()
	if c.flow.transport == UDP {
		s.rates.expect(now, c.flow.remote, 64*transaction.T1)
	}
	var do transaction.Actions
	if c.invite {
		m := &transaction.InviteClient{}
		do = m.Start(now, octets, c.flow.reliable())
		c.machine = m
	} else {
		m := &transaction.Client{}
		do = m.Start(now, octets, c.flow.reliable())
		c.machine = m
	}
	s.act(c, do, nil)
}

const (
	largeTime = 2 * time.Second // for a TCP connection in place of UDP
	noTCPTime = 5 * time.Minute // that a far side without one is not asked again
)

// overTCP sends a large request over TCP, or over UDP if there is none.
func (s *Stack) overTCP(c *client, octets []byte) {
	udp := c.flow
	begun := false
	begin := func(f *Flow) {
		if begun || s.clients[c.key] != c {
			return
		}
		begun = true
		if f == nil {
			udp.noTCP = time.Now().Add(noTCPTime)
			s.start(c, octets)
			return
		}
		via := c.tx.Request.Via()
		branch, _ := wire.Param(via.Params, "branch")
		*via = *f.Via(branch)
		c.tx.Request.SetTransport("TCP")
		large, err := wire.Bytes(c.tx.Request)
		if err != nil {
			s.endClient(c, fmt.Errorf("stack: %w", err))
			return
		}
		c.flow, c.tx.Flow = f, f
		f.clients[c] = struct{}{}
		s.start(c, large)
	}
	s.After(largeTime, func() { begin(nil) })
	s.Connect(Target{Transport: TCP, Addr: udp.remote}, func(f *Flow, _ bool, err error) {
		if err != nil {
			f = nil
		}
		// Not before Request has returned.
		s.later(func() { begin(f) })
	})
}

func (c *client) expire(now time.Time) {
	c.stack.act(c, c.machine.Step(now, transaction.Event{}), nil)
}

// act does what the machine says; res is the response that it is about.
func (s *Stack) act(c *client, do transaction.Actions, res *sip.Response) {
	if do.Has(transaction.Acknowledge) {
		s.acknowledge(c, res)
	}
	if do.Has(transaction.Send) && !s.send(c, c.tx.Request) {
		s.later(func() {
			if s.clients[c.key] == c {
				s.act(c, c.machine.Step(time.Now(), transaction.Event{Kind: transaction.Broken}), nil)
			}
		})
	}
	switch {
	case do.Has(transaction.End) && do.Has(transaction.TimedOut):
		s.endClient(c, ErrTimeout)
	case do.Has(transaction.End) && do.Has(transaction.Failed):
		s.endClient(c, fmt.Errorf("%w: %v", ErrFlow, c.flow.remote))
	case do.Has(transaction.End):
		response := c.response
		s.endClient(c, ErrFlow)
		if do.Has(transaction.Pass) {
			response(res)
		}
	default:
		s.setAlarm(&c.alarm, c.machine.Next())
		if do.Has(transaction.Pass) {
			c.response(res)
		}
	}
}

// send sends what the machine repeats, or on a loopback the message itself.
func (s *Stack) send(c *client, msg *sip.Request) bool {
	if c.flow.transport == Loopback {
		return c.flow.hand(msg) == nil
	}
	return c.flow.write(c.machine.Octets(), c.flow.remote.Port()) == nil
}

// acknowledge is RFC 3261, section 17.1.1.3.
func (s *Stack) acknowledge(c *client, res *sip.Response) {
	inv := c.tx.Request
	ack := sip.NewRequest(sip.ACK, inv.Recipient)
	ack.AppendHeader(sip.HeaderClone(inv.Via()))
	copyFields(ack, inv, "route")
	hops := sip.MaxForwardsHeader(70)
	ack.AppendHeader(&hops)
	copyFields(ack, inv, "from")
	copyFields(ack, res, "to")
	copyFields(ack, inv, "call-id")
	ack.AppendHeader(&sip.CSeqHeader{SeqNo: inv.CSeq().SeqNo, MethodName: sip.ACK})
	ack.SetBody(nil)
	if c.flow.transport == Loopback {
		c.flow.hand(ack)
		return
	}
	octets, err := wire.Bytes(ack)
	if err != nil {
		s.log.Error("sip: an ACK that cannot be sent", "error", err)
		return
	}
	c.machine.(*transaction.InviteClient).Ack(octets)
	c.flow.write(octets, c.flow.remote.Port())
}

func copyFields(to *sip.Request, from sip.Message, name string) {
	for _, h := range from.GetHeaders(name) {
		to.AppendHeader(sip.HeaderClone(h))
	}
}

// response handles a response that came over a flow. It must come from where the
// request went: over the same connection, or from the host that was asked.
func (s *Stack) response(f *Flow, res *sip.Response, v wire.Verdict) {
	via, cseq := res.Via(), res.CSeq()
	if !v.OK() || via == nil || cseq == nil {
		s.count.malformed.Add(1)
		return
	}
	branch, _ := wire.Param(via.Params, "branch")
	c := s.clients[clientKey(branch, cseq.MethodName)]
	switch {
	case c == nil || c.machine == nil,
		!answers(f, c.flow),
		c.tx.Request.Method != cseq.MethodName:
		s.count.stray.Add(1)
		return
	}
	ev := transaction.Event{Kind: transaction.Provisional}
	switch {
	case res.StatusCode >= 300, res.StatusCode >= 200 && !c.invite:
		ev.Kind = transaction.Final
	case res.StatusCode >= 200:
		ev.Kind = transaction.Success
	}
	c.status = max(c.status, res.StatusCode)
	if res.StatusCode >= 200 {
		s.final(c)
	}
	s.act(c, c.machine.Step(time.Now(), ev), res)
	if s.clients[c.key] == c {
		c.sendCancel()
	}
}

// answers reports whether a response to what was sent over asked may come over f: the
// same flow, or, from who is not a phone, another one from the same host, for there
// are clients that answer over a connection of their own. The branch is a secret.
func answers(f, asked *Flow) bool {
	return f == asked || f.peer == "" && asked.peer == "" && f.remote.Addr() == asked.remote.Addr()
}

// final notes that a final response came.
func (s *Stack) final(c *client) {
	if c.failed != nil {
		c.failed = nil
		s.open--
	}
}

// endClient forgets a transaction, and unless a final response came, tells why.
func (s *Stack) endClient(c *client, err error) {
	if s.clients[c.key] != c {
		return
	}
	delete(s.clients, c.key)
	delete(c.flow.clients, c)
	s.alarms.clear(&c.alarm)
	s.count.clientsNow.Store(int64(len(s.clients)))
	failed := c.failed
	s.final(c)
	c.response, c.failed = nil, nil
	if failed != nil {
		failed(err)
	}
}

// Cancel sends CANCEL for an INVITE as soon as there is a provisional response,
// and gives up 64*T1 later (RFC 3261, section 9.1). Fields come in pairs.
func (t *ClientTx) Cancel(fields ...string) {
	c := t.client
	if !c.invite || c.cancel != nil {
		return
	}
	c.cancel = &fields
	c.sendCancel()
}

func (c *client) sendCancel() {
	s := c.stack
	if c.cancel == nil || c.sent || c.status < 100 || c.status >= 200 || s.clients[c.key] != c {
		return
	}
	c.sent = true
	inv := c.tx.Request
	req := sip.NewRequest(sip.CANCEL, inv.Recipient)
	req.AppendHeader(sip.HeaderClone(inv.Via()))
	copyFields(req, inv, "route")
	hops := sip.MaxForwardsHeader(70)
	req.AppendHeader(&hops)
	for _, name := range []string{"from", "to", "call-id"} {
		copyFields(req, inv, name)
	}
	req.AppendHeader(&sip.CSeqHeader{SeqNo: inv.CSeq().SeqNo, MethodName: sip.CANCEL})
	for i := 0; i+1 < len(*c.cancel); i += 2 {
		req.AppendHeader(sip.NewHeader((*c.cancel)[i], (*c.cancel)[i+1]))
	}
	req.SetBody(nil)
	branch, _ := wire.Param(inv.Via().Params, "branch")
	s.ask(c.flow, req, branch, func(*sip.Response) {}, func(error) {})
	s.act(c, c.machine.Step(time.Now(), transaction.Event{Kind: transaction.Cancelled}), nil)
}
