package ua

import (
	"net/netip"
	"slices"
	"strings"

	"chordophone/sip/stack"
	"chordophone/sip/wire"

	"github.com/emiago/sipgo/sip"
)

// dialog is RFC 3261, section 12: what both sides must remember to name it,
// and where its requests go.
type dialog struct {
	callID              string
	localTag, remoteTag string
	localSeq, remoteSeq uint32  // CSeq of the last request in each direction
	inviteSeq           uint32  // CSeq of the far side's INVITE whose ACK is due
	local, remote       sip.Uri // of From and To, ours and theirs
	target              sip.Uri
	routes              []string
}

// newRequest has the fields that every request has but Via, which is the
// stack's. It is RFC 3261, sections 8.1.1 and 12.2.1.1.
func (u *UA) newRequest(method sip.RequestMethod, d *dialog, seq uint32) *sip.Request {
	to, routes := d.target, d.routes
	if len(routes) > 0 {
		if top, err := wire.ParseAddress(routes[0]); err == nil && !loose(top.URI) {
			routes = append(slices.Clone(routes[1:]), "<"+to.String()+">") // a strict router
			to = top.URI
			to.Headers = nil
		}
	}
	req := sip.NewRequest(method, to)
	hops := sip.MaxForwardsHeader(70)
	req.AppendHeader(&hops)
	from := &sip.FromHeader{DisplayName: u.cfg.Name, Address: *d.local.Clone()}
	from.Params.Add("tag", d.localTag)
	req.AppendHeader(from)
	far := &sip.ToHeader{Address: *d.remote.Clone()}
	if d.remoteTag != "" {
		far.Params.Add("tag", d.remoteTag)
	}
	req.AppendHeader(far)
	id := sip.CallIDHeader(d.callID)
	req.AppendHeader(&id)
	req.AppendHeader(&sip.CSeqHeader{SeqNo: seq, MethodName: method})
	for _, r := range routes {
		req.AppendHeader(sip.NewHeader("Route", r))
	}
	req.SetBody(nil)
	return req
}

func loose(uri sip.Uri) bool {
	_, lr := wire.Param(uri.UriParams, "lr")
	return lr
}

// describe adds what INVITE and its 200 say of this telephone.
func (u *UA) describe(msg sip.Message, f *stack.Flow, sdp []byte) {
	msg.AppendHeader(u.contactHeader(f))
	msg.AppendHeader(sip.NewHeader("Allow", allow))
	msg.AppendHeader(sip.NewHeader("Supported", supported))
	if sdp != nil {
		setBody(msg, accept, sdp)
	}
}

func setBody(msg sip.Message, kind string, body []byte) {
	h := sip.ContentTypeHeader(kind)
	msg.AppendHeader(&h)
	msg.SetBody(body)
}

func (u *UA) contactHeader(f *stack.Flow) sip.Header {
	return sip.NewHeader("Contact", "<"+u.Contact(u.at(f))+">")
}

// at is the address at which a flow's far side reaches this telephone.
func (u *UA) at(f *stack.Flow) netip.Addr {
	if f.Transport() == stack.Loopback {
		return u.cfg.Local
	}
	return f.Local().Addr()
}

// recordRoute is the route set, in the order of our requests: as it stands for
// the side that was called, reversed for the side that calls (RFC 3261,
// section 12.1).
func recordRoute(msg sip.Message, reversed bool) []string {
	routes := wire.Values(msg, "Record-Route")
	if reversed {
		slices.Reverse(routes)
	}
	return routes
}

// causeOf reads the Reason field (RFC 3326) for people: its text, or else its
// protocol and cause.
func causeOf(msg sip.Message) string {
	value := strings.Join(wire.Values(msg, "Reason"), ", ")
	if value == "" {
		return ""
	}
	for _, p := range strings.Split(value, ";") {
		if k, v, ok := strings.Cut(p, "="); ok && strings.EqualFold(strings.TrimSpace(k), "text") {
			return wire.PlainText(strings.Trim(strings.TrimSpace(v), `"`), 80)
		}
	}
	return wire.PlainText(value, 80)
}
