package stack

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"strings"
	"time"

	"chordophone/sip/transaction"
	"chordophone/sip/wire"

	"github.com/emiago/sipgo/sip"
)

// machine is one of package transaction's.
type machine interface {
	Step(now time.Time, ev transaction.Event) transaction.Actions
	Next() time.Time
	Octets() []byte
	Over() bool
}

// ServerTx is a server transaction.
type ServerTx struct {
	Request *sip.Request
	Flow    *Flow
	Tag     string // for To of our own responses
	// Cancelled, if set, is called at most once: a CANCEL came over the same flow
	// before a final response. The stack has answered the CANCEL itself.
	Cancelled func(cancel *sip.Request)
	// Ended, if set before the first final response, is called when the transaction
	// is over: all its timers have run, or its flow is gone.
	Ended func()

	final  int
	served *served
}

// served is what the stack keeps of a server transaction: little once it has its
// final response, since on UDP it is kept for 32 s after that.
type served struct {
	key       serverKey
	alarm     alarm
	machine   machine
	flow      *Flow
	tx        *ServerTx // nil once it has its final response
	ended     func()
	serial    uint64
	port      uint16 // of UDP: where responses go
	invite    bool
	cancelled bool
	done      bool // has its final response
	over      bool // has ended
	stack     *Stack
}

// serverKey is RFC 3261, section 17.2.3: branch, sent-by and method, with the source
// host of a datagram or the connection, hashed so that it costs little to keep.
type serverKey [16]byte

// keyOf is the key of the transaction that a request of this method belongs to.
func (s *Stack) keyOf(f *Flow, req *sip.Request, method sip.RequestMethod) serverKey {
	var buf [256]byte
	b := buf[:0]
	add := func(part string) {
		b = binary.AppendUvarint(b, uint64(len(part)))
		b = append(b, part...)
	}
	via := req.Via()
	branch, _ := wire.Param(via.Params, "branch")
	add(string(method))
	add(strings.ToLower(via.Host))
	b = binary.AppendUvarint(b, uint64(via.Port))
	if f.transport == UDP {
		b, _ = f.remote.Addr().AppendBinary(b)
	} else {
		b = binary.AppendUvarint(b, f.serial)
	}
	add(branch)
	if !strings.HasPrefix(branch, magic) {
		// A client of RFC 2543. To is left out, since that of an ACK has our tag.
		add(req.Recipient.String())
		add(wire.Tag(req.From().Params))
		add(string(*req.CallID()))
		b = binary.AppendUvarint(b, uint64(req.CSeq().SeqNo))
	}
	sum := sha256.Sum256(b)
	return serverKey(sum[:])
}

const magic = sip.RFC3261BranchMagicCookie

// request handles a request that came over a flow.
func (s *Stack) request(f *Flow, req *sip.Request, v wire.Verdict) {
	via := req.Via()
	if via == nil || v.Status == wire.Drop || req.From() == nil || req.To() == nil || req.CallID() == nil || req.CSeq() == nil {
		if v.OK() || via == nil || v.Status == wire.Drop || req.Method == sip.ACK {
			s.count.malformed.Add(1)
			return
		}
		f.received(via)
		s.refuse(f, req, v.Status, v.Field, v.Value)
		return
	}
	f.received(via)
	method := req.Method
	if method == sip.ACK {
		method = sip.INVITE
	}
	key := s.keyOf(f, req, method)
	if t := s.servers[key]; t != nil {
		s.again(t, req)
		return
	}
	switch {
	case req.Method == sip.ACK:
		if v.OK() && !s.stateless(req) {
			s.cfg.Handler.Ack(f, req)
		}
	case !v.OK():
		s.count.refused.Add(1)
		s.refuse(f, req, v.Status, v.Field, v.Value)
	case req.Method == sip.CANCEL:
		s.cancelled(f, req)
	case s.stopping, !s.room(req):
		s.count.busy.Add(1)
		s.refuse(f, req, 503, "Retry-After", "5")
	default:
		s.begin(f, req, key)
	}
}

// again is a request that belongs to a transaction at hand.
func (s *Stack) again(t *served, req *sip.Request) {
	kind := transaction.Again
	if req.Method == sip.ACK {
		if !t.invite {
			return
		}
		kind = transaction.Acked
	}
	if s.step(t, transaction.Event{Kind: kind}, nil).Has(transaction.Pass) {
		s.cfg.Handler.Ack(t.flow, req)
	}
}

// room reports whether one more transaction may begin. A dialog at hand has some
// more room than new ones. What is long finished gives way, to what is forwarded for
// them, too: or they would be let in, and find no room for that.
func (s *Stack) room(req *sip.Request) bool {
	limit := s.cfg.Limits.Transactions
	if wire.Tag(req.To().Params) != "" {
		limit += limit / 8
	}
	for len(s.servers)+len(s.clients) >= limit {
		if !s.forgetOne() {
			return false
		}
	}
	return true
}

func (s *Stack) begin(f *Flow, req *sip.Request, key serverKey) {
	now := time.Now()
	s.serial++
	t := &served{stack: s, key: key, flow: f, port: replyPort(req.Via(), f.remote.Port()), serial: s.serial, invite: req.Method == sip.INVITE}
	t.alarm.owner = t
	if t.invite {
		m := &transaction.InviteServer{}
		m.Start(now, f.reliable())
		t.machine = m
	} else {
		m := &transaction.Server{}
		m.Start(f.reliable())
		t.machine = m
	}
	t.tx = &ServerTx{Request: req, Flow: f, Tag: wire.Token(), served: t}
	s.servers[key] = t
	s.most = max(s.most, len(s.servers))
	if f.servers != nil {
		f.servers[t] = struct{}{}
	}
	s.open++
	s.count.transactions.Add(1)
	s.count.serversNow.Store(int64(len(s.servers)))
	s.setAlarm(&t.alarm, t.machine.Next())
	s.cfg.Handler.Request(t.tx)
}

func (t *served) expire(now time.Time) { t.stack.step(t, transaction.Event{}, nil) }

// step runs the machine and does what it says; res is the response that ev is about.
func (s *Stack) step(t *served, ev transaction.Event, res *sip.Response) transaction.Actions {
	do := t.machine.Step(time.Now(), ev)
	if do.Has(transaction.Send) {
		if t.flow.transport == Loopback {
			t.flow.hand(res)
		} else {
			t.flow.write(t.machine.Octets(), t.port) // lost: asked again, or the flow ends
		}
	}
	if do.Has(transaction.Trying) {
		t.tx.Respond(wire.Response(t.tx.Request, 100, ""))
		return do
	}
	if do.Has(transaction.End) {
		s.endServer(t)
		return do
	}
	s.setAlarm(&t.alarm, t.machine.Next())
	return do
}

// endServer forgets a transaction, whatever its state.
func (s *Stack) endServer(t *served) {
	if t.over {
		return
	}
	t.over = true
	delete(s.servers, t.key)
	delete(t.flow.servers, t)
	s.alarms.clear(&t.alarm)
	s.count.serversNow.Store(int64(len(s.servers)))
	ended := t.ended
	if t.tx != nil {
		ended = t.tx.Ended
	}
	if !t.done {
		t.done = true
		s.open--
	}
	t.tx, t.ended = nil, nil
	if len(s.servers) == 0 && s.most > 1024 { // after a flood: a map never shrinks
		s.servers, s.most = map[serverKey]*served{}, 0
	}
	s.finished.first()
	if ended != nil {
		ended()
	}
}

// Respond sends a response. For INVITE, 2xx may be sent again; after another final
// one all else is dropped.
func (t *ServerTx) Respond(res *sip.Response) {
	k := t.served
	s := k.stack
	if k.over || t.final != 0 && (!k.invite || t.final >= 300 || res.StatusCode/100 != 2) {
		return
	}
	ev := transaction.Event{Kind: transaction.Provisional}
	switch {
	case res.StatusCode >= 200 && res.StatusCode < 300 && k.invite:
		ev.Kind = transaction.Success
	case res.StatusCode >= 200:
		ev.Kind = transaction.Final
	}
	if k.flow.transport != Loopback {
		octets, err := wire.Bytes(res)
		if err != nil {
			s.log.Error("sip: a response that cannot be sent", "status", res.StatusCode, "error", err)
			if res.StatusCode < 200 || t.final != 0 {
				return
			}
			ev.Kind = transaction.Final
			res = wire.Response(t.Request, 500, t.Tag)
			if octets, err = wire.Bytes(res); err != nil {
				s.endServer(k)
				return
			}
		}
		if k.flow.transport == UDP { // kept for long: no more than there is of it
			octets = bytes.Clone(octets)
		}
		ev.Octets = octets
	}
	if ev.Kind != transaction.Provisional && t.final == 0 {
		t.final = res.StatusCode
		k.ended, k.tx, k.done = t.Ended, nil, true
		s.open--
	}
	s.step(k, ev, res)
	if t.final != 0 && !k.invite && !k.over {
		s.finished.push(k)
	}
	if m, ok := k.machine.(*transaction.InviteServer); ok && ev.Kind == transaction.Success {
		m.Forget() // repeating it is the user's business
	}
}

// Reply makes and sends a response of our own, with fields in pairs of name and
// value.
func (t *ServerTx) Reply(status int, fields ...string) {
	t.Respond(wire.Response(t.Request, status, t.Tag, fields...))
}

// Refuse is Reply with a final status for somebody who has not proved who it is. Over
// UDP nothing is kept of the transaction: "forgoing the normal response
// retransmission algorithm, and thus behaving statelessly towards unauthenticated
// requests" (RFC 3261, section 26.3.2.4), for else strangers could fill the table of
// transactions with INVITEs. The same request again gets such an answer again.
func (t *ServerTx) Refuse(status int, fields ...string) {
	k := t.served
	if k.flow.transport != UDP {
		t.Reply(status, fields...)
		return
	}
	if k.over || t.final != 0 {
		return
	}
	t.final = status
	k.stack.refuse(k.flow, t.Request, status, fields...)
	k.stack.endServer(k)
}

// Final is the final status sent, 0 if none was.
func (t *ServerTx) Final() int { return t.final }

// cancelled is RFC 3261, section 9.2. A CANCEL cannot be challenged, so it must come
// from where its INVITE came from. It is answered without a transaction: the same
// again gets the same answer.
func (s *Stack) cancelled(f *Flow, req *sip.Request) {
	t := s.servers[s.keyOf(f, req, sip.INVITE)]
	if t == nil || t.flow != f && t.flow.remote != f.remote {
		s.refuse(f, req, 481)
		return
	}
	tag := ""
	if t.tx != nil {
		tag = t.tx.Tag
	}
	s.answer(f, req, 200, tag)
	if t.tx != nil && !t.cancelled {
		t.cancelled = true
		if t.tx.Cancelled != nil {
			t.tx.Cancelled(req)
		}
	}
}
