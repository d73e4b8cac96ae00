package ua

import (
	"strings"

	"chordophone/sip/wire"

	"github.com/emiago/sipgo/sip"
)

// check is what depends on who we are: methods, extensions and content.
func check(req *sip.Request) wire.Verdict {
	switch req.Method {
	case sip.INVITE, sip.BYE, sip.OPTIONS, sip.REFER, sip.NOTIFY, sip.UPDATE, sip.INFO:
	case sip.REGISTER, sip.SUBSCRIBE, sip.MESSAGE, sip.PRACK, sip.PUBLISH:
		return wire.Verdict{Status: 405, Field: "Allow", Value: allow} // RFC 3261, section 8.2.1
	default:
		return wire.Verdict{Status: 501, Field: "Allow", Value: allow}
	}
	if wire.Tag(req.From().Params) == "" {
		return wire.Verdict{Status: 400} // section 8.1.1.3
	}
	var unsupported []string
	for _, tag := range wire.Values(req, "Require") {
		if !strings.EqualFold(tag, "replaces") && !strings.EqualFold(tag, "timer") {
			unsupported = append(unsupported, wire.PlainText(tag, 64))
		}
	}
	if len(unsupported) > 0 {
		return wire.Verdict{Status: 420, Field: "Unsupported", Value: strings.Join(unsupported, ", ")}
	}
	if req.Method == sip.INVITE || req.Method == sip.UPDATE {
		return checkSession(req)
	}
	return wire.Verdict{}
}

func checkSession(req *sip.Request) wire.Verdict {
	c := req.Contact()
	if c == nil || c.Address.Wildcard || c.Address.Scheme != "sip" && c.Address.Scheme != "sips" || len(req.GetHeaders("Contact")) > 1 {
		return wire.Verdict{Status: 400} // section 8.1.1.8: exactly one
	}
	for _, e := range wire.Values(req, "Content-Encoding") {
		if !strings.EqualFold(e, "identity") {
			return wire.Verdict{Status: 415, Field: "Accept-Encoding", Value: "identity"}
		}
	}
	if len(req.Body()) > 0 && !isSDP(req) {
		return wire.Verdict{Status: 415, Field: "Accept", Value: accept} // section 8.2.3
	}
	if kinds := wire.Values(req, "Accept"); len(kinds) > 0 {
		for _, k := range kinds {
			k, _, _ = strings.Cut(strings.ToLower(k), ";")
			switch strings.TrimSpace(k) {
			case accept, "application/*", "*/*":
				return wire.Verdict{}
			}
		}
		return wire.Verdict{Status: 406} // section 21.4.7
	}
	return wire.Verdict{}
}

// isSDP says whether a message carries a session description.
func isSDP(msg interface{ ContentType() *sip.ContentTypeHeader }) bool {
	return contentType(msg) == accept
}

func contentType(msg interface{ ContentType() *sip.ContentTypeHeader }) string {
	h := msg.ContentType()
	if h == nil {
		return ""
	}
	kind, _, _ := strings.Cut(string(*h), ";")
	return lower(strings.TrimSpace(kind))
}
