package wire

import (
	"strings"

	"github.com/emiago/sipgo/sip"
)

// message is what sipgo's requests and responses have in common.
type message interface {
	sip.Message
	Headers() []sip.Header
	ReplaceHeader(sip.Header)
	RemoveHeader(name string) bool
	Contact() *sip.ContactHeader
}

// parts are the header fields that nearly every message has, in one allocation.
type parts struct {
	via         sip.ViaHeader
	from        sip.FromHeader
	to          sip.ToHeader
	contact     sip.ContactHeader
	callID      sip.CallIDHeader
	cseq        sip.CSeqHeader
	maxForwards sip.MaxForwardsHeader
	contentType sip.ContentTypeHeader
	length      sip.ContentLengthHeader
}

// message makes sipgo's message of a head and a body, and says what is wrong.
func (h *head) message(body []byte) (sip.Message, Verdict) {
	p := &parts{}
	var m message
	if h.method == "" {
		res := sip.NewResponse(h.status, h.reason)
		m = res
	} else {
		req := sip.NewRequest(sip.RequestMethod(h.method), sip.Uri{})
		req.SipVersion = h.version
		m = req
	}
	c := h.fill(m, p)
	p.length = sip.ContentLengthHeader(len(body))
	m.AppendHeader(&p.length)
	if len(body) > 0 {
		m.SetBody(append([]byte(nil), body...))
	}
	if req, ok := m.(*sip.Request); ok {
		v := h.request(req, p, c)
		if v.Status == Drop {
			return nil, v
		}
		return req, v
	}
	if !h.response(p, c) {
		return nil, Verdict{Status: Drop}
	}
	return m, Verdict{}
}

// findings are what fill saw that check judges.
type findings struct {
	seen     uint64 // fields of names, by bit
	twice    bool   // one of them that must not be
	bad      bool   // one that is malformed
	contacts int    // values of Contact
	star     bool   // Contact: *
	cseq     bool   // a good CSeq is there
	hops     bool   // a Max-Forwards that is malformed
	many     bool   // more than MaxFields
}

func (c *findings) has(k kind) bool { return c.seen&(1<<(k-via)) != 0 } // names begins with via, in the order of the kinds

// fill appends the fields. sipgo's accessors get what they answer from here, read
// right, so that its own parsers never see what came from the network; From, To and
// Contact are nevertheless sent as they came.
func (h *head) fill(m message, p *parts) (c findings) {
	c.many = h.many
	loose := h.loose(route)<<1 | h.loose(recordRoute)
	for i := range h.fields {
		f := &h.fields[i]
		first := true
		if f.index >= 0 {
			first = c.seen&(1<<f.index) == 0
			c.seen |= 1 << f.index
			switch f.kind {
			case other, via, contact, route, recordRoute:
			default:
				c.twice = c.twice || !first
			}
		}
		switch f.kind {
		case via:
			c.addVias(m, p, f.value, first)
		case route:
			c.addRoutes(m, f, loose&2 == 0)
		case recordRoute:
			c.addRoutes(m, f, loose&1 == 0)
		case from, to:
			c.addParty(m, p, f, first)
		case contact:
			c.addContact(m, p, f, first)
		case callID:
			id := &p.callID
			if !first {
				id = new(sip.CallIDHeader)
			}
			*id = sip.CallIDHeader(f.value)
			if f.value == "" || strings.ContainsAny(f.value, " \t") {
				c.bad = true
			}
			m.AppendHeader(id)
		case cseq:
			if !c.addCSeq(m, p, f, first) {
				m.AppendHeader(sip.NewHeader(f.name, f.value))
			}
		case maxForwards:
			n, ok := number(f.value, 255) // section 20.22
			if !ok || !first {
				c.hops = true
				m.AppendHeader(sip.NewHeader(f.name, f.value))
				break
			}
			p.maxForwards = sip.MaxForwardsHeader(n)
			m.AppendHeader(&p.maxForwards)
		case contentType:
			t := &p.contentType
			if !first {
				t = new(sip.ContentTypeHeader)
			}
			*t = sip.ContentTypeHeader(f.value)
			m.AppendHeader(t)
		default:
			m.AppendHeader(sip.NewHeader(f.name, f.value))
		}
	}
	if len(m.Headers()) > MaxFields {
		c.many = true
	}
	return c
}

func (c *findings) addVias(m message, p *parts, s string, first bool) {
	for n := 0; ; n++ {
		v := &p.via
		if !first || n > 0 {
			v = new(sip.ViaHeader)
		}
		rest, err := scanVia(s, v)
		if err != nil {
			c.bad = true
		}
		if v.Host != "" {
			m.AppendHeader(v)
		}
		if rest == "" || err != nil || n == MaxFields {
			return
		}
		s = rest[1:]
	}
}

// loose is 1 if a value of Route or Record-Route has more to it than sipgo's type
// keeps: then all of that name stay as they came.
func (h *head) loose(k kind) int {
	for i := range h.fields {
		if h.fields[i].kind != k {
			continue
		}
		for s := h.fields[i].value; ; {
			var a address
			rest, err := a.scan(s)
			if err != nil || !a.exact {
				return 1
			}
			if rest == "" {
				break
			}
			s = rest[1:]
		}
	}
	return 0
}

// addRoutes makes a field of each value, so that one can be taken off.
func (c *findings) addRoutes(m message, f *field, exact bool) {
	for s, n := f.value, 0; n <= MaxFields; n++ {
		var a address
		rest, err := a.scan(s)
		if err != nil {
			c.bad = true
			m.AppendHeader(sip.NewHeader(f.name, s))
			return
		}
		switch value := trim(s[:len(s)-len(rest)]); {
		case !exact:
			m.AppendHeader(sip.NewHeader(f.name, value))
		case f.kind == route:
			m.AppendHeader(&sip.RouteHeader{Address: a.uri})
		default:
			m.AppendHeader(&sip.RecordRouteHeader{Address: a.uri})
		}
		if rest == "" {
			return
		}
		s = rest[1:]
	}
}

func (c *findings) addParty(m message, p *parts, f *field, first bool) {
	var a address
	if rest, err := a.scan(f.value); err != nil || rest != "" {
		a, c.bad = address{}, true
	}
	if f.kind == from {
		h := &p.from
		if !first {
			h = new(sip.FromHeader)
		}
		h.DisplayName, h.Address, h.Params = a.name, a.uri, a.params
		keep(m, h, f)
		return
	}
	h := &p.to
	if !first {
		h = new(sip.ToHeader)
	}
	h.DisplayName, h.Address, h.Params = a.name, a.uri, a.params
	keep(m, h, f)
}

// keep has an accessor answer with h while the field is sent as it came.
func keep(m message, h sip.Header, f *field) {
	m.AppendHeader(h)
	order := m.Headers()
	order[len(order)-1] = sip.NewHeader(f.name, f.value)
}

// addContact has the accessor answer with the first value.
func (c *findings) addContact(m message, p *parts, f *field, first bool) {
	if f.value == "*" { // section 20.10: no other beside it
		c.contacts++
		c.star = true
		if first {
			p.contact.Address = sip.Uri{Wildcard: true, Host: "*"}
			keep(m, &p.contact, f)
			return
		}
		m.AppendHeader(sip.NewHeader(f.name, f.value))
		return
	}
	for s, n := f.value, 0; ; n++ {
		var a address
		rest, err := a.scan(s)
		c.contacts++
		if err != nil {
			a, rest, c.bad = address{}, "", true
		}
		if first && n == 0 {
			p.contact.DisplayName, p.contact.Address, p.contact.Params = a.name, a.uri, a.params
			keep(m, &p.contact, f)
		}
		if rest == "" {
			break
		}
		s = rest[1:]
	}
	if !first {
		m.AppendHeader(sip.NewHeader(f.name, f.value))
	}
}

// addCSeq reads 1*DIGIT LWS Method (sections 20.16 and 8.1.1.5).
func (c *findings) addCSeq(m message, p *parts, f *field, first bool) bool {
	digits, method, _ := strings.Cut(strings.ReplaceAll(f.value, "\t", " "), " ")
	n, ok := number(digits, 1<<31-1)
	method = trim(method)
	if !first || !ok || !all(method, isToken) {
		return false
	}
	p.cseq = sip.CSeqHeader{SeqNo: uint32(n), MethodName: sip.RequestMethod(method)}
	c.cseq = true
	m.AppendHeader(&p.cseq)
	return true
}
