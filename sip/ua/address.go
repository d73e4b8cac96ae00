package ua

import (
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/emiago/sipgo/sip"
)

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

// plainText is what a stranger sent, fit for a display and a log.
func plainText(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r == utf8.RuneError {
			return -1
		}
		return r
	}, s)
	if utf8.RuneCountInString(s) > limit {
		s = string([]rune(s)[:limit])
	}
	return strings.TrimSpace(s)
}

// plainName is a display name without the characters that need quoting, which
// sipgo does not quote.
func plainName(s string) string {
	return plainText(strings.Map(func(r rune) rune {
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

// contact is where a telephone can be reached.
type contact struct {
	uri  string
	addr netip.AddrPort
}

// parseContact reads a SIP URI with an IP address that asks for TLS: a name
// would need a DNS, which an office need not have.
func parseContact(text string) (contact, bool) {
	var uri sip.Uri
	if strings.ContainsAny(text, "\r\n<>\" ") || sip.ParseUri(text, &uri) != nil {
		return contact{}, false
	}
	return contactOf(uri)
}

func contactOf(uri sip.Uri) (contact, bool) {
	transport, _ := param(uri.UriParams, "transport")
	tls := uri.Scheme == "sips" || uri.Scheme == "sip" && strings.EqualFold(transport, "tls")
	ip, err := netip.ParseAddr(strings.Trim(uri.Host, "[]"))
	if !tls || err != nil || uri.Port < 0 || uri.Port > 65535 {
		return contact{}, false
	}
	port := uri.Port
	if port == 0 {
		port = sip.DefaultTlsPort
	}
	uri.Headers = nil // never from a stranger into our request (RFC 3261, section 19.1.5)
	return contact{uri: uri.String(), addr: netip.AddrPortFrom(ip.Unmap(), uint16(port))}, true
}

// targetOf is the remote target that a Contact names.
func targetOf(c *sip.ContactHeader) sip.Uri {
	uri := *c.Address.Clone()
	uri.Headers = nil
	return uri
}

// param finds a parameter whose name is, as RFC 3261, section 7.3.1 has it,
// the same in any case; sipgo compares exactly and keeps blanks.
func param(params sip.HeaderParams, name string) (string, bool) {
	for _, kv := range params {
		if strings.EqualFold(strings.TrimSpace(kv.K), name) {
			return strings.TrimSpace(kv.V), true
		}
	}
	return "", false
}

func tag(params sip.HeaderParams) string {
	t, _ := param(params, "tag")
	return t
}
