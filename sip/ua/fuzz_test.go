package ua

import (
	"strings"
	"testing"

	"chordophone/sip/wire"

	"github.com/emiago/sipgo/sip"
)

// FuzzRequest feeds a stranger's bytes through all that reads them here. Whatever
// is taken from them into a message of ours must leave that well-formed.
func FuzzRequest(f *testing.F) {
	plain := strings.NewReplacer("\t", "", "${B}", "x", "${ID}", "y").Replace(inviteText)
	for _, fields := range []string{
		"Session-Expires: 1800;refresher=uac\nSupported: timer\n", "Replaces: a;to-tag=b;from-tag=c;early-only\n",
		"Refer-To: <sip:103@office?Replaces=a%40b%3Bto-tag%3Dx%3Bfrom-tag%3Dy>\nReferred-By: \"x\" <sip:102@office>;cid=\"y\"\n",
		"Refer-To: <sip:x7@192.0.2.9:5060;method=INVITE?Replaces=a%3Bto-tag%3Dx%3Bfrom-tag%3Dy>\n",
		"Reason: SIP;cause=200;text=\"x\"\nRecord-Route: <sip:a;lr>, <sip:b>\n", "Require: 100rel, replaces\n",
	} {
		f.Add([]byte(strings.ReplaceAll(strings.Replace(plain, "CSeq", fields+"CSeq", 1), "\n", "\r\n")))
	}
	u := &UA{aor: "sip:101@office", cfg: Config{User: "101", Domain: "office", Telephone: telephone}, self: "101@office"}
	f.Fuzz(func(t *testing.T, data []byte) {
		msg, v := wire.Parse(data)
		req, ok := msg.(*sip.Request)
		if !ok || !v.OK() || !check(req).OK() {
			return
		}
		u.replaced(req)
		fragStatus(req.Body())
		holds(req.Body())
		causeOf(req)
		d := dialog{callID: "x", localTag: "y", local: bare(req.To().Address), remote: bare(req.From().Address), routes: recordRoute(req, false)}
		if c := req.Contact(); c != nil {
			d.target = targetOf(c)
		}
		out := u.newRequest(sip.INVITE, &d, 1)
		timer, _ := askedTimer(req)
		timer.demand(out)
		if r, status := u.readRefer(req); status == 0 {
			for i := 0; i+1 < len(r.fields); i += 2 {
				out.AppendHeader(sip.NewHeader(r.fields[i], r.fields[i+1]))
			}
			for _, c := range r.contact {
				if _, err := wire.ParseURI(c.uri); err != nil {
					t.Fatalf("would call %q", c.uri)
				}
			}
		}
		if _, err := wire.Bytes(out); err != nil {
			t.Fatalf("%v: %v", err, out)
		}
	})
}
