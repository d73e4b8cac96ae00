package ua

import (
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"chordophone/sip/stack"
	"chordophone/sip/wire"

	"github.com/emiago/sipgo/sip"
)

// reference is one REFER within a dialog.
type reference struct {
	to      string   // Refer-To, of ours
	partner *session // of ours, attended: the call that the far side is to take over

	user    string    // of theirs: whom we are to call
	contact []contact // ... where, if it is not to be looked up
	fields  []string  // ... with these fields, in pairs
	event   string    // Event of the NOTIFYs that we send
}

// ---- the far side sends us elsewhere: RFC 3515, section 2.4.2 ----

func (u *UA) handleRefer(s *session, t *stack.ServerTx) {
	r, status := u.readRefer(t.Request)
	if status == 0 && (len(u.calls) >= 2*u.cfg.MaxCalls || u.stopping) {
		status = 480
	}
	if status == 0 && s.m.follows {
		status = 480 // one at a time
	}
	if status != 0 {
		t.Reply(status)
		return
	}
	s.refers++
	if s.refers > 1 { // section 2.4.6
		r.event += ";id=" + strconv.FormatUint(uint64(t.Request.CSeq().SeqNo), 10)
	}
	s.extra, s.refer = t, r
	u.step(s, refer{})
}

// readRefer says whom a REFER wants us to call, or why not. That is somebody of
// this office; the address of a device counts only if a call there is to be
// replaced, for which the name alone might not do.
func (u *UA) readRefer(req *sip.Request) (*reference, int) {
	values := wire.Values(req, "Refer-To")
	if len(values) != 1 {
		return nil, 400 // section 2.4.1
	}
	a, err := wire.ParseAddress(values[0])
	if err != nil {
		return nil, 400
	}
	uri := a.URI
	method, _ := wire.Param(uri.UriParams, "method")
	if uri.Scheme != "sip" && uri.Scheme != "sips" || method != "" && method != "INVITE" {
		return nil, 603
	}
	r := &reference{event: "refer"}
	var replaces string
	for _, h := range uri.Headers {
		if strings.EqualFold(h.K, "Replaces") {
			if replaces, err = url.PathUnescape(h.V); err != nil {
				return nil, 400
			}
			if _, ok := parseReplaces(replaces); !ok {
				return nil, 400
			}
			r.fields = append(r.fields, "Replaces", replaces)
		} // no other field of a stranger's goes into our request
	}
	if by := wire.Values(req, "Referred-By"); len(by) == 1 {
		if _, err := wire.ParseAddress(by[0]); err == nil {
			r.fields = append(r.fields, "Referred-By", by[0]) // RFC 3892
		}
	}
	_, err = netip.ParseAddr(strings.Trim(uri.Host, "[]"))
	switch {
	case !plainUser(uri.User):
		return nil, 404
	case strings.EqualFold(uri.Host, u.cfg.Domain), err == nil && u.cfg.Telephone(uri.User):
		r.user = lower(uri.User)
	case err == nil && replaces != "":
		uri.Headers = nil
		uri.UriParams = uri.UriParams.Remove("method")
		r.user = uri.User
		r.contact = []contact{{uri: uri.String(), server: true}}
	default:
		return nil, 404
	}
	if strings.EqualFold(r.user, u.cfg.User) {
		return nil, 486
	}
	return r, 0
}

// follow calls whom the far side has named.
func (u *UA) follow(s *session) {
	r := s.refer
	u.count++
	n := u.newCall(fmt.Sprintf("refer-%d", u.count), r.user)
	n.referrer, n.contacts, n.extraTo = s, r.contact, r.fields
	n.client = len(r.contact) > 0
	u.emit(Transferred{Call: s.id, New: n.id, To: n.number})
	u.notify(s, 100)
	u.step(n, dial{})
}

// followed tells the transferor how the call that it wanted came out.
func (u *UA) followed(n *session, status int) {
	s := n.referrer
	if s == nil {
		return
	}
	n.referrer = nil
	u.notify(s, status)
	u.step(s, followed{status: status})
}

// notify sends one NOTIFY. It goes on after BYE: the subscription shares the
// dialog but not its end (RFC 5057, section 4.1).
func (u *UA) notify(s *session, status int) {
	state := "active;expires=" + strconv.Itoa(int((ringTime + giveUpTime).Seconds()))
	if status >= 200 {
		state = "terminated;reason=noresource"
	}
	event := s.refer.event
	u.request(s, sip.NOTIFY, func(f *stack.Flow, req *sip.Request) {
		req.AppendHeader(u.contactHeader(f))
		req.AppendHeader(sip.NewHeader("Event", event))
		req.AppendHeader(sip.NewHeader("Subscription-State", state))
		setBody(req, "message/sipfrag;version=2.0", fmt.Appendf(nil, "SIP/2.0 %d %s\r\n", status, wire.Reason(status)))
	}, func(*sip.Response) {}, func(error) {})
}

// ---- we send the far side elsewhere ----

func (u *UA) transfer(s *session, to string) {
	user, ok := dialled(to, u.cfg.Domain)
	if !ok {
		u.emit(Referred{Call: s.id, Status: 404, Cause: "not a number of this office"})
		return
	}
	if !s.m.refer.active {
		s.refer = &reference{to: "<sip:" + lower(user) + "@" + u.cfg.Domain + ">"}
	}
	u.step(s, transfer{})
}

// transferTo has the far side replace us at the far side of the other call (RFC
// 3891). It is named by its address of record, at which any phone of the office
// finds it: of several telephones there only the right one knows the dialog.
func (u *UA) transferTo(s, other *session) {
	if other == nil || other == s || other.m.state != confirmed || !other.m.answered {
		u.emit(Referred{Call: s.id, Status: 481, Cause: "there is no such other call"})
		return
	}
	if !s.m.refer.active {
		replaces := other.d.callID + ";to-tag=" + other.d.remoteTag + ";from-tag=" + other.d.localTag
		s.refer = &reference{to: "<" + other.aor + "?Replaces=" + url.QueryEscape(replaces) + ">", partner: other}
	}
	u.step(s, transfer{})
}

func (u *UA) sendRefer(s *session) {
	to := s.refer.to
	u.request(s, sip.REFER, func(f *stack.Flow, req *sip.Request) {
		req.AppendHeader(u.contactHeader(f))
		req.AppendHeader(sip.NewHeader("Refer-To", to))
		req.AppendHeader(sip.NewHeader("Referred-By", "<"+u.aor+">"))
		req.AppendHeader(sip.NewHeader("Supported", supported))
	}, func(res *sip.Response) {
		u.step(s, referred{status: res.StatusCode})
	}, func(error) {
		u.step(s, referred{status: 408})
	})
}

// joined hangs up the other call of an attended transfer, which the far side
// there may have done already.
func (u *UA) joined(s *session, status int) {
	if s.refer == nil {
		return
	}
	partner := s.refer.partner
	s.refer.partner = nil
	if partner != nil && status == 200 {
		u.step(partner, hangup{cause: "transferred"})
	}
}

// handleNotify takes what became of our REFER: RFC 3515, section 2.4.4.
func (u *UA) handleNotify(s *session, t *stack.ServerTx) {
	req := t.Request
	event, _, _ := strings.Cut(strings.Join(wire.Values(req, "Event"), ","), ";")
	kind := contentType(req)
	switch {
	case !strings.EqualFold(strings.TrimSpace(event), "refer"):
		t.Reply(489, "Allow-Events", "refer")
		return
	case !s.m.refer.active && s.m.state != leaving:
		t.Reply(481) // RFC 6665, section 4.1.3: no subscription
		return
	case len(req.Body()) > 0 && kind != "message/sipfrag":
		t.Reply(415, "Accept", "message/sipfrag")
		return
	}
	t.Reply(200)
	state, _, _ := strings.Cut(strings.Join(wire.Values(req, "Subscription-State"), ","), ";")
	u.step(s, notified{status: fragStatus(req.Body()), last: strings.EqualFold(strings.TrimSpace(state), "terminated")})
}

// fragStatus is the status in the first line of a message/sipfrag, 0 for none.
func fragStatus(body []byte) int {
	line, _, _ := strings.Cut(string(body[:min(len(body), 64)]), "\n")
	fields := strings.Fields(line)
	if len(fields) < 2 || !strings.EqualFold(fields[0], "SIP/2.0") {
		return 0
	}
	n, err := strconv.Atoi(fields[1])
	if err != nil || n < 100 || n > 699 {
		return 0
	}
	return n
}
