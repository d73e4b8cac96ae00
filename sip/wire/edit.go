package wire

import (
	"github.com/emiago/sipgo/sip"
)

// Set has a message have these values of a field, one field each, where the first of
// that name stood or else at the end; none removes the field. sipgo's accessors
// answer accordingly, which they do not after sipgo's own ReplaceHeader and
// RemoveHeader of a From, To or Contact that came from the network.
func Set(msg sip.Message, name string, values ...string) {
	m, ok := msg.(message)
	if !ok {
		return
	}
	name, index, k := known(name)
	at := -1
	for i := 0; i < len(m.Headers()); {
		h := m.Headers()[i]
		if n, _, _ := known(h.Name()); n != name && (index >= 0 || lower(n) != lower(name)) {
			i++
			continue
		}
		if at < 0 {
			at = i
		}
		// RemoveHeader makes sipgo forget what an accessor answers only when it
		// meets the field's own type, and takes the first field of the very name.
		m.Headers()[i] = typed(k, h)
		m.RemoveHeader(m.Headers()[i].Name())
	}
	fixed := len(m.Headers())
	h := head{fields: make([]field, 0, len(values))}
	for _, v := range values {
		h.fields = append(h.fields, field{name, trim(v), index, k})
	}
	h.fill(m, &parts{})
	if at < 0 {
		return
	}
	order := m.Headers()
	added := append([]sip.Header(nil), order[fixed:]...)
	copy(order[at+len(added):], order[at:fixed])
	copy(order[at:], added)
}

// typed is an empty header field of the kind that sipgo has a type for.
func typed(k kind, h sip.Header) sip.Header {
	switch k {
	case via:
		return &sip.ViaHeader{}
	case from:
		return &sip.FromHeader{}
	case to:
		return &sip.ToHeader{}
	case callID:
		return new(sip.CallIDHeader)
	case cseq:
		return &sip.CSeqHeader{}
	case maxForwards:
		return new(sip.MaxForwardsHeader)
	case contact:
		return &sip.ContactHeader{}
	case route:
		return &sip.RouteHeader{}
	case recordRoute:
		return &sip.RecordRouteHeader{}
	case contentType:
		return new(sip.ContentTypeHeader)
	case contentLength:
		return new(sip.ContentLengthHeader)
	}
	return h
}

// CloneRequest copies a request so that neither notices what is done to the other's
// header fields; the body is shared. sipgo's Clone shares Max-Forwards, and its
// accessors then read From, To and Contact anew with sipgo's parsers.
func CloneRequest(req *sip.Request) *sip.Request {
	c := sip.NewRequest(req.Method, sip.Uri{})
	c.Recipient = *req.Recipient.Clone()
	cloneFields(c, req)
	if body := req.Body(); body != nil {
		c.SetBody(body)
	}
	return c
}

// CloneResponse is CloneRequest for a response.
func CloneResponse(res *sip.Response) *sip.Response {
	c := sip.NewResponse(res.StatusCode, res.Reason)
	cloneFields(c, res)
	if body := res.Body(); body != nil {
		c.SetBody(body)
	}
	return c
}

func cloneFields(dst, src message) {
	for _, h := range src.Headers() {
		switch h := h.(type) {
		case *sip.MaxForwardsHeader:
			n := *h
			dst.AppendHeader(&n)
			continue
		case *sip.FromHeader, *sip.ToHeader, *sip.ContactHeader:
			dst.AppendHeader(sip.HeaderClone(h))
			continue
		}
		var answer sip.Header
		switch h.Name() {
		case "From":
			if p := src.From(); p != nil {
				answer = p
			}
		case "To":
			if p := src.To(); p != nil {
				answer = p
			}
		case "Contact":
			if p := src.Contact(); p != nil && dst.Contact() == nil {
				answer = p
			}
		}
		if answer == nil {
			dst.AppendHeader(sip.HeaderClone(h))
			continue
		}
		dst.AppendHeader(sip.HeaderClone(answer))
		order := dst.Headers()
		order[len(order)-1] = sip.HeaderClone(h)
	}
}
