package ua

import (
	"net/netip"
	"strings"

	"chordophone/sip/wire"

	"github.com/emiago/sipgo/sip"
)

func lower(s string) string { return strings.ToLower(s) }

// plainUser says whether s may be the user part of an address of an office:
// 1 to 64 of these characters, none of which is ever escaped.
func plainUser(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for _, c := range []byte(s) {
		if !('0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || strings.IndexByte("*+-._", c) >= 0) {
			return false
		}
	}
	return true
}

func plainHost(s string) bool { return plainUser(s) && !strings.ContainsAny(s, "*+_") }

// plainName is a display name without the characters that need quoting, which
// sipgo does not quote.
func plainName(s string) string {
	return wire.PlainText(strings.Map(func(r rune) rune {
		if strings.ContainsRune(`"\<>`, r) {
			return -1
		}
		return r
	}, s), 64)
}

// dialled turns what was dialled into the user part of an address of domain.
func dialled(number, domain string) (user string, ok bool) {
	if rest, full := strings.CutPrefix(number, "sip:"); full {
		user, host, found := strings.Cut(rest, "@")
		return user, found && plainUser(user) && strings.EqualFold(host, domain)
	}
	return number, plainUser(number)
}

// contact is where a number is called.
type contact struct {
	uri    string
	addr   netip.AddrPort // of a telephone
	server bool           // our own proxy finds it
}

// parseContact reads a SIP URI with an IP address that asks for TLS: a name
// would need a DNS, which an office need not have.
func parseContact(text string) (contact, bool) {
	if strings.ContainsAny(text, "\r\n<>\" ") {
		return contact{}, false
	}
	uri, err := wire.ParseURI(text)
	if err != nil {
		return contact{}, false
	}
	return contactOf(uri)
}

func contactOf(uri sip.Uri) (contact, bool) {
	transport, _ := wire.Param(uri.UriParams, "transport")
	tls := uri.Scheme == "sips" || uri.Scheme == "sip" && strings.EqualFold(transport, "tls")
	ip, err := netip.ParseAddr(strings.Trim(uri.Host, "[]"))
	if !tls || err != nil || uri.Port < 0 || uri.Port > 65535 {
		return contact{}, false
	}
	port := uri.Port
	if port == 0 {
		port = sip.DefaultTlsPort
	}
	uri = bare(uri)
	return contact{uri: uri.String(), addr: netip.AddrPortFrom(ip.Unmap(), uint16(port))}, true
}

// targetOf is the remote target that a Contact names.
func targetOf(c *sip.ContactHeader) sip.Uri { return bare(c.Address) }

// bare is a URI without header fields, which are never from a stranger into our
// request (RFC 3261, section 19.1.5).
func bare(uri sip.Uri) sip.Uri {
	uri = *uri.Clone()
	uri.Headers = nil
	return uri
}
