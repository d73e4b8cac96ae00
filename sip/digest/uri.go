package digest

import "strings"

// sameResource compares a digest-uri with a Request-URI. "It is not necessarily a
// failure if the two fields are not equivalent" (RFC 3261, section 22.4): clients
// leave out what they added to the Request-URI later, a transport above all, write
// the default port or not, and sip for sips. Scheme, parameters and a default port therefore do not
// count, user, host and port do, so that an answer to one address is
// none to another.
func sameResource(a, b string) bool {
	return a == b || plain(a) == plain(b)
}

// plain is user@host:port of a SIP URI, with the host in lower case.
func plain(uri string) string {
	scheme, rest, ok := strings.Cut(uri, ":")
	if !ok || !strings.EqualFold(scheme, "sip") && !strings.EqualFold(scheme, "sips") {
		return uri
	}
	user := ""
	if at := strings.IndexByte(rest, '@'); at >= 0 { // it may not stand further right: RFC 3261, section 25.1
		user, rest = rest[:at], rest[at+1:]
	}
	if end := strings.IndexAny(rest, ";?"); end >= 0 {
		rest = rest[:end]
	}
	rest = strings.ToLower(rest)
	for _, port := range []string{":5060", ":5061"} {
		rest = strings.TrimSuffix(rest, port)
	}
	return user + "@" + rest
}
