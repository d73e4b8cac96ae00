package presence

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"chordophone/sip/stack"
	"chordophone/sip/wire"

	"github.com/emiago/sipgo/sip"
)

// dialog is RFC 3261, section 12: what both sides must remember to name it, and
// where our requests in it go.
type dialog struct {
	callID              string
	localTag, remoteTag string
	localSeq, remoteSeq uint32
	local, remote       sip.Uri // of From and To, ours and theirs
	target              sip.Uri
	routes              []string // as they are to stand in Route
}

// dialogOf is the dialog that a SUBSCRIBE with our tag in the response makes, and
// whether its Contact can be used.
func dialogOf(req *sip.Request, tag string) (dialog, bool) {
	d := dialog{
		callID: string(*req.CallID()), localTag: tag, remoteTag: wire.Tag(req.From().Params), remoteSeq: req.CSeq().SeqNo,
		local: *req.To().Address.Clone(), remote: *req.From().Address.Clone(), routes: wire.Values(req, "Record-Route"),
	}
	return d, d.retarget(req)
}

// retarget takes the Contact of a request as the new remote target.
func (d *dialog) retarget(msg sip.Message) bool {
	contacts := wire.Values(msg, "Contact")
	if len(contacts) != 1 {
		return false
	}
	c, err := wire.ParseAddress(contacts[0])
	if err != nil || !strings.EqualFold(c.URI.Scheme, "sip") && !strings.EqualFold(c.URI.Scheme, "sips") {
		return false
	}
	d.target = c.URI
	return true
}

// request makes the next request within the dialog, to be sent over f.
func (d *dialog) request(method sip.RequestMethod, f *stack.Flow, fields ...string) *sip.Request {
	d.localSeq++
	req := sip.NewRequest(method, *d.target.Clone())
	for _, r := range d.routes {
		req.AppendHeader(sip.NewHeader("Route", r))
	}
	hops := sip.MaxForwardsHeader(70)
	req.AppendHeader(&hops)
	from := &sip.FromHeader{Address: *d.local.Clone(), Params: sip.NewParams()}
	from.Params.Add("tag", d.localTag)
	req.AppendHeader(from)
	to := &sip.ToHeader{Address: *d.remote.Clone(), Params: sip.NewParams()}
	if d.remoteTag != "" {
		to.Params.Add("tag", d.remoteTag)
	}
	req.AppendHeader(to)
	id := sip.CallIDHeader(d.callID)
	req.AppendHeader(&id)
	req.AppendHeader(&sip.CSeqHeader{SeqNo: d.localSeq, MethodName: method})
	req.AppendHeader(sip.NewHeader("Contact", contact(f)))
	for i := 0; i < len(fields); i += 2 {
		req.AppendHeader(sip.NewHeader(fields[i], fields[i+1]))
	}
	req.SetBody(nil)
	return req
}

// contact is how the far side of a flow reaches this package.
func contact(f *stack.Flow) string {
	transport := "udp"
	switch f.Transport() {
	case stack.TCP:
		transport = "tcp"
	case stack.TLS:
		transport = "tls"
	}
	own := f.Own()
	return fmt.Sprintf("<sip:presence@%s;transport=%s>", netip.AddrPortFrom(own.Addr().WithZone(""), own.Port()), transport)
}

// nextHop is where a request of the dialog goes when the flow is gone: RFC 3261,
// section 12.2.1.1. Only addresses are understood, not names.
func (d *dialog) nextHop() (stack.Target, bool) {
	uri := d.target
	if len(d.routes) > 0 {
		a, err := wire.ParseAddress(d.routes[0])
		if err != nil {
			return stack.Target{}, false
		}
		uri = a.URI
	}
	ip, err := netip.ParseAddr(strings.Trim(uri.Host, "[]"))
	if err != nil {
		return stack.Target{}, false
	}
	to, port := stack.Target{Transport: stack.UDP}, uint16(5060)
	transport, _ := wire.Param(uri.UriParams, "transport")
	switch {
	case strings.EqualFold(uri.Scheme, "sips"), strings.EqualFold(transport, "tls"):
		to.Transport, port = stack.TLS, 5061
	case strings.EqualFold(transport, "tcp"):
		to.Transport = stack.TCP
	}
	if uri.Port != 0 {
		port = uint16(uri.Port)
	}
	to.Addr = netip.AddrPortFrom(ip.Unmap(), port)
	return to, true
}

// seconds reads a field that is a number of seconds; ok is false if there is none,
// bad if it is something else.
func seconds(msg sip.Message, name string) (d time.Duration, ok, bad bool) {
	values := msg.GetHeaders(name)
	if len(values) == 0 {
		return 0, false, false
	}
	text, _, _ := strings.Cut(values[0].Value(), ";") // Retry-After has parameters
	text, _, _ = strings.Cut(text, "(")
	n, err := strconv.ParseUint(strings.TrimSpace(text), 10, 32)
	if err != nil || len(values) > 1 {
		return 0, false, true
	}
	return time.Duration(n) * time.Second, true, false
}

// accepts reports whether Accept allows a type; what no Accept means is the
// caller's to say.
func accepts(accept []string, kind string) bool {
	major, _, _ := strings.Cut(kind, "/")
	return slices.ContainsFunc(accept, func(v string) bool {
		v, _, _ = strings.Cut(v, ";")
		v = strings.ToLower(strings.TrimSpace(v))
		return v == kind || v == major+"/*" || v == "*/*"
	})
}

// param finds a parameter in the text of a field, which ParseAddress is not for.
func param(text, name string) string {
	_, params, _ := strings.Cut(text, ";")
	for p := range strings.SplitSeq(params, ";") {
		if k, v, _ := strings.Cut(p, "="); strings.EqualFold(strings.TrimSpace(k), name) {
			return strings.Trim(strings.TrimSpace(v), `"`)
		}
	}
	return ""
}

func ceilSeconds(d time.Duration) string {
	return strconv.FormatInt(int64(max(0, (d+time.Second-1)/time.Second)), 10)
}
