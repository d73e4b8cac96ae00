package wire

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/emiago/sipgo/sip"
)

var errURI = errors.New("wire: malformed URI")

// ParseURI reads a SIP, SIPS or tel URI strictly. An IPv6 address keeps its
// brackets in Host. What String then writes reads back the same.
func ParseURI(text string) (sip.Uri, error) {
	var uri sip.Uri
	if _, err := scanURI(text, &uri); err != nil {
		return sip.Uri{}, err
	}
	if uri.Scheme != "sip" && uri.Scheme != "sips" && uri.Scheme != "tel" {
		return sip.Uri{}, fmt.Errorf("%w: scheme %q", errURI, uri.Scheme)
	}
	return uri, nil
}

// scanURI reads any URI; that of an unknown scheme is kept as it is. exact says
// that String writes the very text.
func scanURI(text string, uri *sip.Uri) (exact bool, err error) {
	i := strings.IndexByte(text, ':')
	if i < 1 || !schemeName(text[:i]) {
		return false, errURI
	}
	scheme, rest := lower(text[:i]), text[i+1:]
	exact = scheme == text[:i]
	if scheme != "sip" && scheme != "sips" {
		if !escaped(rest, isOpaque) || rest == "" || scheme == "tel" && !telephone(rest) {
			return false, errURI
		}
		if sip.ParseUri(text, uri) != nil { // the only way to have it kept raw, but it knows only schemes of letters
			*uri = sip.Uri{Scheme: scheme, Host: rest}
			if ip, err := netip.ParseAddr(rest); err == nil && ip.Is6() {
				return false, errURI // it would be written with brackets
			}
		}
		return exact, nil
	}
	uri.Scheme = scheme
	if at := strings.IndexByte(rest, '@'); at >= 0 { // in no other part of it is one without escape
		var secret bool
		uri.User, uri.Password, secret = strings.Cut(rest[:at], ":")
		if uri.User == "" || !escaped(uri.User, isUser) || !escaped(uri.Password, isPassword) {
			return false, errURI
		}
		exact = exact && secret == (uri.Password != "")
		rest = rest[at+1:]
	}
	rest, same, err := scanHostPort(rest, false, &uri.Host, &uri.Port)
	if err != nil {
		return false, err
	}
	exact = exact && same
	params, headers, asks := strings.Cut(rest, "?")
	if params != "" {
		if params[0] != ';' {
			return false, errURI
		}
		uri.UriParams, err = scanPairs(params[1:], ';', isParam, false)
		if err != nil {
			return false, err
		}
	}
	if asks {
		uri.Headers, err = scanPairs(headers, '&', isHeader, true)
	}
	return exact, err
}

// scanPairs reads uri-parameters or headers. A header may have an empty value; the
// equals sign then stays with its name, or it would be lost in writing.
func scanPairs(s string, sep byte, class uint8, header bool) (sip.HeaderParams, error) {
	n := strings.Count(s, string(rune(sep))) + 1
	if n > maxParams {
		return nil, errURI
	}
	pairs := make(sip.HeaderParams, 0, n)
	for more := true; more; {
		one := s
		if i := strings.IndexByte(s, sep); i >= 0 {
			one, s = s[:i], s[i+1:]
		} else {
			more = false
		}
		k, v, has := strings.Cut(one, "=")
		if k == "" || !escaped(k, class) || !escaped(v, class) || header && !has || !header && has && v == "" {
			return nil, errURI
		}
		if has && v == "" {
			k = one
		}
		pairs = append(pairs, sip.HeaderKV{K: k, V: v})
	}
	return pairs, nil
}

// scanHostPort reads hostport, with blanks round the colon as sent-by may have
// them. exact says that host and port are written as they came.
func scanHostPort(s string, blanks bool, host *string, port *int) (rest string, exact bool, err error) {
	exact = true
	if s != "" && s[0] == '[' {
		end := strings.IndexByte(s, ']')
		if end < 0 {
			return "", false, errURI
		}
		inner := s[1:end]
		*host, rest = s[:end+1], s[end+1:]
		if i := strings.Index(inner, ":::"); i >= 0 { // RFC 5118, section 4.10: tolerated, and written right
			inner = inner[:i] + inner[i+1:]
			*host, exact = "["+inner+"]", false
		}
		if ip, err := netip.ParseAddr(inner); err != nil || ip.Zone() != "" || !ip.Is6() {
			return "", false, errURI
		}
	} else if *host, rest = span(s, isHost); *host == "" {
		return "", false, errURI
	}
	after := rest
	if blanks {
		after = trimLeft(rest)
	}
	if after == "" || after[0] != ':' {
		return rest, exact, nil
	}
	after = after[1:]
	if blanks {
		after = trimLeft(after)
	}
	digits := 0
	for digits < len(after) && '0' <= after[digits] && after[digits] <= '9' {
		digits++
	}
	n, ok := number(after[:digits], 65535)
	if !ok || n == 0 {
		return "", false, errURI
	}
	*port = int(n)
	return after[digits:], exact && after[0] != '0', nil
}

func schemeName(s string) bool { // RFC 3261: ALPHA *( ALPHA / DIGIT / "+" / "-" / "." )
	for i := 0; i < len(s); i++ {
		if c := s[i]; !('a' <= c|0x20 && c|0x20 <= 'z' || i > 0 && ('0' <= c && c <= '9' || c == '+' || c == '-' || c == '.')) {
			return false
		}
	}
	return true
}

func telephone(s string) bool { // RFC 3966, without its parameters
	number, _, _ := strings.Cut(s, ";")
	digits := strings.TrimPrefix(number, "+")
	for i := 0; i < len(digits); i++ {
		if hex(digits[i]) < 0 && strings.IndexByte("*#-.()", digits[i]) < 0 {
			return false
		}
	}
	return digits != ""
}

// AOR writes a URI as an address of record, "102@office": escapes undone where that
// changes nothing (RFC 3261, section 19.1.4), parameters, port and password left
// out, host in lower case, user as it is but ASCII letters in lower case too. It is
// empty for what cannot be one.
func AOR(uri sip.Uri) string {
	if uri.Wildcard || uri.User == "" || uri.Host == "" || uri.Scheme != "sip" && uri.Scheme != "sips" && uri.Scheme != "" ||
		!escaped(uri.User, isUser) {
		return ""
	}
	plain := true
	for i := 0; i < len(uri.User); i++ {
		if c := uri.User[i]; c == '%' || c == '#' {
			plain = false
			break
		}
	}
	if plain {
		return lower(uri.User + "@" + uri.Host)
	}
	const digits = "0123456789ABCDEF"
	b := make([]byte, 0, len(uri.User)+len(uri.Host)+3)
	for i := 0; i < len(uri.User); i++ {
		c := uri.User[i]
		switch {
		case c == '%':
			// "Characters other than those in the 'reserved' set are equivalent to
			// their encoding": of those only the unreserved can stand for themselves.
			c = byte(hex(uri.User[i+1])<<4 | hex(uri.User[i+2]))
			i += 2
			if classes[c]&isPassword != 0 && strings.IndexByte("&=+$,", c) < 0 {
				b = append(b, lower(string(rune(c)))...)
				continue
			}
		case c != '#':
			b = append(b, lower(string(rune(c)))...)
			continue
		}
		b = append(b, '%', digits[c>>4], digits[c&15])
	}
	return string(b) + "@" + lower(uri.Host)
}
