package proxy

import (
	"net/netip"
	"time"

	"chordophone/sip/stack"
	"chordophone/sip/wire"

	"github.com/emiago/sipgo/sip"
)

// call is what goes on under one Call-ID.
type call struct {
	dialogs  []*dialog
	contexts []*forwarding // at work
}

// dialog is one that this phone has put itself into the route of: who may send
// requests in it.
type dialog struct {
	callID  string
	method  sip.RequestMethod // that made it
	sides   [2]side           // of the one who began it, and of the other
	began   time.Time
	expires time.Time // RFC 4028, section 8.3, or the end of a subscription; zero: never
	settled bool      // confirmed
	ended   bool
}

const (
	caller = 0
	callee = 1
)

// side is one side of a dialog.
type side struct {
	tag     string
	aor     string      // of its From or To
	contact netip.Addr  // in its Contact, when the dialog began
	flow    *stack.Flow // of a client, nil if the side is behind another phone or is the telephone
	party   *party      // of a client, nil if nobody wants to know
}

// within is a request's place: its dialog and the side that it comes from.
type within struct {
	dialog *dialog
	side   int
}

// sends reports whether a stranger's flow is that of the side.
func (s *side) sends(f *stack.Flow) bool {
	switch {
	case s.flow == nil:
		return false
	case s.flow == f:
		return true
	}
	return s.flow.Transport() == stack.UDP && f.Transport() == stack.UDP && s.flow.Remote() == f.Remote()
}

// lookup finds the dialog of a request and the side that sends it.
func (p *Proxy) lookup(req *sip.Request) within {
	c := p.calls[callID(req)]
	if c == nil {
		return within{}
	}
	from, to := tagOf(req.From()), tagOf(req.To())
	for _, d := range c.dialogs {
		if d.sides[caller].tag == from && d.sides[callee].tag == to {
			return within{d, caller}
		}
		if d.sides[callee].tag == from && d.sides[caller].tag == to {
			return within{d, callee}
		}
	}
	return within{}
}

type admission uint8

const (
	admitted admission = iota
	unproven           // credentials would help
	refused
)

// admit says whether a flow may send a request in a dialog.
func (p *Proxy) admit(f *stack.Flow, req *sip.Request) (within, admission) {
	in := p.lookup(req)
	if f.Transport() == stack.Loopback {
		return in, admitted
	}
	from := ""
	if h := req.From(); h != nil {
		from = wire.AOR(h.Address)
	}
	if in.dialog != nil && from != in.dialog.sides[in.side].aor {
		return in, refused
	}
	if peer := f.Peer(); peer != "" {
		if from != peer && p.cfg.Phones.Telephone(from) {
			return in, refused
		}
		return in, admitted // for its clients, or for those of a phone that is dead
	}
	if in.dialog != nil && in.dialog.sides[in.side].sends(f) || p.cfg.Allowed(f, req) {
		return in, admitted
	}
	return in, unproven
}

// remember puts a dialog into the table, or finds it there.
func (p *Proxy) remember(c *forwarding, l *clientLeg, tag string, res *sip.Response) *dialog {
	req := c.tx.Request
	id, from := callID(req), tagOf(req.From())
	k := p.call(id)
	for _, d := range k.dialogs {
		if d.sides[caller].tag == from && d.sides[callee].tag == tag {
			return d
		}
	}
	if l.tags == maxTags {
		return nil
	}
	l.tags++
	d := &dialog{callID: id, method: req.Method, began: time.Now()}
	d.sides[caller] = side{tag: from, aor: wire.AOR(req.From().Address), contact: contactAddr(req), party: c.caller}
	d.sides[callee] = side{tag: tag, aor: wire.AOR(req.To().Address), contact: contactAddr(res)}
	if isStranger(c.tx.Flow) {
		d.sides[caller].flow = c.tx.Flow
	}
	if isStranger(l.flow) {
		d.sides[callee].flow = l.flow
		d.sides[callee].party = l.party
	}
	d.sides[caller].party.hold()
	d.sides[callee].party.hold()
	k.dialogs = append(k.dialogs, d)
	p.dialogs++
	return d
}

// end forgets a dialog.
func (p *Proxy) end(d *dialog) {
	if d.ended {
		return
	}
	d.ended = true
	p.dialogs--
	k := p.calls[d.callID]
	for i, other := range k.dialogs {
		if other == d {
			k.dialogs = append(k.dialogs[:i], k.dialogs[i+1:]...)
			break
		}
	}
	p.tidy(d.callID, k)
	p.release(d.sides[caller].party)
	p.release(d.sides[callee].party)
}

func (p *Proxy) call(id string) *call {
	k := p.calls[id]
	if k == nil {
		k = &call{}
		p.calls[id] = k
	}
	return k
}

func (p *Proxy) tidy(id string, k *call) {
	if len(k.dialogs) == 0 && len(k.contexts) == 0 {
		delete(p.calls, id)
	}
}

const (
	sweepEvery = 10 * time.Second
	// What a call without a session timer is believed to last at least, once there
	// is no more room: its ends may have gone without a word.
	believed = time.Hour
)

// sweep ends the dialogs whose time is over.
func (p *Proxy) sweep() {
	p.sweeping = false
	now := time.Now()
	var late []*dialog
	for _, k := range p.calls {
		for _, d := range k.dialogs {
			if !d.expires.IsZero() && now.After(d.expires) {
				late = append(late, d)
			}
		}
	}
	for _, d := range late {
		p.end(d)
	}
	p.keepSweeping()
}

func (p *Proxy) keepSweeping() {
	if !p.sweeping && p.dialogs > 0 {
		p.sweeping = true
		p.cfg.Stack.After(sweepEvery, p.sweep)
	}
}

// room reports whether there is room for one more call. Requests in a dialog that
// was forgotten for want of room still pass if Config.Allowed vouches for them.
func (p *Proxy) room() bool {
	if p.inviting+p.dialogs < p.cfg.Calls {
		return true
	}
	var oldest *dialog
	for _, k := range p.calls {
		for _, d := range k.dialogs {
			if d.settled && d.expires.IsZero() && time.Since(d.began) > believed && (oldest == nil || d.began.Before(oldest.began)) {
				oldest = d
			}
		}
	}
	if oldest == nil {
		return false
	}
	p.end(oldest)
	return p.inviting+p.dialogs < p.cfg.Calls
}
