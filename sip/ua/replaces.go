package ua

import (
	"strings"

	"github.com/emiago/sipgo/sip"
)

// A call comes in the place of another: RFC 3891.

type replaces struct {
	callID, to, from string
	early            bool
}

func parseReplaces(text string) (r replaces, ok bool) {
	if strings.ContainsAny(text, "\r\n<>\",") || len(text) > 1024 {
		return r, false
	}
	id, rest, _ := strings.Cut(text, ";")
	r.callID = strings.TrimSpace(id)
	for p := range strings.SplitSeq(rest, ";") {
		k, v, _ := strings.Cut(p, "=")
		v = strings.TrimSpace(v)
		switch lower(strings.TrimSpace(k)) {
		case "to-tag":
			r.to = v
		case "from-tag":
			r.from = v
		case "early-only":
			r.early = true
		}
	}
	return r, r.callID != "" && r.to != "" && r.from != ""
}

// replaced finds the call that an INVITE wants to replace, or says why it
// cannot: section 3. That the caller is of the office, its flow has proved.
func (u *UA) replaced(req *sip.Request) (*session, int) {
	fields := req.GetHeaders("Replaces")
	if len(fields) == 0 {
		return nil, 0
	}
	r, ok := parseReplaces(fields[0].Value())
	if !ok || len(fields) > 1 {
		return nil, 400
	}
	for _, s := range u.calls {
		far := s.d.remoteTag
		if far == "" {
			far = s.earlyTag
		}
		if s.d.callID != r.callID || s.d.localTag != r.to || far != r.from {
			continue
		}
		switch {
		case s.m.state == confirmed && r.early:
			return nil, 486
		case s.m.state == confirmed && s.m.answered, s.m.state == proceeding:
			return s, 0
		case s.m.state == cancelling, s.m.state == leaving:
			return nil, 603
		}
		return nil, 481 // among them early ones that we did not begin
	}
	return nil, 481
}
