package registrar

import (
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"chordophone/sip/location"
	"chordophone/sip/stack"
	"chordophone/sip/wire"
)

// binding is one Contact value, with what it is granted.
func binding(a wire.Address, field string) (b location.Binding, bad *refusal) {
	if a.URI.Scheme != "sip" && a.URI.Scheme != "sips" || a.URI.Host == "" {
		return b, refuse(400)
	}
	b.Contact = a.URI.String()
	b.Instance, _ = a.Param("+sip.instance")
	b.Methods, _ = a.Param("methods")
	if len(b.Contact) > maxContact || len(b.Instance) > maxInstance || len(b.Methods) > maxMethods ||
		strings.ContainsAny(b.Instance, "\"\\") || control(b.Instance+b.Methods) {
		return b, refuse(400)
	}
	if text, ok := a.Param("reg-id"); ok { // RFC 5626, section 10: 1 to 2**31-1
		n, err := strconv.ParseUint(text, 10, 31)
		if err != nil || n == 0 {
			return b, refuse(400)
		}
		b.RegID = uint32(n)
	}
	b.Q = 1000
	if text, ok := a.Param("q"); ok {
		if b.Q, ok = thousandths(text); !ok {
			return b, refuse(400)
		}
	}
	if text, ok := a.Param("expires"); ok {
		field = text
	}
	b.Expires = seconds(field)
	if b.Expires > 0 && b.Expires < minExpires {
		return b, refuse(423, "Min-Expires", strconv.Itoa(int(minExpires/time.Second)))
	}
	b.Expires = min(b.Expires, maxExpires)
	return b, nil
}

// seconds reads delta-seconds. "Malformed values SHOULD be treated as equivalent to
// 3600" (RFC 3261, section 20.10); so is none.
func seconds(text string) time.Duration {
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		return maxExpires
	}
	return time.Duration(n) * time.Second
}

// thousandths reads a qvalue: RFC 3261, section 25.1.
func thousandths(text string) (uint16, bool) {
	whole, part, _ := strings.Cut(text, ".")
	if len(part) > 3 || whole != "0" && whole != "1" {
		return 0, false
	}
	n, err := strconv.ParseUint(whole+(part + "000")[:3], 10, 16)
	return uint16(n), err == nil && n <= 1000
}

// bound says whether a client that names this contact is reached only over the flow
// that it registers on; see the package comment.
func bound(contact sip.Uri, from source) bool {
	host, err := netip.ParseAddr(strings.Trim(contact.Host, "[]"))
	if err != nil || host.Unmap() != from.remote.Addr() || contact.UriParams.Has("ob") {
		return true
	}
	switch from.transport {
	case stack.UDP:
		return false
	case stack.TCP:
		return contact.Port == int(from.remote.Port())
	}
	return true
}

// isHere says whether a contact is the very address that the request was sent to.
func isHere(contact sip.Uri, from source) bool {
	host, err := netip.ParseAddr(strings.Trim(contact.Host, "[]"))
	port := contact.Port
	if port == 0 {
		port = 5060
		if contact.Scheme == "sips" || from.transport == stack.TLS {
			port = 5061
		}
	}
	return err == nil && host.Unmap() == from.local.Addr() && port == int(from.local.Port())
}

// agent is a User-Agent for people to read.
func agent(text string) string {
	text = wire.PlainText(text, maxAgent)
	if len(text) > maxAgent {
		text = wire.PlainText(text, maxAgent/4)
	}
	return text
}

func control(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}

func header(req *sip.Request, name string) string {
	if h := req.GetHeader(name); h != nil {
		return strings.TrimSpace(h.Value())
	}
	return ""
}

// key is what a binding is known by within its address: instance and reg-id, or else
// the Contact.
func key(b location.Binding) string {
	if b.RegID != 0 {
		return strconv.Itoa(int(b.RegID)) + " " + b.Instance
	}
	uri, err := wire.ParseURI(b.Contact)
	if err != nil {
		return b.Contact
	}
	return place(uri)
}

// place compares contacts as RFC 3261, section 19.1.4, does, as far as the parameters
// of a contact can tell two apart.
func place(uri sip.Uri) string {
	transport := ""
	if t, ok := wire.Param(uri.UriParams, "transport"); ok {
		transport = strings.ToLower(t)
	}
	port := ""
	if uri.Port != 0 {
		port = ":" + strconv.Itoa(uri.Port)
	}
	return uri.Scheme + ":" + uri.User + "@" + strings.ToLower(uri.Host) + port + ";" + transport
}
