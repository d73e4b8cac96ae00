package presence

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"

	"chordophone/sip/presence/document"
)

// The order of the package comment, one above the other.
func TestComposition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		p1, p2 := o.phone(1), o.phone(2)
		c, d := o.client("10.0.1.1"), o.client("10.0.1.2")
		c.subscribe(p1.tcp(), "110@office", "presence", "120@office", "p")
		time.Sleep(settle)
		if p := c.presence("p"); p.Basic != document.Closed || p.Unreachable {
			t.Errorf("offline: %+v", p)
		}
		p2.register("120@office") // phone 1 hears of it by looking again
		time.Sleep(lookIll*6/5 + settle)
		if p := c.presence("p"); p.Basic != document.Open {
			t.Errorf("registered: %+v", p)
		}
		body := document.Presence{Entity: "sip:120@office", Basic: document.Open, Activities: []string{document.Away}, Note: "lunch"}
		r := d.ask(p2.udp(), sip.PUBLISH, "120@office", "sip:120@office", "pub", "Event", "presence", "Expires", "60", "Content-Type", document.PresenceType, "body", string(body.Bytes()))
		if r.StatusCode != 200 {
			t.Fatal(r)
		}
		time.Sleep(settle)
		if p := c.presence("p"); p.Basic != document.Open || !slices.Equal(p.Activities, body.Activities) || p.Note != "lunch" {
			t.Errorf("published: %+v", p)
		}
		p2.in(func() { p2.agent.Dialog("120@office", DialogState{ID: "1", State: "trying", Initiator: true}) })
		time.Sleep(settle)
		if p := c.presence("p"); !slices.Equal(p.Activities, []string{document.OnThePhone}) {
			t.Errorf("calling: %+v", p)
		}
		p2.in(func() { p2.agent.Dialog("120@office", DialogState{ID: "1", State: "terminated"}) })
		time.Sleep(settle)
		if p := c.presence("p"); !slices.Equal(p.Activities, body.Activities) {
			t.Errorf("again as published: %+v", p)
		}
		time.Sleep(time.Minute) // what was published expires
		if p := c.presence("p"); p.Basic != document.Open || p.Activities != nil || p.Note != "" {
			t.Errorf("expired: %+v", p)
		}
		o.net.plug(p2.ip, false)
		time.Sleep(8 * time.Second)
		if p := c.presence("p"); !p.Unreachable || p.Basic != document.Closed || p.Note != "unreachable" {
			t.Errorf("unreachable: %+v", p)
		}
		o.set(func() { delete(o.bound, "120@office") })
		time.Sleep(lookIll*6/5 + settle)
		if p := c.presence("p"); p.Unreachable || p.Basic != document.Closed {
			t.Errorf("offline: %+v", p)
		}
	})
}

func TestPublish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		p := o.phone(1)
		c := o.client("10.0.1.1")
		body := string(document.Presence{Entity: "sip:110@office", Basic: document.Open}.Bytes())
		n := 0
		pub := func(want int, fields ...string) *sip.Response {
			t.Helper()
			n++
			r := c.ask(p.udp(), sip.PUBLISH, "110@office", "sip:110@office", fmt.Sprint(n), append([]string{"Event", "presence"}, fields...)...)
			if r.StatusCode != want {
				t.Errorf("%q: %d; want %d", fields, r.StatusCode, want)
			}
			return r
		}
		typed := func(body string, fields ...string) []string {
			return append(fields, "Content-Type", document.PresenceType, "body", body)
		}
		etag := func(r *sip.Response) string {
			t.Helper()
			if h := r.GetHeader("SIP-ETag"); h != nil {
				return h.Value()
			}
			t.Fatal("no SIP-ETag")
			return ""
		}
		pub(400)                                             // nothing to publish
		pub(412, "SIP-If-Match", "x")                        // "the ESC MUST reject the request with a response of 412"
		pub(415, "Content-Type", "text/plain", "body", body) // not understood
		pub(400, typed("<x/>")...)
		pub(413, typed(body+strings.Repeat(" ", maxPublishBody))...)
		pub(423, typed(body, "Expires", "5")...)
		pub(420, typed(body, "Require", "x")...)
		if r := c.ask(p.udp(), sip.PUBLISH, "110@office", "sip:111@office", "other", typed(body, "Event", "presence")...); r.StatusCode != 403 {
			t.Error(r)
		}
		if r := c.ask(p.udp(), sip.PUBLISH, "110@office", "sip:110@office", "dialog", typed(body, "Event", "dialog")...); r.StatusCode != 489 {
			t.Error(r)
		}
		if s := p.stats(); s.Published != 0 {
			t.Errorf("%+v", s)
		}
		first := etag(pub(200, typed(body)...))
		second := etag(pub(200, "SIP-If-Match", first)) // refreshed
		if first == second {
			t.Error("the same entity-tag")
		}
		pub(412, "SIP-If-Match", first)
		third := etag(pub(200, typed(body, "SIP-If-Match", second)...)) // modified
		if s := p.stats(); s.Published != 1 {
			t.Errorf("%+v", s)
		}
		pub(200, "SIP-If-Match", third, "Expires", "0") // removed
		if s := p.stats(); s.Published != 0 {
			t.Errorf("%+v", s)
		}
		pub(200, typed(body, "Expires", "0")...) // over before it began
		if s := p.stats(); s.Published != 0 {
			t.Errorf("%+v", s)
		}
		for range maxPublishedForAOR {
			pub(200, typed(body)...)
		}
		pub(503, typed(body)...)
		time.Sleep(maxExpires + time.Second)
		if s := p.stats(); s.Published != 0 {
			t.Errorf("not expired: %+v", s)
		}
		p.in(func() {
			if len(p.agent.here) != 0 {
				t.Error("left over")
			}
		})
	})
}
