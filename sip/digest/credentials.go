package digest

import (
	"encoding/hex"
	"errors"
	"slices"
	"strings"
)

const (
	maxField  = 2048 // octets of one Authorization value
	maxParams = 32
	maxName   = 128 // octets of a user name
)

var errForm = errors.New("digest: malformed credentials")

// Credentials is the value of an Authorization or Proxy-Authorization field. The
// texts are those between the quotes, as they came: they are hashed so.
type Credentials struct {
	Username, Realm, Nonce, URI, Response string
	Algorithm, QOP, CNonce, Count         string // empty if absent
}

// ParseCredentials reads a field value. ok is false for another scheme than Digest.
// Some clients quote what should not be (algorithm, qop, nc) and the reverse; that
// changes nothing.
func ParseCredentials(value string) (c Credentials, ok bool, err error) {
	if len(value) > maxField {
		return c, false, errForm
	}
	scheme, rest, _ := strings.Cut(strings.TrimLeft(value, " \t"), " ")
	if !strings.EqualFold(scheme, "Digest") {
		return c, false, nil
	}
	seen := make([]string, 0, maxParams)
	for {
		rest = strings.TrimLeft(rest, " \t,")
		if rest == "" {
			return c, true, nil
		}
		var name, text string
		if name, text, rest, ok = parameter(rest); !ok || len(seen) == maxParams {
			return Credentials{}, true, errForm
		}
		if slices.Contains(seen, name) {
			return Credentials{}, true, errForm // which one would be meant?
		}
		seen = append(seen, name)
		switch name {
		case "username":
			c.Username = text
		case "realm":
			c.Realm = text
		case "nonce":
			c.Nonce = text
		case "uri":
			c.URI = text
		case "response":
			c.Response = text
		case "algorithm":
			c.Algorithm = text
		case "qop":
			c.QOP = text
		case "cnonce":
			c.CNonce = text
		case "nc":
			c.Count = text
		}
	}
}

// parameter reads one name=value and returns what comes after it. The name comes in
// lower case.
func parameter(s string) (name, value, rest string, ok bool) {
	name, rest, ok = strings.Cut(s, "=")
	name = strings.ToLower(strings.TrimRight(name, " \t"))
	if !ok || name == "" || strings.ContainsAny(name, " \t\",;") {
		return "", "", "", false
	}
	rest = strings.TrimLeft(rest, " \t")
	if strings.HasPrefix(rest, `"`) {
		end := 1
		for end < len(rest) && rest[end] != '"' {
			if rest[end] == '\\' {
				end++
			}
			end++
		}
		if end >= len(rest) {
			return "", "", "", false
		}
		value, rest = rest[1:end], strings.TrimLeft(rest[end+1:], " \t")
		return name, value, rest, rest == "" || rest[0] == ','
	}
	end := strings.IndexByte(rest, ',')
	if end < 0 {
		end = len(rest)
	}
	value, rest = strings.TrimRight(rest[:end], " \t"), rest[end:]
	return name, value, rest, value != "" && !strings.ContainsAny(value, " \t\"")
}

// algorithm is the one that the credentials are made with. Without the parameter it
// is MD5: RFC 7616, section 3.3.
func (c Credentials) algorithm() (Algorithm, bool) {
	switch {
	case c.Algorithm == "", strings.EqualFold(c.Algorithm, "MD5"):
		return MD5, true
	case strings.EqualFold(c.Algorithm, "SHA-256"):
		return SHA256, true
	}
	return 0, false
}

// response is RFC 7616, section 3.4.1, for qop=auth, as it is sent: in hexadecimal
// digits.
func (c Credentials) response(a Algorithm, secret []byte, method string) []byte {
	text := make([]byte, 0, 512)
	text = append(append(append(text, method...), ':'), c.URI...)
	a2 := a.appendHash(make([]byte, 0, 64), text)
	text = hex.AppendEncode(text[:0], secret)
	for _, s := range [...]string{c.Nonce, c.Count, c.CNonce, c.QOP} {
		text = append(append(text, ':'), s...)
	}
	text = append(append(text, ':'), a2...)
	return a.appendHash(a2[:0], text)
}
