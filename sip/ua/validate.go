package ua

import (
	"strings"

	"github.com/emiago/sipgo/sip"
)

const (
	allow  = "INVITE, ACK, CANCEL, BYE, OPTIONS"
	accept = "application/sdp"
)

// verdict is what is wrong with a request before anybody looks at its dialog:
// the status to refuse it with, 0 for nothing, -1 for a request that cannot
// even be answered.
type verdict struct {
	status       int
	field, value string // to go into the response
}

var fine = verdict{}

// parse has sipgo parse all that is looked at later, within reach of the
// reader's recover, and says whether the message has what it must have.
func parse(h interface {
	Via() *sip.ViaHeader
	From() *sip.FromHeader
	To() *sip.ToHeader
	CallID() *sip.CallIDHeader
	CSeq() *sip.CSeqHeader
	Contact() *sip.ContactHeader
	ContentType() *sip.ContentTypeHeader
	MaxForwards() *sip.MaxForwardsHeader
}) bool {
	h.Contact()
	h.ContentType()
	h.MaxForwards()
	if c := h.CSeq(); c != nil {
		c.MethodName = sip.RequestMethod(strings.TrimSpace(string(c.MethodName)))
	}
	return h.Via() != nil && h.From() != nil && h.To() != nil && h.CallID() != nil && h.CSeq() != nil
}

// once are the fields that two of would make a message mean two things, with
// their compact forms (RFC 3261, section 7.3.3).
var once = [...][2]string{{"from", "f"}, {"to", "t"}, {"call-id", "i"}, {"content-length", "l"}, {"content-type", "c"},
	{"contact", "m"}, {"cseq", ""}, {"max-forwards", ""}}

// check is the part of RFC 3261, section 8.2, that needs no state. sipgo's
// parser lets all of this pass.
func check(req *sip.Request) verdict {
	complete := parse(req)
	via := req.Via()
	if via == nil {
		return verdict{status: -1}
	}
	if branch, _ := via.Params.Get("branch"); !strings.HasPrefix(branch, sip.RFC3261BranchMagicCookie) || len(branch) == len(sip.RFC3261BranchMagicCookie) {
		return verdict{status: -1}
	}
	if !complete || tag(req.From().Params) == "" || req.CSeq().MethodName != req.Method {
		return verdict{status: 400}
	}
	for _, name := range once {
		if len(req.GetHeaders(name[0]))+len(req.GetHeaders(name[1])) > 1 {
			return verdict{status: 400}
		}
	}
	if h := req.GetHeaders("max-forwards"); len(h) > 0 && (req.MaxForwards() == nil || *req.MaxForwards() > 255) {
		return verdict{status: 400}
	}
	if !strings.EqualFold(req.SipVersion, "SIP/2.0") {
		return verdict{status: 505}
	}
	switch req.Method {
	case sip.INVITE, sip.ACK, sip.CANCEL, sip.BYE, sip.OPTIONS:
	case sip.REGISTER, sip.SUBSCRIBE, sip.NOTIFY, sip.REFER, sip.INFO, sip.MESSAGE, sip.PRACK, sip.UPDATE, sip.PUBLISH:
		return verdict{405, "Allow", allow} // RFC 3261, section 8.2.1
	default:
		return verdict{501, "Allow", allow}
	}
	if s := req.Recipient.Scheme; s != "sip" && s != "sips" {
		return verdict{status: 416} // section 8.2.2.1
	}
	if req.Method == sip.ACK || req.Method == sip.CANCEL {
		return fine // section 8.2.2.3: Require does not count here
	}
	if unsupported := values(req, "require"); unsupported != "" {
		return verdict{420, "Unsupported", unsupported}
	}
	if req.Method == sip.INVITE {
		return checkInvite(req)
	}
	return fine
}

func checkInvite(req *sip.Request) verdict {
	c := req.Contact()
	if c == nil || c.Address.Wildcard || c.Address.Scheme != "sip" && c.Address.Scheme != "sips" {
		return verdict{status: 400} // section 8.1.1.8: exactly one
	}
	if e := values(req, "content-encoding") + values(req, "e"); e != "" && !strings.EqualFold(e, "identity") {
		return verdict{415, "Accept-Encoding", "identity"}
	}
	if len(req.Body()) > 0 && !isSDP(req.ContentType()) {
		return verdict{415, "Accept", accept} // section 8.2.3
	}
	if a := values(req, "accept"); a != "" && !strings.Contains(a, "*/*") && !strings.Contains(a, "application/*") && !strings.Contains(strings.ToLower(a), accept) {
		return verdict{status: 406} // section 21.4.7
	}
	return fine
}

func isSDP(h *sip.ContentTypeHeader) bool {
	if h == nil {
		return false
	}
	kind, _, _ := strings.Cut(string(*h), ";")
	return strings.EqualFold(strings.TrimSpace(kind), accept)
}

// values are all values of a header field that sipgo does not parse.
func values(msg sip.Message, name string) string {
	var all []string
	for _, h := range msg.GetHeaders(name) {
		if v := strings.TrimSpace(h.Value()); v != "" {
			all = append(all, v)
		}
	}
	return strings.Join(all, ", ")
}
