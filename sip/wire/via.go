package wire

import (
	"errors"

	"github.com/emiago/sipgo/sip"
)

var errVia = errors.New("wire: malformed Via")

// scanVia reads one value of Via (RFC 3261, section 20.42), up to a comma or the
// end, with the blanks that the grammar has everywhere in it. Of a malformed one it
// fills in what it understood: where to send 400 to.
func scanVia(s string, v *sip.ViaHeader) (rest string, err error) {
	for i, part := range [...]*string{&v.ProtocolName, &v.ProtocolVersion, &v.Transport} {
		if *part, s = span(trimLeft(s), isToken); *part == "" {
			return "", errVia
		}
		if i < 2 {
			if s = trimLeft(s); s == "" || s[0] != '/' {
				return "", errVia
			}
			s = s[1:]
		}
	}
	if s == "" || !blank(s[0]) {
		return "", errVia
	}
	if s, _, err = scanHostPort(trimLeft(s), true, &v.Host, &v.Port); err != nil {
		v.Host, v.Port = "", 0
		return "", err
	}
	params, rest, err := scanParams(s)
	v.Params = params
	return rest, err
}
