package wire

import (
	"errors"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// maxParams are the parameters of one URI or value: they are looked up one by one.
const maxParams = 64

var (
	errParam = errors.New("wire: malformed parameter")
	errTwice = errors.New("wire: the same parameter twice")
)

// Param finds a parameter whose name is, as RFC 3261, section 7.3.1 has it, the
// same in any case. Quotes are taken off its value.
func Param(params sip.HeaderParams, name string) (string, bool) {
	for _, kv := range params {
		k, v := kv.K, kv.V
		if v == "" {
			k, v, _ = strings.Cut(k, "=")
		}
		if strings.EqualFold(trim(k), name) {
			v = trim(v)
			if len(v) > 0 && v[0] == '"' {
				v = unquote(v)
			}
			return v, true
		}
	}
	return "", false
}

// Tag is the tag of a From or To.
func Tag(params sip.HeaderParams) string {
	t, _ := Param(params, "tag")
	return t
}

// scanParams reads *( SEMI generic-param ), up to a comma or the end. Names come in
// lower case, values as they are, so that sipgo writes them as they came: a quoted
// value with a blank in it, which sipgo would quote once more, stays in the name.
func scanParams(s string) (params sip.HeaderParams, rest string, err error) {
	for {
		if s = trimLeft(s); s == "" || s[0] == ',' {
			return params, s, nil
		}
		if s[0] != ';' {
			return nil, "", errParam
		}
		var name, value string
		from := trimLeft(s[1:])
		if name, s = span(from, isToken); name == "" {
			return nil, "", errParam
		}
		name = lower(name)
		kv := sip.HeaderKV{K: name}
		if after := trimLeft(s); after != "" && after[0] == '=' {
			after = trimLeft(after[1:])
			if after != "" && after[0] == '"' {
				n := quoted(after)
				if n < 0 {
					return nil, "", errParam
				}
				value, s = after[:n], after[n:]
			} else if value, s = span(after, isLoose); value == "" {
				return nil, "", errParam
			}
			kv.V = value
			if strings.ContainsAny(value, " \t") {
				kv.K, kv.V = kv.K+"="+value, ""
			}
		}
		if len(params) == maxParams {
			return nil, "", errParam
		}
		for i := range params {
			if nameOf(params[i]) == name {
				return nil, "", errTwice // section 7.3.1: "MUST NOT appear more than once"
			}
		}
		if params == nil {
			params = make(sip.HeaderParams, 0, 2)
		}
		params = append(params, kv)
	}
}

// nameOf is the name of a parameter that scanParams made.
func nameOf(kv sip.HeaderKV) string {
	if kv.V == "" {
		if i := strings.IndexByte(kv.K, '='); i >= 0 {
			return kv.K[:i]
		}
	}
	return kv.K
}

// quoted is the length of the quoted-string that s begins with, -1 if it has no
// end or a CR or LF before it (RFC 3261, section 25.1: not even as quoted-pair).
func quoted(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			if i++; i < len(s) && (s[i] == '\r' || s[i] == '\n') {
				return -1
			}
		case '"':
			return i + 1
		case '\r', '\n':
			return -1
		}
	}
	return -1
}

// unquote is what a quoted-string means.
func unquote(s string) string {
	if len(s) < 2 || s[len(s)-1] != '"' {
		return s
	}
	s = s[1 : len(s)-1]
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b = append(b, s[i])
	}
	return string(b)
}

// quote writes s as a quoted-string. CR and LF have no place in one.
func quote(s string) string {
	b := append(make([]byte, 0, len(s)+2), '"')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\r' || c == '\n':
			continue
		case c == '"' || c == '\\' || c < 0x20 && c != '\t' || c == 0x7f:
			b = append(b, '\\', c)
		default:
			b = append(b, c)
		}
	}
	return string(append(b, '"'))
}
