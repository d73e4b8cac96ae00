package wire

import (
	"errors"
	"strings"

	"github.com/emiago/sipgo/sip"
)

var errAddress = errors.New("wire: malformed address")

// Address is one name-addr or addr-spec with its header parameters: a value of
// Contact, From, To, Route, Record-Route, Path, Refer-To. The value "*" of Contact
// is a wildcard URI.
type Address struct {
	Name   string // display name without its quotes
	URI    sip.Uri
	Params []Parameter // in order, as they came
	Text   string      // the value as it came
}

// Parameter is one parameter; Value has no quotes, Quoted says whether it had.
type Parameter struct {
	Name, Value string
	Quoted      bool
}

// Param finds a parameter by its name in any case.
func (a Address) Param(name string) (string, bool) {
	for _, p := range a.Params {
		if strings.EqualFold(p.Name, name) {
			return p.Value, true
		}
	}
	return "", false
}

// String writes the address so that it reads back the same.
func (a Address) String() string {
	if a.URI.Wildcard {
		return "*"
	}
	var b strings.Builder
	if a.Name != "" {
		b.WriteString(quote(a.Name))
		b.WriteByte(' ')
	}
	b.WriteByte('<')
	a.URI.StringWrite(&b)
	b.WriteByte('>')
	for _, p := range a.Params {
		b.WriteByte(';')
		b.WriteString(p.Name)
		if p.Quoted || p.Value != "" && !all(p.Value, isLoose) {
			b.WriteByte('=')
			b.WriteString(quote(p.Value))
		} else if p.Value != "" {
			b.WriteByte('=')
			b.WriteString(p.Value)
		}
	}
	return b.String()
}

// ParseAddress reads one value.
func ParseAddress(text string) (Address, error) {
	text = trim(text)
	if text == "*" {
		return Address{URI: sip.Uri{Wildcard: true, Host: "*"}, Text: text}, nil
	}
	var s address
	rest, err := s.scan(text)
	if err != nil {
		return Address{}, err
	}
	if rest != "" {
		return Address{}, errAddress
	}
	a := Address{URI: s.uri, Text: text, Name: s.name}
	if strings.IndexByte(a.Name, '\\') >= 0 {
		a.Name = unquote(`"` + a.Name + `"`)
	}
	for _, kv := range s.params {
		name := nameOf(kv)
		value, _ := Param(sip.HeaderParams{kv}, name)
		quoted := strings.HasPrefix(kv.V, `"`) || len(name) < len(kv.K)
		a.Params = append(a.Params, Parameter{Name: name, Value: value, Quoted: quoted})
	}
	return a, nil
}

// address is an address in the form that sipgo's header fields have.
type address struct {
	name   string // as it stands between the quotes
	uri    sip.Uri
	params sip.HeaderParams
	exact  bool // "<", the URI as String writes it, ">", nothing else
}

// scan reads one value, up to a comma that separates values or to the end.
func (a *address) scan(text string) (rest string, err error) {
	s := trimLeft(text)
	a.exact = s != "" && s[0] == '<'
	if s != "" && s[0] == '"' {
		n := quoted(s)
		if n < 0 {
			return "", errAddress
		}
		a.name, s = s[1:n-1], trimLeft(s[n:])
		if s == "" || s[0] != '<' {
			return "", errAddress
		}
	} else if i := strings.IndexAny(s, `<",;:`); i >= 0 && s[i] == '<' {
		// *(token LWS), the last LWS being optional (RFC 4475, section 3.1.1.6)
		a.name, s = trim(s[:i]), s[i:]
		for j := 0; j < len(a.name); j++ {
			if classes[a.name[j]]&isToken == 0 && !blank(a.name[j]) {
				return "", errAddress
			}
		}
	}
	var spec string
	if s != "" && s[0] == '<' {
		end := strings.IndexByte(s, '>')
		if end < 0 {
			return "", errAddress
		}
		spec, s = s[1:end], s[end+1:]
	} else {
		// Section 20.10: without brackets all parameters are the header field's,
		// and a URI with a comma, question mark or semicolon must have brackets.
		end := strings.IndexAny(s, ";, \t")
		if end < 0 {
			end = len(s)
		}
		spec, s = s[:end], s[end:]
		if strings.IndexByte(spec, '?') >= 0 {
			return "", errAddress
		}
	}
	same, err := scanURI(spec, &a.uri)
	if err != nil {
		return "", err
	}
	a.exact = a.exact && same && s == ""
	a.params, s, err = scanParams(s)
	return s, err
}
