package presence

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"

	"chordophone/sip/presence/document"
)

// However many subscriptions a client starts, and however often it refreshes one:
// what is kept and what is sent stay bounded, and others are served.
func TestFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		p := o.phone(1)
		c := o.client("10.0.1.1")
		refused := 0
		for i := range 2000 {
			target := fmt.Sprintf("sip:%d@office", 1000+i)
			if c.ask(p.tcp(), sip.SUBSCRIBE, "110@office", target, fmt.Sprint(i), "Event", "dialog").StatusCode == 503 {
				refused++
			}
		}
		if s := p.stats(); s.Subscriptions != maxOfUser || s.Addresses != maxOfUser || refused != 2000-maxOfUser {
			t.Errorf("%+v, %d refused", s, refused)
		}
		// The same again, as after a restart of the client, takes the place of the old.
		for i := range 50 {
			c.subscribe(p.tcp(), "110@office", "dialog", fmt.Sprintf("%d@office", 1000+i), fmt.Sprint("again", i))
		}
		if s := p.stats(); s.Subscriptions != maxOfUser {
			t.Errorf("%+v", s)
		}
		o.lists["111@office"] = []Contact{{"", "102@office"}}
		for _, target := range []string{"101@office", "contacts+111@office"} {
			before := len(c.notified(target))
			tag := c.subscribe(p.tcp(), "111@office", "presence", target, target, "Supported", "eventlist")
			start := time.Now()
			for range 500 {
				c.ask(p.tcp(), sip.SUBSCRIBE, "111@office", "sip:"+target, target, "Event", "presence", "Supported", "eventlist", "to", tag)
				time.Sleep(2 * time.Millisecond)
			}
			took := time.Since(start)
			time.Sleep(settle)
			if n := len(c.notified(target)) - before; n > int(took/collect)+3 {
				t.Errorf("%d NOTIFYs in %v", n, took)
			}
		}
	})
}

// All clients together stay below the bound, whoever they are.
func TestManyClients(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		p := o.phone(1)
		c := o.client("10.0.1.1")
		p.in(func() { p.agent.cost = maxWatched - 2 })
		c.subscribe(p.tcp(), "110@office", "dialog", "102@office", "1")
		c.subscribe(p.tcp(), "111@office", "dialog", "102@office", "2")
		if r := c.ask(p.tcp(), sip.SUBSCRIBE, "112@office", "sip:102@office", "3", "Event", "dialog"); r.StatusCode != 503 || r.GetHeader("Retry-After") == nil {
			t.Error(r)
		}
	})
}

// BenchmarkState is one change of a telephone's calls, told to twenty watchers.
func BenchmarkState(b *testing.B) {
	v := view{known: true, bound: true, dialogs: []document.Dialog{{ID: "1", CallID: "c", LocalTag: "l", RemoteTag: "r", State: "confirmed", Remote: "sip:103@office"}}}
	b.ReportAllocs()
	for b.Loop() {
		v.compose("102@office").Bytes()
		v.calls("102@office").Bytes()
	}
}
