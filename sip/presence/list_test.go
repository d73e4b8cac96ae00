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
	"chordophone/sip/stack"
)

// listed takes a notification of a list apart, and checks what RFC 4662 asks of it.
func listed(t *testing.T, n *sip.Request) (document.List, map[string][]byte) {
	t.Helper()
	if h := n.GetHeader("Require"); h == nil || h.Value() != "eventlist" {
		t.Error("no Require: eventlist") // "the RLS will include "eventlist" in a "Require" header field"
	}
	if size := len(n.String()); size > 64<<10 {
		t.Errorf("%d octets", size)
	}
	parts, err := document.ParseRelated(n.ContentType().Value(), n.Body())
	if err != nil {
		t.Fatal(err)
	}
	l, err := document.ParseList(parts[0].Body)
	if err != nil {
		t.Fatal(err)
	}
	bodies, cids := map[string][]byte{}, map[string]string{}
	for _, r := range l.Resources {
		if r.CID != "" {
			cids[r.CID] = r.URI
		}
	}
	for _, p := range parts[1:] {
		if cids[p.ID] == "" {
			t.Errorf("part %s of no resource", p.ID)
		}
		bodies[cids[p.ID]] = p.Body
	}
	if len(bodies) != len(cids) {
		t.Errorf("%d parts of %d resources", len(bodies), len(cids))
	}
	return l, bodies
}

// learned puts all notifications of a list together as a client does.
func learned(t *testing.T, all []*sip.Request) map[string]document.Presence {
	t.Helper()
	table := map[string]document.Presence{}
	for i, n := range all {
		l, bodies := listed(t, n)
		if l.Version != uint32(i) || i == 0 && !l.Full {
			t.Errorf("notification %d is version %d, full %t", i, l.Version, l.Full)
		}
		for uri, b := range bodies {
			p, err := document.ParsePresence(b)
			if err != nil || p.Entity != uri {
				t.Fatal(uri, err)
			}
			table[uri] = p
		}
	}
	return table
}

// Fifty contacts at three phones, in few notifications; what changes then comes
// alone; and all of a phone's contacts go and come with its plug.
func TestListOfFifty(t *testing.T) {
	for _, transport := range []stack.Transport{stack.UDP, stack.TCP} {
		synctest.Test(t, func(t *testing.T) {
			o := newOffice(t)
			p1, p2, p3 := o.phone(1), o.phone(2), o.phone(3)
			var contacts []Contact
			for i := range 50 {
				aor := fmt.Sprintf("%d@office", 200+i)
				contacts = append(contacts, Contact{fmt.Sprintf("Somebody <%d>", i), aor})
				[]*phone{p1, p2, p3}[i%3].register(aor)
			}
			o.lists["110@office"] = append(contacts, Contact{"one more", "300@office"}, contacts[0])
			c := o.client("10.0.1.1")
			to := stack.Target{Transport: transport, Addr: p1.udp().Addr}
			tag := c.subscribe(to, "110@office", "presence", "contacts+110@office", "l", "Supported", "eventlist")
			time.Sleep(settle)
			all := c.notified("l")
			if len(all) > 4 {
				t.Errorf("%d NOTIFYs to begin with", len(all))
			}
			if l, _ := listed(t, all[0]); len(l.Resources) != 50 || l.URI != "sip:contacts+110@office" || l.Resources[7].Name != "Somebody <7>" {
				t.Errorf("%+v", l)
			}
			table := learned(t, all)
			for _, e := range contacts {
				if table["sip:"+e.AOR].Basic != document.Open {
					t.Errorf("%s: %+v", e.AOR, table["sip:"+e.AOR])
				}
			}
			if len(table) != 50 {
				t.Errorf("%d contacts", len(table))
			}
			if s := p1.stats(); s.Subscriptions != 1 || s.Addresses != 50 {
				t.Errorf("%+v", s)
			}

			p2.in(func() { p2.agent.Dialog("201@office", DialogState{ID: "1", State: "confirmed"}) })
			time.Sleep(settle)
			l, bodies := listed(t, c.last("l"))
			if l.Full || len(l.Resources) != 1 || len(bodies) != 1 || !strings.Contains(string(bodies["sip:201@office"]), document.OnThePhone) {
				t.Errorf("%+v %s", l, bodies)
			}

			o.net.plug(p3.ip, false)
			time.Sleep(8 * time.Second)
			table = learned(t, c.notified("l"))
			for i, e := range contacts {
				if p := table["sip:"+e.AOR]; p.Unreachable != (i%3 == 2) {
					t.Errorf("%+v", p)
				}
			}
			o.net.plug(p3.ip, true)
			time.Sleep(5 * time.Second)
			table = learned(t, c.notified("l"))
			for _, e := range contacts {
				if p := table["sip:"+e.AOR]; p.Basic != document.Open {
					t.Errorf("%+v", p)
				}
			}

			// The list itself changes, and is asked for again with the next SUBSCRIBE.
			n := len(c.notified("l"))
			o.set(func() { o.lists["110@office"] = contacts[:10] })
			c.ask(to, sip.SUBSCRIBE, "110@office", "sip:contacts+110@office", "l", "Event", "presence", "Supported", "eventlist", "to", tag)
			time.Sleep(settle)
			if l, _ := listed(t, c.last("l")); !l.Full || len(l.Resources) != 10 {
				t.Errorf("%+v", l)
			}
			if len(c.notified("l")) > n+2 {
				t.Errorf("%d NOTIFYs", len(c.notified("l"))-n)
			}
			time.Sleep(linger)
			if s := p1.stats(); s.Addresses != 10 {
				t.Errorf("%+v", s)
			}
			p1.in(func() {
				if p1.agent.cost != 11 {
					t.Errorf("cost %d", p1.agent.cost)
				}
			})
		})
	}
}

// Much to say of each: more than one message takes is told in several.
func TestLongList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		p := o.phone(1)
		for i := range 50 {
			aor := fmt.Sprintf("%d@office", 200+i)
			o.lists["110@office"] = append(o.lists["110@office"], Contact{strings.Repeat("<", 200), aor})
			p.register(aor)
			p.in(func() {
				for j := range 9 {
					p.agent.Dialog(aor, DialogState{ID: fmt.Sprint(j), CallID: strings.Repeat("&", 60), State: "confirmed", Remote: "sip:199@office", Name: strings.Repeat(">", 60)})
				}
			})
		}
		c := o.client("10.0.1.1")
		c.subscribe(p.tcp(), "110@office", "dialog", "contacts+110@office", "l", "Supported", "eventlist")
		time.Sleep(10 * time.Second)
		seen := map[string]bool{}
		for _, n := range c.notified("l") {
			_, bodies := listed(t, n)
			for uri := range bodies {
				seen[uri] = true
			}
		}
		if len(seen) != 50 || len(c.notified("l")) < 3 || p.stats().Notified != uint64(len(c.notified("l"))) {
			t.Errorf("%d contacts in %d NOTIFYs", len(seen), len(c.notified("l")))
		}
	})
}

// T13: whoever is not on the list gets no state, in none of a thousand ways; who is
// gets it (the negative control).
func TestNotAuthorised(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		p1, p2, spy := o.phone(1), o.phone(2), o.phone(3)
		p2.register("120@office")
		o.deny["103@office 120@office"], o.deny["103@office 102@office"] = true, true
		targets := []string{"102@office", "120@office"}
		c := o.client("10.0.1.1")
		for i := range 1000 {
			user := fmt.Sprintf("stranger%d@office", i)
			if i%2 == 0 {
				user = fmt.Sprintf("%d@office", 1000+i)
				for _, target := range targets {
					o.set(func() { o.deny[user+" "+target] = true })
				}
			}
			event := []string{"presence", "dialog", "message-summary", "office-state"}[i/2%4]
			r := c.ask([]*phone{p1, p2}[i/8%2].tcp(), sip.SUBSCRIBE, user, "sip:"+targets[i/4%2], fmt.Sprint(i), "Event", event, "Expires", []string{"0", "3600"}[i%2])
			if r.StatusCode/100 == 2 {
				t.Fatalf("%s may %s: %d", user, event, r.StatusCode)
			}
		}
		// A phone of the office that asks for itself, past its own rules.
		var lines []Line
		before := p2.stats().Refused
		for _, target := range targets {
			spy.in(func() { spy.agent.Watch(target, func(s State) { lines = append(lines, s.Line) }) })
		}
		p2.calls("102@office", "confirmed")
		p2.in(func() { p2.agent.Dialog("120@office", DialogState{ID: "1", State: "confirmed"}) })
		time.Sleep(10 * time.Second)
		if n := len(c.notified("")); n != 0 {
			t.Errorf("%d NOTIFYs", n)
		}
		spy.in(func() {
			if !slices.Equal(lines, []Line{Unknown, Unknown}) {
				t.Errorf("%v", lines)
			}
		})
		if s := p2.stats(); s.Backend != 0 || s.Notified != 0 || s.Refused > before+2 {
			t.Errorf("%+v", s)
		}
		// In a list it is said that it is not said.
		o.lists["1000@office"] = []Contact{{"", "102@office"}, {"", "120@office"}, {"", "101@office"}}
		c.subscribe(p1.tcp(), "1000@office", "presence", "contacts+1000@office", "l", "Supported", "eventlist")
		time.Sleep(settle)
		for _, n := range c.notified("l") {
			l, bodies := listed(t, n)
			for _, r := range l.Resources {
				if (r.URI == "sip:101@office") == (r.State == "terminated") || bodies[r.URI] != nil && r.URI != "sip:101@office" {
					t.Errorf("%+v", r)
				}
			}
		}
		told := len(c.notified("l")) // nor when it changes
		p2.calls("102@office", "confirmed", "early")
		p2.in(func() { p2.agent.Dialog("120@office", DialogState{ID: "2", State: "early"}) })
		p2.calls("102@office")
		time.Sleep(settle)
		if n := len(c.notified("l")); n != told {
			t.Errorf("%d NOTIFYs of what is not told", n-told)
		}
		// Who may, gets it; and no more once he may no longer.
		c.subscribe(p1.tcp(), "999@office", "presence", "120@office", "ok", "Expires", "3600")
		time.Sleep(settle)
		if p := c.presence("ok"); !slices.Equal(p.Activities, []string{document.OnThePhone}) {
			t.Errorf("%+v", p)
		}
		o.set(func() { o.deny["999@office 120@office"] = true })
		p2.in(func() { p2.agent.Dialog("120@office", DialogState{ID: "1", State: "confirmed", Held: true}) }) // no news for presence
		time.Sleep(settle)
		if n := c.last("ok"); n.GetHeader("Subscription-State").Value() != "terminated;reason=rejected" || len(n.Body()) != 0 {
			t.Error(n)
		}
		if s := p1.stats(); s.Subscriptions != 1 {
			t.Errorf("%+v", s)
		}
	})
}
