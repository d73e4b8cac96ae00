package digest

import "strings"

// sameResource compares a digest-uri with a Request-URI. "It is not necessarily a
// failure if the two fields are not equivalent" (RFC 3261, section 22.4): clients
// leave out what they added to the Request-URI later, name the server's address in
// place of the office, or write nothing but that. So scheme, host, port and parameters
// do not count; a user does, if one is named, so that an answer to one address is none
// to another. That no answer counts twice, its number sees to.
func sameResource(digestURI, requestURI string) bool {
	user, ok := userOf(digestURI)
	other, _ := userOf(requestURI)
	return digestURI == requestURI || ok && (user == "" || user == other)
}

// userOf is the user of a SIP URI.
func userOf(uri string) (user string, ok bool) {
	scheme, rest, ok := strings.Cut(uri, ":")
	if !ok || !strings.EqualFold(scheme, "sip") && !strings.EqualFold(scheme, "sips") {
		return "", false
	}
	user, _, found := strings.Cut(rest, "@") // it may not stand further right: RFC 3261, section 25.1
	if !found {
		user = ""
	}
	return user, true
}
