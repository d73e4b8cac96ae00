package proxy

import (
	"slices"
	"strings"

	"chordophone/sip/digest"
	"chordophone/sip/stack"
	"chordophone/sip/wire"

	"github.com/emiago/sipgo/sip"
)

// valid is RFC 3261, section 16.3, as far as package wire has not seen to it. It
// answers what is not valid.
func (p *Proxy) valid(tx *stack.ServerTx, r routing) bool {
	req := tx.Request
	if r.bad {
		tx.Reply(sip.StatusBadRequest)
		return false
	}
	// "If the request contains a Max-Forwards header field with a field value of
	// zero (0), the element MUST NOT forward the request."
	if hops := req.MaxForwards(); hops != nil && hops.Val() == 0 {
		tx.Reply(sip.StatusTooManyHops)
		return false
	}
	if p.loops(req) {
		tx.Reply(sip.StatusLoopDetected)
		return false
	}
	// "If the request contains a Proxy-Require header field with one or more
	// option-tags this element does not understand, the element MUST return a 420".
	if _, ok := field(req, "Proxy-Require"); ok {
		if tags := wire.Values(req, "Proxy-Require"); len(tags) > 0 {
			tx.Reply(sip.StatusBadExtension, "Unsupported", strings.Join(tags, ", "))
			return false
		}
	}
	return true
}

// loops is section 16.3, step 4: the request was here already, and is just as it
// was, so that it would go the same way again. One that comes back with another
// Request-URI is a spiral, and allowed.
func (p *Proxy) loops(req *sip.Request) bool {
	k := p.calls[callID(req)]
	if k == nil || !p.passed(req) {
		return false
	}
	for _, c := range k.contexts {
		if sameWay(c.tx.Request, req) {
			return true
		}
	}
	return false
}

// passed reports whether a Via says that the request has come through this phone.
func (p *Proxy) passed(req *sip.Request) bool {
	for _, h := range req.Headers() {
		v, ok := h.(*sip.ViaHeader)
		if !ok {
			continue
		}
		params := sip.HeaderParams{{K: "transport", V: v.Transport}}
		if at, transport, ok := address(sip.Uri{Host: v.Host, Port: v.Port, UriParams: params}); ok && p.cfg.Stack.Listens(transport, at) {
			return true
		}
	}
	return false
}

// sameWay compares what decides where a request goes: section 16.6, step 8.
func sameWay(a, b *sip.Request) bool {
	if a.Method != b.Method || a.CSeq().SeqNo != b.CSeq().SeqNo || tagOf(a.From()) != tagOf(b.From()) || tagOf(a.To()) != tagOf(b.To()) ||
		a.Recipient.String() != b.Recipient.String() {
		return false
	}
	return slices.Equal(wire.Values(a, "Route"), wire.Values(b, "Route"))
}

// outgoing says how a request changes on its way: section 16.6.
type outgoing struct {
	uri          sip.Uri
	routes       []string
	recordRoutes []string
	session      session
	// RFC 3325: what a client says of who it is is taken out, and what it proved to
	// be is put in for phones; who wants to stay unknown does so to clients.
	assert string // the URI proved; empty: nothing to be said
	strip  bool   // P-Asserted-Identity goes, wherever it is from
	realm  string // credentials for it were for us, and are nobody else's business
}

// ours reports whether a field has credentials for the office, or ones that cannot
// be read. RFC 3261, section 22.3: a proxy takes those out that were for it. Who is
// called must not see them: they are worth a dictionary.
func (o *outgoing) ours(h sip.Header) bool {
	c, isDigest, err := digest.ParseCredentials(h.Value())
	return isDigest && (err != nil || strings.EqualFold(c.Realm, o.realm))
}

// pass makes the request that goes out. It shares the fields that stay as they
// are, and the body, with the one that came in.
func (o *outgoing) pass(in *sip.Request) *sip.Request {
	out := sip.NewRequest(in.Method, o.uri)
	recorded, routed, hopped := len(o.recordRoutes) == 0, false, false
	record := func() {
		for _, r := range o.recordRoutes {
			out.AppendHeader(sip.NewHeader("Record-Route", r))
		}
		recorded = true
	}
	route := func() {
		for _, r := range o.routes {
			out.AppendHeader(sip.NewHeader("Route", r))
		}
		routed = true
	}
	headers := in.Headers()
	for i, h := range headers {
		switch h := h.(type) {
		case *sip.MaxForwardsHeader:
			if !hopped {
				n := sip.MaxForwardsHeader(h.Val() - 1) // not 0: valid has seen to that
				out.AppendHeader(&n)
				hopped = true
			}
			continue
		case *sip.ViaHeader:
			out.AppendHeader(h)
			if i+1 < len(headers) {
				if _, more := headers[i+1].(*sip.ViaHeader); !more { // here an own field would go
					if !recorded && !hasField(in, "Record-Route") {
						record()
					}
					if len(o.routes) > 0 && !hasField(in, "Route") {
						route()
					}
				}
			}
			continue
		}
		switch name := h.Name(); {
		case is(h, "Route"):
			if !routed {
				route()
			}
			continue
		case is(h, "Record-Route"):
			if !recorded {
				record()
			}
		case name == "" || name[0]|0x20 != 'p':
		case is(h, "P-Asserted-Identity"), is(h, "P-Preferred-Identity"):
			if o.strip {
				continue
			}
		case is(h, "Proxy-Authorization"):
			if o.ours(h) {
				continue
			}
		}
		if is(h, "Authorization") && o.ours(h) {
			continue
		}
		if o.session.expires != "" && is(h, "Session-Expires") || o.session.minSE != "" && is(h, "Min-SE") {
			continue
		}
		out.AppendHeader(h)
	}
	if !recorded {
		record()
	}
	if !routed {
		route()
	}
	if !hopped { // section 16.6, step 3
		n := sip.MaxForwardsHeader(70)
		out.AppendHeader(&n)
	}
	if o.session.expires != "" {
		out.AppendHeader(sip.NewHeader("Session-Expires", o.session.expires))
	}
	if o.session.minSE != "" {
		out.AppendHeader(sip.NewHeader("Min-SE", o.session.minSE))
	}
	if o.assert != "" {
		out.AppendHeader(sip.NewHeader("P-Asserted-Identity", o.assert))
	}
	if body := in.Body(); body != nil {
		out.SetBody(body)
	}
	return out
}

func hasField(msg message, name string) bool {
	_, ok := field(msg, name)
	return ok
}

// identity fills in what RFC 3325 wants for a request from one flow to another.
func (o *outgoing) identity(from, to *stack.Flow, req *sip.Request, dialog bool) {
	switch {
	case isStranger(from):
		o.strip = true
		if !dialog && !isStranger(to) {
			if aor := wire.AOR(req.From().Address); aor != "" {
				o.assert = "<sip:" + aor + ">"
			}
		}
	case isStranger(to):
		o.strip = private(req)
	}
}

// private reports whether the caller wants its asserted identity kept from clients
// (RFC 3325, section 9.3). The values of Privacy are separated by semicolons.
func private(req *sip.Request) bool {
	value, ok := field(req, "Privacy")
	if !ok {
		return false
	}
	for v := range strings.SplitSeq(value, ";") {
		if strings.EqualFold(strings.TrimSpace(v), "id") {
			return true
		}
	}
	return false
}
