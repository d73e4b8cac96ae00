package wire

import (
	"strings"

	"github.com/emiago/sipgo/sip"
)

// request is the part of RFC 3261, sections 8.2 and 16.3, that needs neither state
// nor to know who we are.
func (h *head) request(req *sip.Request, p *parts, c findings) Verdict {
	if p.via.Host == "" {
		return Verdict{Status: Drop} // nobody to answer
	}
	if !strings.EqualFold(h.version, "SIP/2.0") {
		return Verdict{Status: 505} // before its grammar, which we do not know
	}
	req.SipVersion = "SIP/2.0"
	if c.many {
		return Verdict{Status: 513}
	}
	_, err := scanURI(h.uri, &req.Recipient)
	if err != nil {
		req.Recipient = sip.Uri{}
	}
	if h.bad || c.bad || c.twice || c.hops || err != nil ||
		!c.has(from) || !c.has(to) || !c.has(callID) || !c.cseq || // section 8.1.1
		strings.EqualFold(branch(p), sip.RFC3261BranchMagicCookie) || // RFC 4475, section 3.2.1
		c.star && c.contacts > 1 || c.contacts > 1 && oneContact(req.Method) ||
		c.star && oneContact(req.Method) {
		return Verdict{Status: 400}
	}
	if p.cseq.MethodName != req.Method {
		if !common(req.Method) {
			return Verdict{Status: 501} // RFC 4475, section 3.1.2.18
		}
		return Verdict{Status: 400} // section 8.1.1.5
	}
	if s := req.Recipient.Scheme; s != "sip" && s != "sips" {
		return Verdict{Status: 416} // section 8.2.2.1
	}
	if req.Recipient.Headers != nil {
		return Verdict{Status: 400} // section 19.1.1: none in a Request-URI
	}
	return Verdict{}
}

// response reports whether a response is worth looking at.
func (h *head) response(p *parts, c findings) bool {
	return strings.EqualFold(h.version, "SIP/2.0") && p.via.Host != "" && !h.bad && !c.bad && !c.twice && !c.many &&
		c.has(from) && c.has(to) && c.has(callID) && c.cseq && (!c.star || c.contacts == 1)
}

func branch(p *parts) string {
	b, _ := Param(p.via.Params, "branch")
	return b
}

// oneContact reports whether a request of the method names a dialog's remote
// target, of which there can be one (section 8.1.1.8).
func oneContact(method sip.RequestMethod) bool {
	switch method {
	case sip.INVITE, sip.SUBSCRIBE, sip.NOTIFY, sip.REFER, sip.UPDATE:
		return true
	}
	return false
}

// common reports whether the method is one of those with an RFC.
func common(method sip.RequestMethod) bool {
	switch method {
	case sip.INVITE, sip.ACK, sip.CANCEL, sip.BYE, sip.REGISTER, sip.OPTIONS, sip.SUBSCRIBE, sip.NOTIFY, sip.REFER,
		sip.INFO, sip.MESSAGE, sip.PRACK, sip.UPDATE, sip.PUBLISH:
		return true
	}
	return false
}
