package presence

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"chordophone/sip/location"
	"chordophone/sip/presence/document"
	"chordophone/sip/stack"

	"github.com/emiago/sipgo/sip"
)

// line is what a lamp at a phone shows.
func (p *phone) line(aor string) func() Line {
	var shown State
	p.in(func() { p.agent.Watch(aor, func(s State) { shown = s }) })
	return func() (l Line) {
		p.in(func() { l = shown.Line })
		return l
	}
}

// becomes waits for a lamp and says how long that took.
func becomes(line func() Line, want Line) time.Duration {
	start := time.Now()
	for line() != want && time.Since(start) < 20*time.Second {
		time.Sleep(50 * time.Millisecond)
	}
	return time.Since(start)
}

// Two phones that watch each other have two connections, of which each looks after
// one: the other, dead too, must not pass for a living one.
func TestBothWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		p1, p2 := o.phone(1), o.phone(2)
		one, two := p1.line("102@office"), p2.line("101@office")
		time.Sleep(settle)
		p2.in(func() {
			p2.Connect(stack.Target{Transport: stack.TLS, Addr: tcpAddr("10.0.0.1:5061"), Peer: "101@office", Fresh: true}, func(*stack.Flow, bool, error) {})
		})
		time.Sleep(settle)
		o.net.plug(p2.ip, false)
		if a, b := becomes(one, Unreachable), becomes(two, Unreachable); a > 7*time.Second || a+b > 7*time.Second {
			t.Error(a, b)
		}
		// What is watched only now, at a phone that is known to be silent, is
		// unreachable at once.
		p2.register("120@office")
		if d := becomes(p1.line("120@office"), Unreachable); d > time.Second {
			t.Error(d)
		}
		time.Sleep(13 * time.Second)
		o.net.plug(p2.ip, true)
		if a, b := becomes(one, Idle), becomes(two, Idle); a+b > 4*time.Second {
			t.Error(a, b)
		}
	})
}

// The ring's news hastens, but does not decide.
func TestRingNews(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		p1, p2 := o.phone(1), o.phone(2)
		line := p1.line("102@office")
		time.Sleep(settle)
		p1.in(func() { p1.agent.Gone("102@office") }) // not true
		for range 40 {
			time.Sleep(100 * time.Millisecond)
			if l := line(); l != Idle {
				t.Fatal(l)
			}
		}
		o.net.plug(p2.ip, false)
		p1.in(func() { p1.agent.Gone("102@office") })
		if d := becomes(line, Unreachable); d > time.Second {
			t.Error(d)
		}
	})
}

// One authority of two that answers is enough; what it does not know is not made up.
func TestTwoAuthorities(t *testing.T) {
	a := address{aor: "120@office", self: "101@office"}
	bindings := []location.Binding{
		{Contact: "sip:120@10.0.0.2:5061", Expires: time.Hour}, // a telephone of that number
		{Contact: "sip:x@10.0.9.9", Server: tcpAddr("10.0.0.3:5061"), Node: "103@office"},
		{Contact: "sip:y@10.0.9.9", Server: tcpAddr("10.0.0.3:5061"), Node: "103@OFFICE"},
		{Contact: "sip:z@name.example"},
	}
	come, gone := a.located(bindings)
	if fmt.Sprint(come, gone) != "[120@office 103@office] []" {
		t.Error(come, gone)
	}
	say := func(want Line) {
		t.Helper()
		if got := a.view(facts{}).line(); got != want {
			t.Errorf("%v; want %v", got, want)
		}
	}
	say(Unknown)
	a.set("103@office", refused)
	say(Unknown)
	a.set("120@office", refused)
	say(Unknown)
	a.set("120@office", silent)
	say(Unreachable)
	a.heard("103@office", facts{})
	say(Idle)
	a.heard("103@office", facts{dialogs: []document.Dialog{{ID: "1", State: "early"}}})
	say(Ringing)
	a.heard("120@office", facts{dialogs: []document.Dialog{{ID: "1", State: "confirmed", Held: true}}})
	say(Ringing)
	a.heard("103@office", facts{})
	say(Held)
	a.set("120@office", silent)
	say(Idle)
	if _, gone = a.located(bindings[:1]); fmt.Sprint(gone) != "[103@office]" {
		t.Error(gone)
	}
	say(Unreachable)
	a.located(nil)
	say(Offline)
}

// Who asks for news of an address hears of its binding at once, where that is made.
func TestRegisteredHere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		p := o.phone(1)
		line := p.line("120@office")
		time.Sleep(settle)
		if l := line(); l != Offline {
			t.Error(l)
		}
		p.register("120@office")
		if d := becomes(line, Idle); d > 200*time.Millisecond {
			t.Error(d)
		}
	})
}

// A phone that is gone watches nothing any more.
func TestWatchingPhoneDies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		p1, p2 := o.phone(1), o.phone(2)
		p1.line("102@office")
		time.Sleep(settle)
		if s := p2.stats(); s.Backend != 1 {
			t.Errorf("%+v", s)
		}
		p1.stop()
		time.Sleep(settle)
		if s := p2.stats(); s.Backend != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// Subscriptions go on for as long as somebody watches.
func TestHours(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		p1, p2 := o.phone(1), o.phone(2)
		line := p1.line("102@office")
		time.Sleep(3 * time.Hour)
		if s := p2.stats(); s.Backend != 1 {
			t.Errorf("%+v", s)
		}
		p2.calls("102@office", "confirmed")
		if d := becomes(line, Busy); d > time.Second {
			t.Error(d)
		}
	})
}

// SUBSCRIBE within a subscription: by its user only, in order, and from wherever he
// now is.
func TestRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		p := o.phone(1)
		c := o.client("10.0.1.1")
		tag := c.subscribe(p.udp(), "110@office", "dialog", "101@office", "d", "Expires", "60")
		again := func(to stack.Target, user string, want int, fields ...string) {
			t.Helper()
			r := c.ask(to, sip.SUBSCRIBE, user, "sip:101@office", "d", append([]string{"Event", "dialog", "Expires", "60", "to", tag}, fields...)...)
			if r.StatusCode != want {
				t.Errorf("%d; want %d", r.StatusCode, want)
			}
		}
		time.Sleep(50 * time.Second)
		again(p.udp(), "111@office", 403)
		c.seq = 0
		again(p.udp(), "110@office", 500) // RFC 3261, section 12.2.2: "lower than the remote sequence number"
		c.seq = 9
		again(p.tcp(), "110@office", 200)
		time.Sleep(50 * time.Second) // it would have expired
		p.calls("101@office", "early")
		time.Sleep(settle)
		if n := c.last("d"); n.Transport() != "TCP" || len(c.dialogs("d").Dialogs) != 1 {
			t.Error(n)
		}
		again(p.tcp(), "110@office", 420, "Require", "x")
		time.Sleep(20 * time.Second)
		if v := c.last("d").GetHeader("Subscription-State").Value(); v != "terminated;reason=timeout" {
			t.Error(v)
		}
		again(p.tcp(), "110@office", 481)
	})
}

// NOTIFY counts only from the phone that was asked, in order, and if it is what was
// asked for.
func TestForgedNotify(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		p1, p2, p3 := o.phone(1), o.phone(2), o.phone(3)
		line := p1.line("102@office")
		time.Sleep(settle)
		var d dialog // as somebody has it who listened
		p1.in(func() {
			for _, r := range p1.agent.remotes {
				d = r.d
			}
		})
		kind, body := facts{presence: document.Presence{Entity: "sip:102@office"}, dialogs: []document.Dialog{{ID: "1", State: "confirmed"}}}.print("102@office", 1)
		_, other := facts{presence: document.Presence{Entity: "sip:103@office"}}.print("103@office", 1)
		send := func(from *phone, seq uint32, event string, body []byte) int {
			status := make(chan int, 1)
			from.Do(func() {
				from.Connect(stack.Target{Transport: stack.TLS, Addr: tcpAddr("10.0.0.1:5061"), Peer: "101@office"}, func(f *stack.Flow, _ bool, err error) {
					if err != nil {
						t.Error(err)
						status <- 0
						return
					}
					forged := dialog{callID: d.callID, localTag: d.remoteTag, remoteTag: d.localTag, localSeq: seq - 1, local: d.remote, remote: d.local, target: d.local}
					req := forged.request(sip.NOTIFY, f, "Event", event, "Subscription-State", "active", "Content-Type", kind)
					req.SetBody(body)
					from.Stack.Request(f, req, func(r *sip.Response) { status <- r.StatusCode }, func(error) { status <- 0 })
				})
			})
			return <-status
		}
		for _, c := range []struct {
			from  *phone
			seq   uint32
			event string
			body  []byte
			want  int
		}{
			{p3, 100, stateEvent, body, 481},
			{p2, 1, stateEvent, body, 500},
			{p2, 100, "presence", body, 489},
			{p2, 100, stateEvent, []byte("x"), 400},
			{p2, 101, stateEvent, other, 400},
		} {
			if got := send(c.from, c.seq, c.event, c.body); got != c.want {
				t.Errorf("%d; want %d", got, c.want)
			}
			if l := line(); l != Idle {
				t.Error(l)
			}
		}
		if got := send(p2, 102, stateEvent, body); got != 200 || line() != Busy { // the right one
			t.Error(got, line())
		}
	})
}
