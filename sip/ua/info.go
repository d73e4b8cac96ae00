package ua

import (
	"strconv"
	"strings"

	"chordophone/sip/stack"
)

// Keys in INFO are older than RFC 6086 and follow no package of it; many gateways and
// clients send them so:
//
//	Content-Type: application/dtmf-relay        Content-Type: application/dtmf
//
//	Signal=5                                    5
//	Duration=160
const (
	dtmfRelay = "application/dtmf-relay"
	dtmf      = "application/dtmf"
)

// handleInfo is RFC 6086, section 4.2.2, of which only the "legacy INFO usage" is done.
func (u *UA) handleInfo(s *session, t *stack.ServerTx) {
	req := t.Request
	kind, body := contentType(req), string(req.Body())
	switch {
	case s.m.state != confirmed:
		t.Reply(481)
		return
	case len(body) == 0: // nothing but a sign of life
		t.Reply(200)
		return
	case kind != dtmfRelay && kind != dtmf:
		t.Reply(415, "Accept", dtmfRelay+", "+dtmf)
		return
	}
	if kind == dtmfRelay {
		body = signal(body)
	}
	key, ok := keyOf(strings.TrimSpace(body))
	if !ok {
		t.Reply(400)
		return
	}
	t.Reply(200)
	u.emit(Pressed{Call: s.id, Key: key})
}

// signal is the value of the field of that name.
func signal(body string) string {
	for line := range strings.Lines(body) {
		if name, value, ok := strings.Cut(line, "="); ok && strings.EqualFold(strings.TrimSpace(name), "signal") {
			return value
		}
	}
	return ""
}

// keyOf reads a key: its sign, or from 10 up its event code of RFC 4733, section 3.2.
func keyOf(text string) (rune, bool) {
	const keys = "0123456789*#ABCD"
	if n, err := strconv.Atoi(text); err == nil && len(text) == 2 && n >= 10 && n < len(keys) {
		return rune(keys[n]), true
	}
	text = strings.ToUpper(text)
	return rune((text + " ")[0]), len(text) == 1 && strings.Contains(keys, text)
}
