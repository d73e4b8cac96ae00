package server

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"

	"chordophone/sip/siptest"
)

// The table of the package comment: what a client with a password gets.
func TestClient(t *testing.T) {
	for _, transport := range []string{"udp", "tcp", "tls"} {
		bubble(t, func(t *testing.T, o *office) {
			p := o.phoneAt("101")
			a, b := p.client("201", transport).register(), p.client("202", transport).register()
			go func() { // 202's telephone takes what comes
				b.Expect("^OPTIONS sip:202@")
				b.answer("200 OK", "")
				b.Expect("^MESSAGE sip:202@")
				b.answer("200 OK", "")
				b.Expect("^REFER sip:202@")
				b.answer("202 Accepted", "")
			}()
			for _, tt := range []struct {
				method, uri, head string
				status            int
			}{
				{"OPTIONS", "sip:office", "", 200},
				{"OPTIONS", "sip:10.0.0.1", "", 200},
				{"OPTIONS", "sip:202@office", "", 200},
				{"MESSAGE", "sip:202@office", "Content-Type: text/plain\n\nhi", 200},
				{"REFER", "sip:202@office", "Refer-To: <sip:203@office>\n", 202},
				{"MESSAGE", "sip:203@office", "Content-Type: text/plain\n\nhi", 202},
				{"MESSAGE", "sip:101@office", "Content-Type: text/plain\n\nhi", 202},
				{"MESSAGE", "sip:999@office", "Content-Type: text/plain\n\nhi", 404},
				{"INVITE", "sip:203@office", "", 480},
				{"INVITE", "sip:999@office", "", 404},
				{"INVITE", "sip:101@office", "", 200},
				{"SUBSCRIBE", "sip:202@office", "Event: presence\n", 200},
				{"PUBLISH", "sip:201@office", "Event: presence\n", 200},
				{"BYE", "sip:202@office", "", 481},
				{"NOTIFY", "sip:202@office", "Event: presence\nSubscription-State: active\n", 481},
				{"PRACK", "sip:202@office", "RAck: 1 1 INVITE\n", 481},
				{"UPDATE", "sip:202@office", "", 481},
			} {
				a.want(transport+" "+tt.method+" "+tt.uri, a.ask(tt.method, tt.uri, tt.head), tt.status)
			}
			if want := []string{"SUBSCRIBE 201@office", "PUBLISH 201@office"}; !slices.Equal(p.presence, want) {
				t.Errorf("presence got %q, want %q", p.presence, want)
			}
			if n := p.rang(sip.INVITE); n != 1 {
				t.Errorf("the telephone rang %d times", n)
			}
		})
	}
}

// "From" of somebody else, existing or not: 403, and nobody hears of it.
func TestOnlyAsItself(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		p := o.phoneAt("101")
		a, b := p.client("201", "tcp").register(), p.client("202", "udp").register()
		for _, from := range []string{"202@office", "101@office", "999@office", "201@elsewhere.example", "202@10.0.0.1", "201@10.9.9.9"} {
			a.Vars["From-AOR"] = from
			for _, method := range []string{"INVITE", "MESSAGE", "OPTIONS", "REFER", "INFO", "SUBSCRIBE", "PUBLISH"} {
				a.want(method+" from "+from, a.ask(method, "sip:202@office", "Event: presence\n"), 403)
			}
		}
		a.Vars["From-AOR"] = ""
		b.Quiet(time.Second)
		if len(p.presence) != 0 || p.rang(sip.INVITE) != 0 {
			t.Errorf("presence got %q", p.presence)
		}
		// A registration for another is the registrar's to refuse.
		a.Vars["To-Full"] = "<sip:202@office>"
		a.want("REGISTER for another", a.ask("REGISTER", "sip:office", ""), 403)
	})
}

// Clients that were given a phone's address instead of a name are of the office.
func TestAddressAsDomain(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		p := o.phoneAt("101")
		o.phoneAt("102")
		a, b := p.client("201", "udp"), p.client("202", "udp")
		a.domain, b.domain = "10.0.0.1", "10.0.0.2"
		b.register()
		a.register()
		go func() {
			for range 2 {
				m := b.Expect("^(MESSAGE|OPTIONS) sip:202@")
				if !strings.HasPrefix(m.Start, "OPTIONS ") && m.Body != "hi" {
					t.Errorf("%q", m.Body)
				}
				b.answer("200 OK", "")
			}
		}()
		a.want("OPTIONS", a.ask("OPTIONS", "sip:202@10.0.0.2", ""), 200)
		a.want("MESSAGE", a.ask("MESSAGE", "sip:202@10.0.0.1", "Content-Type: text/plain\n\nhi"), 200)
		a.want("MESSAGE for the absent", a.ask("MESSAGE", "sip:203@10.0.0.1", "Content-Type: text/plain\n\nhi"), 202)
		a.want("MESSAGE for nobody", a.ask("MESSAGE", "sip:999@10.0.0.1", "Content-Type: text/plain\n\nhi"), 404)
		a.want("INVITE", a.ask("INVITE", "sip:101@10.0.0.1", ""), 200)
		if m := o.kept()[0]; m.From != "201@office" || m.To != "203@office" {
			t.Errorf("kept: from %s to %s", m.From, m.To)
		}
	})
}

// There is no way out of the office (threat T20), whoever asks.
func TestNoWayOut(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		p := o.phoneAt("101")
		a, in := p.client("201", "udp").register(), p.clientAt(netip.MustParseAddr("10.0.7.7"), "202", "udp")
		// A gateway that would take anything.
		gate, err := o.net.Packets(netip.MustParseAddrPort("10.9.9.9:5060"))
		if err != nil {
			t.Fatal(err)
		}
		g := siptest.NewPacketPeer(t, gate, netip.MustParseAddrPort("10.0.0.1:5060"))
		for _, uri := range []string{"sip:00900123456@elsewhere.example", "sip:00900123456@10.9.9.9", "sip:00900123456@10.9.9.9:5060;transport=udp", "sips:0900@elsewhere.example"} {
			for _, route := range []string{"", "Route: <sip:10.9.9.9;lr>\n", "Route: <sip:10.0.0.1;lr>, <sip:10.9.9.9;lr>\n"} {
				for _, c := range []*client{a, in} {
					for _, method := range []string{"INVITE", "MESSAGE", "REFER"} {
						c.want(method+" "+uri+route, c.ask(method, uri, route), 404)
					}
				}
			}
		}
		for _, to := range []string{"<sip:0900@10.9.9.9>;tag=x", "<sip:202@office>;tag=x", "<sip:101@office>;tag=x", "<sip:201@office>;tag=x"} {
			a.Vars["To-Full"] = to // no dialog, though it looks like one
			for _, method := range []string{"INVITE", "BYE", "INFO"} {
				a.want(method+to, a.ask(method, "sip:0900@10.9.9.9", ""), 404)
				a.want(method+to, a.ask(method, "sip:0900@10.0.0.1", "Route: <sip:10.9.9.9;lr>\n"), 404)
			}
			a.Send("ACK sip:0900@10.9.9.9 SIP/2.0\nVia: SIP/2.0/UDP ${Local};branch=z9hG4bKx\nMax-Forwards: 70\nFrom: <sip:201@office>;tag=a\nTo: " + to + "\nCall-ID: call\nCSeq: 1 ACK\n")
		}
		a.Vars["To-Full"] = ""
		for _, route := range []string{"Route: <sip:10.9.9.9;lr>\n", "Route: <sip:10.0.0.1;lr>, <sip:10.9.9.9;lr>\n"} {
			a.want("INVITE"+route, a.ask("INVITE", "sip:00900123456@office", route), 404)
		}
		g.Quiet(time.Second)
	})
}

// CANCEL while the office is asked where the callee is: 487, and nobody rings.
func TestCancelWhileLooking(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		p := o.phoneAt("101")
		a := p.client("201", "tcp").register()
		p.phone.status = 0
		for _, wait := range []time.Duration{500 * time.Millisecond, 2 * time.Second} {
			o.slow = time.Second
			a.request("INVITE", "sip:101@office", "")
			time.Sleep(wait)
			a.Send("CANCEL sip:101@office SIP/2.0\nVia: SIP/2.0/TCP ${Local};branch=" + a.branch + ";rport\nMax-Forwards: 70\nFrom: <sip:201@office>;tag=t201\nTo: <sip:101@office>\nCall-ID: ${ID}\nCSeq: " +
				fmt.Sprint(a.n) + " CANCEL\n")
			statuses := map[string]bool{}
			for range 2 {
				statuses[a.final().Start[8:11]] = true
			}
			if !statuses["200"] || !statuses["487"] {
				t.Errorf("answers %v", statuses)
			}
			if rang, want := p.rang(sip.INVITE), wait > time.Second; (rang == 1) != want {
				t.Errorf("cancelled after %v: the telephone got %d INVITEs", wait, rang)
			}
		}
	})
}

// The ring's trouble is 503 with Retry-After.
func TestRingFails(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		p := o.phoneAt("101")
		a := p.client("201", "tcp").register()
		o.failed = fmt.Errorf("no ring")
		for _, method := range []string{"INVITE", "MESSAGE"} {
			m := a.ask(method, "sip:202@office", "Content-Type: text/plain\n\nhi")
			a.want(method, m, 503)
			if m.Get("Retry-After") == "" {
				t.Error("no Retry-After")
			}
		}
	})
}

// What is known at once is not asked for, and comes to the same.
func TestKnownAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		p := o.phoneAt("101")
		a := p.client("201", "tcp").register()
		b := p.client("202", "tcp").register()
		o.prompt, o.looked = true, 0
		a.request("INVITE", "sip:202@office", "")
		b.Expect("^INVITE sip:202@")
		b.answer("486 Busy Here", "")
		m := a.final()
		a.want("INVITE", m, 486)
		a.ack(m, "sip:202@office")
		a.want("nobody", a.ask("INVITE", "sip:999@office", ""), 404)
		a.want("not registered", a.ask("INVITE", "sip:203@office", ""), 480)
		o.failed = fmt.Errorf("no ring")
		a.want("no ring", a.ask("INVITE", "sip:202@office", ""), 503)
		if o.looked != 0 {
			t.Errorf("%d look-ups", o.looked)
		}
	})
}

// Two contacts of one address both get a message that was kept for it, and either's
// answer is enough to have it gone.
func TestTwoContacts(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		p, q := o.phoneAt("101"), o.phoneAt("102")
		a := p.client("201", "tcp").register()
		a.want("MESSAGE", a.ask("MESSAGE", "sip:202@office", "Content-Type: text/plain\n\nkept"), 202)
		b := p.clientAt(netip.MustParseAddr("10.0.1.2"), "202", "udp").register()
		if m := b.Expect("^MESSAGE "); m.Body != "kept" {
			t.Errorf("%q", m.Body)
		}
		b.answer("200 OK", "")
		time.Sleep(time.Second)
		if n := len(o.kept()); n != 0 {
			t.Errorf("%d still wait", n)
		}
		c := q.clientAt(netip.MustParseAddr("10.0.1.12"), "202", "udp").register()
		var both sync.WaitGroup
		both.Go(func() {
			c.Expect("^MESSAGE ")
			c.answer("480 Temporarily Unavailable", "")
		})
		both.Go(func() {
			b.Expect("^MESSAGE ")
			b.answer("200 OK", "")
		})
		a.want("MESSAGE to both", a.ask("MESSAGE", "sip:202@office", "Content-Type: text/plain\n\nnow"), 200)
		both.Wait()
	})
}

// Everybody is told of a flow that has ended.
func TestLost(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		p := o.phoneAt("101")
		a := p.client("201", "tcp").register()
		a.Close()
		synctest.Wait()
		p.in(func() {
			if p.lost != 2 {
				t.Errorf("%d of 2 were told", p.lost)
			}
		})
		time.Sleep(10 * time.Second) // the registrar's grace
		b := p.client("202", "tcp").register()
		b.want("INVITE to who has gone", b.ask("INVITE", "sip:201@office", ""), 480)
	})
}
