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

const settle = 2 * time.Second

// A client at one phone watches a telephone elsewhere: its calls, and its presence.
func TestOneWatchesAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		p1, p2 := o.phone(1), o.phone(2)
		c := o.client("10.0.1.1")
		c.subscribe(p1.udp(), "110@office", "presence", "102@office", "p")
		c.subscribe(p1.udp(), "110@office", "dialog", "102@office", "d")
		time.Sleep(settle)
		if p := c.presence("p"); p.Basic != document.Open || p.Activities != nil || p.Entity != "sip:102@office" {
			t.Errorf("%+v", p)
		}
		if d := c.dialogs("d"); len(d.Dialogs) != 0 || d.Unreachable {
			t.Errorf("%+v", d)
		}
		p2.calls("102@office", "early")
		time.Sleep(settle)
		if d := c.dialogs("d"); len(d.Dialogs) != 1 || d.Dialogs[0].State != "early" {
			t.Errorf("%+v", d)
		}
		if n := len(c.notified("p")); n != 1 { // ringing is no news for presence
			t.Errorf("%d NOTIFYs", n)
		}
		p2.calls("102@office", "confirmed")
		time.Sleep(settle)
		if p := c.presence("p"); p.Basic != document.Open || !slices.Equal(p.Activities, []string{document.OnThePhone}) {
			t.Errorf("%+v", p)
		}
		p2.calls("102@office")
		time.Sleep(settle)
		if p := c.presence("p"); p.Basic != document.Open || p.Activities != nil {
			t.Errorf("%+v", p)
		}
		// RFC 4235, section 4.3: the version "starts at 0 and is incremented by one".
		for i, n := range c.notified("d") {
			d, err := document.ParseDialogInfo(n.Body())
			if err != nil || d.Version != uint32(i) {
				t.Errorf("%d: version %d, %v", i, d.Version, err)
			}
		}
		// One subscription from phone to phone serves both.
		if s := p2.stats(); s.Backend != 1 || s.Subscriptions != 0 {
			t.Errorf("%+v", s)
		}
		if s := p1.stats(); s.Backend != 0 || s.Subscriptions != 2 || s.Addresses != 1 {
			t.Errorf("%+v", s)
		}
	})
}

// Half a minute after the last watcher has gone, nothing is left anywhere.
func TestNobodyWatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		p1, p2 := o.phone(1), o.phone(2)
		c := o.client("10.0.1.1")
		tag := c.subscribe(p1.udp(), "110@office", "presence", "102@office", "p")
		time.Sleep(settle)
		c.ask(p1.udp(), sip.SUBSCRIBE, "110@office", "sip:102@office", "p", "Event", "presence", "Expires", "0", "to", tag)
		time.Sleep(settle)
		if v := c.last("p").GetHeader("Subscription-State").Value(); v != "terminated;reason=timeout" {
			t.Error(v)
		}
		if s := p2.stats(); s.Backend != 1 {
			t.Errorf("dropped too soon: %+v", s)
		}
		time.Sleep(linger)
		if s := p2.stats(); s.Backend != 0 {
			t.Errorf("%+v", s)
		}
		if s := p1.stats(); s.Addresses+s.Subscriptions != 0 {
			t.Errorf("%+v", s)
		}
		p1.in(func() {
			a := p1.agent
			if len(a.topics)+len(a.nodes)+len(a.remotes)+len(a.costs)+a.cost+len(a.queue) != 0 {
				t.Error("left over")
			}
		})
		looks := o.looks.Load()
		time.Sleep(time.Minute)
		if o.looks.Load() != looks {
			t.Error("still looked up")
		}
	})
}

func TestRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		p := o.phone(1)
		c := o.client("10.0.1.1")
		o.deny["110@office 105@office"] = true
		for i, q := range []struct {
			user, target string
			fields       []string
			status       int
			field, value string
		}{
			{"stranger@office", "101@office", []string{"Event", "presence"}, 403, "", ""},
			{"110@office", "101@office", nil, 489, "Allow-Events", allowEvents},
			{"110@office", "101@office", []string{"Event", "presence.winfo"}, 489, "Allow-Events", allowEvents},
			{"110@office", "101@office", []string{"Event", "office-state"}, 489, "Allow-Events", allowEvents}, // of phones only
			{"110@office", "101@office", []string{"Event", "presence", "Expires", "59"}, 423, "Min-Expires", "60"},
			{"110@office", "101@office", []string{"Event", "presence", "Expires", "x"}, 400, "", ""},
			{"110@office", "101@office", []string{"Event", "presence", "Accept", "application/xpidf+xml"}, 406, "", ""},
			{"110@office", "101@office", []string{"Event", "presence", "Require", "pref"}, 420, "Unsupported", "pref"},
			{"110@office", "105@office", []string{"Event", "dialog"}, 403, "", ""},
			{"110@office", "105@office", []string{"Event", "message-summary"}, 403, "", ""},
			{"110@office", "106@office", []string{"Event", "message-summary"}, 403, "", ""}, // one's own only
			{"110@office", "contacts+110@office", []string{"Event", "presence"}, 421, "Require", "eventlist"},
			{"110@office", "contacts+110@office", []string{"Event", "presence", "Supported", "eventlist", "Accept", "application/pidf+xml"}, 406, "", ""},
			{"110@office", "contacts+111@office", []string{"Event", "presence", "Supported", "eventlist"}, 403, "", ""},
			{"110@office", "contacts+110@office", []string{"Event", "message-summary", "Supported", "eventlist"}, 489, "", ""},
			{"110@office", "101@office", []string{"Event", "presence", "to", "nothere"}, 481, "", ""},
		} {
			r := c.ask(p.udp(), sip.SUBSCRIBE, q.user, "sip:"+q.target, fmt.Sprint(i), q.fields...)
			if r.StatusCode != q.status {
				t.Errorf("%d: %d; want %d", i, r.StatusCode, q.status)
			}
			if q.field != "" && (r.GetHeader(q.field) == nil || r.GetHeader(q.field).Value() != q.value) {
				t.Errorf("%d: %v", i, r.GetHeader(q.field))
			}
		}
		time.Sleep(settle)
		if n := len(c.notified("")); n != 0 {
			t.Errorf("%d NOTIFYs", n)
		}
		// The same, allowed; and durations: "the notifier MAY shorten it".
		r := c.ask(p.udp(), sip.SUBSCRIBE, "110@office", "sip:101@office", "ok", "Event", "presence;id=7", "Expires", "90000", "Accept", "text/plain, application/*")
		if r.StatusCode != 200 || r.GetHeader("Expires").Value() != "3600" {
			t.Error(r)
		}
		time.Sleep(settle)
		n := c.last("ok")
		if n.GetHeader("Event").Value() != "presence;id=7" || n.GetHeader("Subscription-State").Value() != "active;expires=3600" {
			t.Error(n)
		}
	})
}

// The binding goes away at the authority, which says so: no waiting for the next
// look-up.
func TestDeregistered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		p1, p2 := o.phone(1), o.phone(2)
		p2.register("120@office")
		c := o.client("10.0.1.1")
		c.subscribe(p1.tcp(), "110@office", "presence", "120@office", "p")
		time.Sleep(settle)
		o.set(func() { delete(o.bound, "120@office") })
		p2.in(func() { p2.agent.Registered("120@office") })
		time.Sleep(settle)
		if p := c.presence("p"); p.Basic != document.Closed {
			t.Errorf("%+v", p)
		}
	})
}

func TestMessageSummary(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		p := o.phone(1)
		c := o.client("10.0.1.1")
		c.subscribe(p.udp(), "110@office", "message-summary", "110@office", "m")
		time.Sleep(settle)
		want := "Messages-Waiting: no\r\nMessage-Account: sip:110@office\r\nVoice-Message: 0/0 (0/0)\r\n"
		if got := string(c.last("m").Body()); got != want {
			t.Errorf("%q", got)
		}
		o.set(func() { o.boxes["110@office"] = [2]int{2, 3} })
		p.in(func() { p.agent.WaitingChanged("110@office"); p.agent.WaitingChanged("110@office") })
		time.Sleep(settle)
		want = "Messages-Waiting: yes\r\nMessage-Account: sip:110@office\r\nVoice-Message: 2/3 (0/0)\r\n"
		if got := c.notified("m"); len(got) != 2 || string(got[1].Body()) != want {
			t.Errorf("%d: %q", len(got), got[len(got)-1].Body())
		}
	})
}

// Whatever happens in between: the last state arrives, and not more than five
// NOTIFYs a second.
func TestThousandChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		p1, p2 := o.phone(1), o.phone(2)
		c := o.client("10.0.1.1")
		c.subscribe(p1.udp(), "110@office", "dialog", "102@office", "far")
		c.subscribe(p2.udp(), "110@office", "dialog", "102@office", "near")
		time.Sleep(settle)
		start := time.Now()
		for i := range 1000 {
			p2.in(func() {
				p2.agent.Dialogs("102@office", []DialogState{{ID: fmt.Sprint(i), State: "early"}})
			})
			time.Sleep(3 * time.Millisecond)
		}
		took := time.Since(start)
		time.Sleep(time.Second)
		for _, id := range []string{"far", "near"} {
			all := c.notified(id)
			if d := c.dialogs(id); len(d.Dialogs) != 1 || !strings.HasSuffix(d.Dialogs[0].ID, "phone-999") {
				t.Errorf("%s: %+v", id, d)
			}
			if n, most := len(all), int(took/collect)+3; n > most || n < most/2 {
				t.Errorf("%s: %d NOTIFYs in %v", id, n, took)
			}
		}
	})
}

// The subscription of a client that says it has none, or nothing, is forgotten.
func TestWatcherForgets(t *testing.T) {
	for _, answer := range []int{481, -1} {
		synctest.Test(t, func(t *testing.T) {
			o := newOffice(t)
			p := o.phone(1)
			c := o.client("10.0.1.1")
			c.subscribe(p.udp(), "110@office", "dialog", "101@office", "d")
			time.Sleep(settle)
			c.set(answer)
			p.calls("101@office", "early")
			time.Sleep(40 * time.Second)
			if s := p.stats(); s.Subscriptions != 0 {
				t.Errorf("%d: %+v", answer, s)
			}
		})
	}
}
