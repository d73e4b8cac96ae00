package ua

import (
	"fmt"
	"net/netip"
	"regexp"
	"testing"
	"testing/synctest"
	"time"
)

func TestCall(t *testing.T) {
	inBubble(t, func(o *office) {
		a, b := o.phone("101", "10.0.0.1"), o.phone("102", "10.0.0.2")
		for i := range 3 { // the second and third over the connection of the first
			call := fmt.Sprint("c", i)
			a.Dial(call, []string{"102", "sip:102@office", "sip:102@OFFICE"}[i])
			in := b.expect(`^offered from=101 name="Phone 101"$`).(Offered)
			a.expect(`^progress 180$`)
			b.Answer(in.Call)
			got := b.expect(`^answered peer=101$`).(Answered)
			if got.Media != b.media(i) {
				t.Error("not the media of this call")
			}
			a.expect(`^answered peer=102$`)
			time.Sleep(time.Minute)
			if i == 1 {
				b.Hangup(in.Call)
				b.expect(`^ended 200 by=us`)
				a.expect(`^ended 200 by=far`)
			} else {
				a.Hangup(call)
				a.expect(`^ended 200 by=us`)
				b.expect(`^ended 200 by=far`)
			}
		}
		if got := fmt.Sprint(a.media(0).client, b.media(0).client, a.media(0).local, b.media(0).local); got != "false false 10.0.0.1 10.0.0.2" {
			t.Error("media for client and at ", got)
		}
		if got := a.dialogs() + "; " + b.dialogs(); got != "to sip:102@office terminated; sip:101@office terminated" {
			t.Error("dialogs: ", got)
		}
		if got := a.media(0).history() + "; " + b.media(0).history(); got != "offer , accept v=0 answer; answer v=0 offer" {
			t.Error("negotiated ", got)
		}
	})
}

func TestBusyRejectCancel(t *testing.T) {
	inBubble(t, func(o *office) {
		a, b := o.phone("101", "10.0.0.1"), o.phone("102", "10.0.0.2")
		a.Dial("x", "102")
		in := b.expect("^offered").(Offered)
		b.Reject(in.Call, 486)
		b.expect("^ended 486 by=us")
		a.expect("^progress 180")
		a.expect(`^ended 486 by=far cause="Busy Here"`)

		a.Dial("y", "102")
		b.expect("^offered")
		a.expect("^progress 180")
		a.Hangup("y")
		a.expect("^ended 487 by=us")
		b.expect("^ended 487 by=far")

		a.in(func() { // before anything is sent
			a.dial("z", "102")
			a.step(a.call("z"), hangup{})
		})
		a.expect("^ended 487 by=us")
		synctest.Wait()
		b.quiet(time.Minute)
	})
}

func TestWrongNumbers(t *testing.T) {
	inBubble(t, func(o *office) {
		a := o.phone("101", "10.0.0.1")
		o.bind("sip:103@office")                                                              // no telephone now
		o.bind("sip:104@office", "sip:104@10.0.0.4:5061;transport=tls")                       // switched off
		o.bind("sip:105@office", "sip:105@10.0.0.1:5061;transport=tls", "sip:105@other.test") // a stale one of ours, a name
		o.stranger("106", "10.0.0.6")                                                         // ... but the ring says 107 is there
		o.bind("sip:107@office", "sip:107@10.0.0.6:5061;transport=tls")
		o.bind("sip:108@office", "sip:108@10.0.0.8:5061;transport=tls")
		o.net.Silence(netip.MustParseAddrPort("10.0.0.8:5061"), true)
		for number, want := range map[string]string{
			"999": "404", "103": "480", "104": "480", "105": "480", "108": "480", "101": "486",
			"": "404", "102@office": "404", "sip:102@elsewhere": "404", "sip:102": "404", "1 0": "404",
			"102\r\nX-Evil: 1": "404", "sip:102\r\n@office": "404", "tel:102": "404", "102;user=phone": "404", "10%32": "404",
		} {
			start := time.Now()
			a.Dial("c "+number, number)
			a.expect("^ended " + want + " by=us")
			if d := time.Since(start); d > 3*time.Second {
				t.Errorf("%q took %v", number, d)
			}
		}
		o.slow = true
		a.Dial("slow", "102")
		a.quiet(4 * time.Second)
		a.expect("^ended 503 by=us")
	})
}

// The case of an office's name matters to nobody but the location service, which
// is asked for it as it is configured.
func TestOfficeNameCase(t *testing.T) {
	inBubble(t, func(o *office) {
		named := func(c *Config) { c.Domain = "Office" }
		a, b := o.phone("101", "10.0.0.1", named), o.phone("102", "10.0.0.2")
		o.bind("sip:102@Office", b.Contact(b.Addr().Addr()))
		a.Dial("x", "sip:102@office")
		b.expect("^offered from=101")
		a.expect("^progress 180")
		b.Dial("y", "101")
		a.expect("^offered from=102")
		b.expect("^progress 180")
	})
}

// A telephone whose certificate is of another number is not called.
func TestWrongTelephone(t *testing.T) {
	inBubble(t, func(o *office) {
		a, b := o.phone("101", "10.0.0.1"), o.phone("102", "10.0.0.2")
		o.bind("sip:103@office", "sip:103@10.0.0.2:5061;transport=tls")
		a.Dial("x", "103")
		a.expect("^ended 480")
		a.Dial("y", "102") // also over a connection that is there already
		b.expect("^offered")
		a.expect("^progress")
		a.Dial("z", "103")
		a.expect("^ended 480")
		b.quiet(time.Second)
	})
}

// The dialog outlives its connection; BYE makes a new one.
func TestConnectionBreaks(t *testing.T) {
	inBubble(t, func(o *office) {
		a, b := o.phone("101", "10.0.0.1"), o.phone("102", "10.0.0.2")
		talk := func(call string) {
			a.Dial(call, "102")
			in := b.expect("^offered").(Offered)
			a.expect("^progress")
			b.Answer(in.Call)
			b.expect("^answered")
			a.expect("^answered")
		}
		talk("x")
		o.net.Cut()
		a.quiet(time.Minute)
		a.Hangup("x")
		a.expect("^ended 200 by=us")
		b.expect("^ended 200 by=far")

		// An old connection without a telephone at its end costs 3 s, once.
		talk("y")
		a.Hangup("y")
		a.expect("^ended 200")
		b.expect("^ended 200")
		synctest.Wait()
		o.net.Freeze()
		start := time.Now()
		a.Dial("z", "102")
		b.expect("^offered")
		if d := time.Since(start); d != 3*time.Second {
			t.Error("after ", d)
		}
		a.expect("^progress")

		// The caller loses its power: the telephone stops ringing.
		o.net.Cut()
		b.expect(`^ended 487 by=far`)
		a.expect(`^ended 480`)
	})
}

func TestRunEndsPolitely(t *testing.T) {
	inBubble(t, func(o *office) {
		a, b, c := o.phone("101", "10.0.0.1"), o.phone("102", "10.0.0.2"), o.phone("103", "10.0.0.3")
		a.Dial("x", "102")
		in := b.expect("^offered").(Offered)
		a.expect("^progress")
		b.Answer(in.Call)
		b.expect("^answered")
		a.expect("^answered")
		a.Dial("y", "103")
		c.expect("^offered")
		a.expect("^progress")
		b.Dial("z", "101")
		a.expect("^offered")
		b.expect("^progress")
		a.stop()
		start := time.Now()
		for range 3 {
			a.expect("^ended (200|487|480) by=us")
		}
		b.expect("^ended (200|480)")
		b.expect("^ended (200|480)")
		c.expect("^ended 487 by=far")
		if _, open := <-a.Events(); open {
			t.Error("events still open")
		}
		if d := time.Since(start); d > farewell/2 { // everybody has answered
			t.Error("took ", d)
		}
		a.Dial("w", "102") // has no effect, and does no harm
	})
}

func TestTooManyCalls(t *testing.T) {
	inBubble(t, func(o *office) {
		a, b := o.phone("101", "10.0.0.1"), o.phone("102", "10.0.0.2", func(c *Config) { c.MaxCalls = 4 })
		for i := range 9 {
			a.Dial(fmt.Sprint(i), "102")
		}
		got := map[string]int{}
		for range 11 {
			select {
			case e := <-a.Events():
				got[fmt.Sprintf("%.11s", fmt.Sprint(e))]++
			case e := <-b.Events():
				got[fmt.Sprintf("in %.7s", fmt.Sprint(e))]++
			case <-time.After(time.Second):
			}
		}
		if want := "map[ended 486 b:6 ended 503 b:1 in offered:2 progress 18:2]"; fmt.Sprint(got) != want {
			t.Errorf("%v, want %v", got, want)
		}
	})
}

// Over real connections, and in the time that a user notices.
func TestLoopback(t *testing.T) {
	o := newOffice(t)
	real := func(user, ip string) *phone {
		p := o.start(user, netip.AddrPortFrom(netip.MustParseAddr(ip), 0), nil)
		p.slack = 30 * time.Second
		o.bind("sip:"+user+"@office", p.Contact(p.Addr().Addr()))
		return p
	}
	a, b := real("101", "127.0.32.1"), real("102", "127.0.32.2")
	for i := range 5 {
		call := fmt.Sprint(i)
		start := time.Now()
		a.Dial(call, "102")
		in := b.expect("^offered").(Offered)
		a.expect("^progress 180")
		t.Logf("post-dial delay %v", time.Since(start).Round(10*time.Microsecond))
		b.Answer(in.Call)
		b.expect("^answered")
		a.expect("^answered")
		a.Hangup(call)
		a.expect("^ended 200")
		b.expect("^ended 200")
	}
}

func TestNew(t *testing.T) {
	good := Config{User: "101", Domain: "office", Local: netip.MustParseAddr("127.0.0.1"), Locate: newOffice(t), Telephone: telephone,
		NewMedia: func(netip.Addr, bool) (Media, error) { return &fakeMedia{}, nil }}
	if _, err := New(good); err != nil {
		t.Fatal(err)
	}
	for what, change := range map[string]func(*Config){
		"address.*hint": func(c *Config) { c.User = "1 01" },
		"hint":          func(c *Config) { c.Domain = "of fice" },
		"lacks":         func(c *Config) { c.Locate = nil },
		"Local":         func(c *Config) { c.Local = netip.Addr{} },
		"Telephone":     func(c *Config) { c.Telephone = nil },
	} {
		cfg := good
		change(&cfg)
		if _, err := New(cfg); err == nil || !regexp.MustCompile(what).MatchString(err.Error()) {
			t.Errorf("want %s, got %v", what, err)
		}
	}
}
