package ua

import (
	"crypto/rand"
	"net/netip"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// newToken is an unguessable tag, branch or Call-ID: 130 bits.
func newToken() string { return rand.Text() }

// dialog is RFC 3261, section 12: what both sides must remember to name it,
// and where its requests go.
type dialog struct {
	callID              string
	localTag, remoteTag string
	localSeq, remoteSeq uint32 // CSeq of the last request in each direction
	inviteSeq           uint32 // CSeq of the INVITE whose ACK is due, either way
	local, remote       string // URIs of From and To, ours and theirs
	target              sip.Uri
	routes              []string
}

func (d *dialog) key() string { return d.callID + " " + d.localTag }

// reasons are those of RFC 3261, section 21, that we send.
var reasons = map[int]string{
	100: "Trying", 180: "Ringing", 200: "OK", 400: "Bad Request", 403: "Forbidden", 404: "Not Found",
	405: "Method Not Allowed", 406: "Not Acceptable", 415: "Unsupported Media Type", 416: "Unsupported URI Scheme",
	420: "Bad Extension", 480: "Temporarily Unavailable", 481: "Call/Transaction Does Not Exist", 482: "Loop Detected",
	483: "Too Many Hops", 486: "Busy Here", 487: "Request Terminated", 488: "Not Acceptable Here",
	491: "Request Pending", 500: "Server Internal Error", 501: "Not Implemented", 503: "Service Unavailable",
	505: "Version Not Supported", 603: "Decline",
}

func reasonPhrase(status int) string {
	if r := reasons[status]; r != "" {
		return r
	}
	return "Refused"
}

// newResponse is RFC 3261, section 8.2.6, with our tag.
func newResponse(req *sip.Request, status int, tagText string) *sip.Response {
	res := sip.NewResponseFromRequest(req, status, reasonPhrase(status), nil)
	res.SipVersion = "SIP/2.0" // sipgo repeats whatever version came
	if to := req.To(); status > 100 && to != nil && tag(to.Params) == "" {
		res.To().Params.Add("tag", tagText)
	}
	return res
}

// newRequest has the fields that every request has. Via is where responses
// would come if the flow broke; they come over the flow.
func (l *loop) newRequest(f *flow, method sip.RequestMethod, to sip.Uri, d *dialog, seq uint32) *sip.Request {
	req := sip.NewRequest(method, to)
	via := &sip.ViaHeader{ProtocolName: "SIP", ProtocolVersion: "2.0", Transport: "TLS", Host: f.local.Addr().String(), Port: int(l.ua.local.Port())}
	via.Params.Add("branch", sip.RFC3261BranchMagicCookie+newToken())
	req.AppendHeader(via)
	hops := sip.MaxForwardsHeader(70)
	req.AppendHeader(&hops)
	from := &sip.FromHeader{DisplayName: l.ua.cfg.Name}
	sip.ParseUri(d.local, &from.Address)
	from.Params.Add("tag", d.localTag)
	req.AppendHeader(from)
	far := &sip.ToHeader{}
	sip.ParseUri(d.remote, &far.Address)
	if d.remoteTag != "" {
		far.Params.Add("tag", d.remoteTag)
	}
	req.AppendHeader(far)
	id := sip.CallIDHeader(d.callID)
	req.AppendHeader(&id)
	req.AppendHeader(&sip.CSeqHeader{SeqNo: seq, MethodName: method})
	for _, r := range d.routes {
		req.AppendHeader(sip.NewHeader("Route", r))
	}
	req.SetTransport("TLS")
	req.SetBody(nil)
	return req
}

// newInvite is RFC 3261, sections 8.1.1 and 13.2.1.
func (l *loop) newInvite(f *flow, d *dialog, sdp []byte) *sip.Request {
	req := l.newRequest(f, sip.INVITE, d.target, d, d.localSeq)
	l.describe(req, f, sdp)
	return req
}

// describe adds what INVITE and its 200 say of this telephone.
func (l *loop) describe(msg sip.Message, f *flow, sdp []byte) {
	msg.AppendHeader(l.contactHeader(f))
	msg.AppendHeader(sip.NewHeader("Allow", allow))
	if sdp != nil {
		kind := sip.ContentTypeHeader(accept)
		msg.AppendHeader(&kind)
		msg.SetBody(sdp)
	}
}

func (l *loop) contactHeader(f *flow) sip.Header {
	return sip.NewHeader("Contact", "<"+l.ua.Contact(f.local.Addr())+">")
}

// newAck acknowledges a 2xx: the CSeq number of the INVITE, a branch of its
// own (RFC 3261, section 13.2.2.4).
func (l *loop) newAck(f *flow, d *dialog) *sip.Request {
	return l.newRequest(f, sip.ACK, d.target, d, d.inviteSeq)
}

// newCancel is RFC 3261, section 9.1: all but the method as in the INVITE.
func newCancel(inv *sip.Request) *sip.Request {
	req := sip.NewRequest(sip.CANCEL, inv.Recipient)
	req.AppendHeader(sip.HeaderClone(inv.Via()))
	hops := sip.MaxForwardsHeader(70)
	req.AppendHeader(&hops)
	req.AppendHeader(sip.HeaderClone(inv.From()))
	req.AppendHeader(sip.HeaderClone(inv.To()))
	req.AppendHeader(sip.HeaderClone(inv.CallID()))
	req.AppendHeader(&sip.CSeqHeader{SeqNo: inv.CSeq().SeqNo, MethodName: sip.CANCEL})
	req.SetTransport("TLS")
	req.SetBody(nil)
	return req
}

// recordRoute is the route set, in the order of our requests: as it stands for
// the side that was called, reversed for the side that calls (RFC 3261,
// section 12.1).
func recordRoute(msg sip.Message, reversed bool) []string {
	var routes []string
	for _, h := range msg.GetHeaders("record-route") {
		if reversed {
			routes = append([]string{h.Value()}, routes...)
		} else {
			routes = append(routes, h.Value())
		}
	}
	return routes
}

// causeOf reads the Reason field (RFC 3326) for people: its text, or else its
// protocol and cause.
func causeOf(msg sip.Message) string {
	value := values(msg, "reason")
	if value == "" {
		return ""
	}
	for _, p := range strings.Split(value, ";") {
		if k, v, ok := strings.Cut(p, "="); ok && strings.EqualFold(strings.TrimSpace(k), "text") {
			return plainText(strings.Trim(strings.TrimSpace(v), `"`), 80)
		}
	}
	return plainText(value, 80)
}

// aorOf writes a URI as PeerUser does: "102@office".
func aorOf(uri sip.Uri) string { return strings.ToLower(uri.User + "@" + uri.Host) }

// ours says whether a Request-URI is this telephone: its address of record, or
// its contact at this end of the flow.
func (u *UA) ours(uri sip.Uri, f *flow) bool {
	if !strings.EqualFold(uri.User, u.cfg.User) {
		return false
	}
	if strings.EqualFold(uri.Host, u.cfg.Domain) {
		return uri.Port == 0
	}
	ip, err := netip.ParseAddr(strings.Trim(uri.Host, "[]"))
	return err == nil && ip.Unmap() == f.local.Addr() && (uri.Port == 0 || uri.Port == int(u.local.Port()))
}
