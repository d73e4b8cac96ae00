package wire

import (
	"strings"

	"github.com/emiago/sipgo/sip"
)

// Values are the values of a comma-separated field, in order, over all fields of
// that name and its compact form; commas within quotes and angle brackets do not
// separate.
func Values(msg sip.Message, name string) []string {
	m, ok := msg.(message)
	if !ok {
		return nil
	}
	name, _, _ = known(name)
	var values []string
	for _, h := range m.Headers() {
		if n := h.Name(); n != name && !named(n, name) {
			continue
		}
		for s := h.Value(); s != ""; {
			end := separator(s)
			if v := trim(s[:end]); v != "" {
				values = append(values, v)
			}
			s = s[min(end+1, len(s)):]
		}
	}
	return values
}

// named reports whether a field's name, as it came, is a proper one.
func named(n, name string) bool {
	if len(n) == 1 && len(name) > 1 {
		n = compact(n[0])
	}
	return len(n) == len(name) && strings.EqualFold(n, name)
}

// separator is the index of the first comma that separates values, or the length.
func separator(s string) int {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case ',':
			return i
		case '"':
			n := quoted(s[i:])
			if n < 0 {
				return len(s)
			}
			i += n - 1
		case '<':
			n := strings.IndexByte(s[i:], '>')
			if n < 0 {
				return len(s)
			}
			i += n
		}
	}
	return len(s)
}

// HasValue reports whether a field of tokens (Supported, Require, Allow) names
// one, in any case.
func HasValue(msg sip.Message, name, token string) bool {
	for _, v := range Values(msg, name) {
		if strings.EqualFold(v, token) {
			return true
		}
	}
	return false
}
