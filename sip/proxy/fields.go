package proxy

import (
	"strings"

	"chordophone/sip/wire"

	"github.com/emiago/sipgo/sip"
)

// message is a request or a response.
type message interface {
	sip.Message
	Headers() []sip.Header
}

// is reports whether a header field has a name, in any case.
func is(h sip.Header, name string) bool {
	n := h.Name()
	return len(n) == len(name) && (n == name || strings.EqualFold(n, name))
}

// field is the value of the first field of a name.
func field(msg message, name string) (string, bool) {
	for _, h := range msg.Headers() {
		if is(h, name) {
			return h.Value(), true
		}
	}
	return "", false
}

func callID(msg sip.Message) string {
	if id := msg.CallID(); id != nil {
		return string(*id)
	}
	return ""
}

func tagOf[H *sip.FromHeader | *sip.ToHeader](h H) string {
	switch h := any(h).(type) {
	case *sip.FromHeader:
		if h != nil {
			return wire.Tag(h.Params)
		}
	case *sip.ToHeader:
		if h != nil {
			return wire.Tag(h.Params)
		}
	}
	return ""
}
