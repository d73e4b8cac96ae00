package presence

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"

	"chordophone/sip/location"
	"chordophone/sip/presence/document"
)

// Plug pulled: unreachable within 8 s. Put back: idle within 5 s. At the lamps as
// well. At any moment within the rhythm of signs of life.
func TestPlug(t *testing.T) {
	for i := range 10 {
		synctest.Test(t, func(t *testing.T) {
			o := newOffice(t)
			p1, p2 := o.phone(1), o.phone(2)
			c := o.client("10.0.1.1")
			c.subscribe(p1.udp(), "110@office", "presence", "102@office", "p")
			var lamp State
			p1.in(func() { p1.agent.Watch("102@office", func(s State) { lamp = s }) })
			line := func() (l Line) {
				p1.in(func() { l = lamp.Line })
				return l
			}
			time.Sleep(settle + time.Duration(i)*223*time.Millisecond)
			if l := line(); l != Idle {
				t.Fatal(l)
			}
			o.net.plug(p2.ip, false)
			start := time.Now()
			for line() != Unreachable && time.Since(start) < 20*time.Second {
				time.Sleep(50 * time.Millisecond)
			}
			if d := time.Since(start); d > 7*time.Second {
				t.Errorf("unreachable after %v", d)
			}
			time.Sleep(time.Second)
			if p := c.presence("p"); !p.Unreachable {
				t.Errorf("%+v", p)
			}
			time.Sleep(time.Duration(20+i) * 733 * time.Millisecond)
			o.net.plug(p2.ip, true)
			start = time.Now()
			for line() != Idle && time.Since(start) < 20*time.Second {
				time.Sleep(50 * time.Millisecond)
			}
			if d := time.Since(start); d > 4*time.Second {
				t.Errorf("idle after %v", d)
			}
			time.Sleep(time.Second)
			if p := c.presence("p"); p.Basic != document.Open {
				t.Errorf("%+v", p)
			}
		})
	}
}

// A phone that is switched off and on again, at another address.
func TestRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		p1, p2 := o.phone(1), o.phone(2)
		var lines []Line
		p1.in(func() { p1.agent.Watch("102@office", func(s State) { lines = append(lines, s.Line) }) })
		time.Sleep(settle)
		p2.calls("102@office", "confirmed", "early")
		time.Sleep(settle)
		p2.in(p2.agent.Stop)
		p2.stop()
		time.Sleep(settle)
		p2 = o.phone(22)
		p2.stop()
		p2.self = "102@office"
		p2.start()
		o.set(func() {
			o.bound["102@office"] = []location.Binding{{Contact: "sip:102@10.0.0.22:5061;transport=tls", Expires: time.Hour}}
		})
		time.Sleep(lookIll*6/5 + settle)
		p2.calls("102@office", "held confirmed")
		time.Sleep(settle)
		p1.in(func() {
			if want := []Line{Unknown, Idle, Busy, Unreachable, Idle, Held}; !slices.Equal(lines, want) {
				t.Errorf("%v", lines)
			}
		})
	})
}

// The ring cannot be asked: nothing is made up, and what is known stays.
func TestRingFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		p1, _ := o.phone(1), o.phone(2)
		var far, own Line
		watch := func(aor string, l *Line) {
			p1.in(func() { p1.agent.Watch(aor, func(s State) { *l = s.Line }) })
		}
		watch("102@office", &far)
		time.Sleep(settle)
		o.set(func() { o.fail = fmt.Errorf("no ring") })
		watch("101@office", &own) // this telephone knows its own
		var unknown Line
		watch("103@office", &unknown)
		time.Sleep(2 * lookWell)
		p1.in(func() {
			if far != Idle || own != Idle || unknown != Unreachable {
				t.Error(far, own, unknown)
			}
		})
		o.set(func() { o.fail = nil })
		time.Sleep(lookIll * 6 / 5)
		p1.in(func() {
			if unknown != Offline {
				t.Error(unknown)
			}
		})
	})
}

// A client whose phone dies finds out by its next SUBSCRIBE: 481 elsewhere.
func TestPhoneOfWatcherDies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		p1, p2 := o.phone(1), o.phone(2)
		c := o.client("10.0.1.1")
		tag := c.subscribe(p1.udp(), "110@office", "presence", "102@office", "p")
		time.Sleep(settle)
		r := c.ask(p2.udp(), sip.SUBSCRIBE, "110@office", "sip:102@office", "p", "Event", "presence", "to", tag)
		if r.StatusCode != 481 {
			t.Error(r)
		}
		p1.in(p1.agent.Stop) // switched off, it says so
		time.Sleep(settle)
		if v := c.last("p").GetHeader("Subscription-State").Value(); v != "terminated;reason=deactivated" {
			t.Error(v)
		}
		r = c.ask(p1.udp(), sip.SUBSCRIBE, "110@office", "sip:102@office", "q", "Event", "presence")
		if r.StatusCode != 503 {
			t.Error(r)
		}
	})
}

// NOTIFY goes where the client is: over its connection; when that is gone, to its
// Contact; and when nobody is there, the subscription ends.
func TestConnectionOfWatcherEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		p := o.phone(1)
		c := o.client("10.0.1.1")
		c.subscribe(p.tcp(), "110@office", "dialog", "101@office", "d")
		time.Sleep(settle)
		o.net.Cut()
		time.Sleep(settle)
		p.calls("101@office", "early")
		time.Sleep(settle)
		if n := len(c.notified("d")); n != 2 {
			t.Errorf("%d NOTIFYs", n)
		}
		o.net.Cut()
		c.stop()
		time.Sleep(settle)
		p.calls("101@office")
		time.Sleep(10 * time.Second)
		if s := p.stats(); s.Subscriptions != 0 {
			t.Errorf("%+v", s)
		}
	})
}
