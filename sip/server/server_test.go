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

	"chordophone/sip/siptest"
	"chordophone/sip/stack"
	"chordophone/sip/wire"

	"github.com/emiago/sipgo/sip"
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

// A stranger learns nothing: every method gets one answer for who exists and who does
// not, as its target and as its sender, with a wrong password too.
func TestStranger(t *testing.T) {
	for _, transport := range []string{"udp", "tcp", "tls"} {
		bubble(t, func(t *testing.T, o *office) {
			p := o.phoneAt("101")
			p.client("201", "udp").register()
			i := 0
			for _, method := range []string{"INVITE", "MESSAGE", "OPTIONS", "REFER", "INFO", "SUBSCRIBE", "PUBLISH", "REGISTER", "BYE", "NOTIFY", "UPDATE", "PRACK", "FOO"} {
				var answers []string
				for _, who := range []string{"201", "202", "999", "101", "900"} {
					for _, dialog := range []string{"", ";tag=x"} {
						for _, password := range []string{"", "wrong"} {
							i++
							c := p.clientAt(netip.AddrFrom4([4]byte{10, 6, byte(i >> 8), byte(i)}), who, transport)
							c.password = password
							uri := "sip:" + who + "@office"
							c.Vars["To-Full"] = "<" + uri + ">" + dialog
							if method == "REGISTER" {
								uri = "sip:office"
							}
							began := time.Now()
							m := c.ask(method, uri, "Event: presence\n")
							m.Header.Del("Via")
							for _, name := range []string{"To", "From", "Call-Id", "Cseq"} {
								m.Header.Del(name)
							}
							text := fmt.Sprint(m.Start, m.Header, dialog, password == "", time.Since(began))
							if _, rest, ok := strings.Cut(text, `nonce="`); ok {
								nonce, _, _ := strings.Cut(rest, `"`)
								text = strings.ReplaceAll(text, nonce, "")
							}
							if !strings.Contains(m.Start, " 401 ") && !strings.Contains(m.Start, " 407 ") {
								t.Errorf("%s %s%s: %s", method, uri, dialog, m.Start)
							}
							if !slices.Contains(answers, text) {
								answers = append(answers, text)
							}
						}
					}
				}
				if len(answers) > 4 { // in dialog or not, with a password or without
					t.Errorf("%s %s: %d answers:\n%s", transport, method, len(answers), strings.Join(answers, "\n"))
				}
			}
			if n := len(p.phone.got); n != 0 || len(p.presence) != 0 {
				t.Errorf("%d requests reached the telephone, %d presence", n, len(p.presence))
			}
		})
	}
}

// Whoever is in a trusted network needs no password, but has a name.
func TestTrusted(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		p := o.phoneAt("101")
		c := p.clientAt(netip.MustParseAddr("10.0.7.1"), "202", "udp")
		c.password = ""
		c.register()
		c.want("INVITE", c.ask("INVITE", "sip:101@office", ""), 200)
		c.want("SUBSCRIBE", c.ask("SUBSCRIBE", "sip:101@office", "Event: presence\n"), 200)
		if want := []string{"SUBSCRIBE 202@office"}; !slices.Equal(p.presence, want) {
			t.Errorf("presence got %q", p.presence)
		}
		out := p.clientAt(netip.MustParseAddr("10.0.8.1"), "202", "udp")
		out.password = ""
		out.want("from elsewhere", out.ask("INVITE", "sip:101@office", ""), 407)
	})
}

// A connection is asked once for a user, a datagram each time.
func TestAskedOnce(t *testing.T) {
	for transport, challenges := range map[string]int{"tcp": 0, "udp": 1} {
		bubble(t, func(t *testing.T, o *office) {
			p := o.phoneAt("101")
			a := p.client("201", transport).register()
			a.request("INVITE", "sip:101@office", "")
			m := a.final()
			if got := strings.Contains(m.Start, " 407 "); got != (challenges == 1) {
				t.Errorf("%s: %s", transport, m.Start)
			}
			// Who it is by its password it is not by another's name.
			a.Vars["From-AOR"] = "202@office"
			a.password = ""
			m = a.ask("MESSAGE", "sip:101@office", "Content-Type: text/plain\n\nhi")
			a.want(transport+" as another", m, 407)
		})
	}
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

// send has one phone send a request to another over TLS and returns the status.
func (p *phone) send(q *phone, method sip.RequestMethod, uri, from, tag string, edit func(*sip.Request)) int {
	done := make(chan int, 1)
	p.in(func() {
		p.stack.Connect(stack.Target{Transport: stack.TLS, Addr: netip.AddrPortFrom(q.ip, 5061), Peer: q.user}, func(f *stack.Flow, _ bool, err error) {
			if err != nil {
				done <- -1
				return
			}
			to, _ := wire.ParseURI(uri)
			req := sip.NewRequest(method, to)
			hops, id := sip.MaxForwardsHeader(70), sip.CallIDHeader(wire.Token())
			who := &sip.FromHeader{}
			who.Address, _ = wire.ParseURI("sip:" + from)
			who.Params.Add("tag", "near")
			whom := &sip.ToHeader{Address: to}
			if tag != "" {
				whom.Params.Add("tag", tag)
			}
			for _, h := range []sip.Header{&hops, who, whom, &id, &sip.CSeqHeader{SeqNo: 1, MethodName: method},
				sip.NewHeader("Contact", "<sip:x@"+p.ip.String()+":5061;transport=tls>"), sip.NewHeader("Event", "presence")} {
				req.AppendHeader(h)
			}
			req.SetBody(nil)
			if edit != nil {
				edit(req)
			}
			p.stack.Request(f, req, func(res *sip.Response) {
				if !res.IsProvisional() {
					done <- res.StatusCode
				}
			}, func(error) { done <- 0 })
		})
	})
	return <-done
}

// A phone of the office is believed for itself and for clients, never as another
// telephone.
func TestMember(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		p, q := o.phoneAt("101"), o.phoneAt("102")
		o.phoneAt("103")
		b := p.client("202", "udp").register()
		contact := "sip:202@" + b.Vars["Local"] + ";transport=udp"
		go func() {
			for range 3 {
				b.Expect("^INVITE sip:202@10.0.1.2")
				b.answer("486 Busy Here", "")
				b.Expect("^ACK ")
			}
		}()
		for _, tt := range []struct {
			what   string
			method sip.RequestMethod
			uri    string
			from   string
			tag    string
			want   int
		}{
			{"itself, to the telephone", "INVITE", "sip:101@office", "102@office", "", 200},
			{"for a client, to the telephone", "INVITE", "sip:101@10.0.0.1:5061;transport=tls", "201@office", "", 200},
			{"itself, to a client's contact", "INVITE", contact, "102@office", "", 486},
			{"for a client, to a client's contact", "INVITE", contact, "201@office", "", 486},
			{"for a client, to a client's address", "INVITE", "sip:202@office", "201@office", "", 486},
			{"as another telephone, to a client", "INVITE", contact, "103@office", "", 403},
			{"as another telephone, to a client's address", "INVITE", "sip:202@office", "103@office", "", 403},
			{"as this telephone, to a client", "INVITE", contact, "101@office", "", 403},
			{"as another telephone, by the address", "INVITE", contact, "103@10.0.0.3", "", 403},
			{"as another telephone, to the telephone", "INVITE", "sip:101@office", "103@office", "", 403},
			{"as another telephone, in a dialog", "BYE", contact, "103@office", "x", 403},
			{"to nobody", "INVITE", "sip:999@office", "201@office", "", 404},
			{"out of the office", "INVITE", "sip:0900@elsewhere.example", "201@office", "", 404},
			{"out of the office, by address", "INVITE", "sip:0900@10.9.9.9", "201@office", "", 404},
			{"watching", "SUBSCRIBE", "sip:101@office", "102@office", "", 200},
			{"nothing without a dialog", "BYE", "sip:202@office", "201@office", "", 481},
		} {
			if got := q.send(p, tt.method, tt.uri, tt.from, tt.tag, nil); got != tt.want {
				t.Errorf("%s: %d, want %d", tt.what, got, tt.want)
			}
		}
		if want := []string{"SUBSCRIBE 102@office"}; !slices.Equal(p.presence, want) {
			t.Errorf("presence got %q", p.presence)
		}
		if got := q.send(p, "INVITE", contact, "201@office", "", func(r *sip.Request) { r.PrependHeader(sip.NewHeader("Route", "<sip:10.9.9.9;lr>")) }); got != 404 {
			t.Errorf("with a Route out of the office: %d", got)
		}
	})
}

// A client's call goes on at a phone that knows nothing of it: a datagram from where
// its sender is registered is recognised, and no other.
func TestRecognised(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		p, q := o.phoneAt("101"), o.phoneAt("102")
		b := q.client("202", "udp").register()
		a := p.client("201", "udp").register() // its contact is its own port
		_ = a
		local := netip.MustParseAddrPort(a.Vars["Local"])
		a.Close()
		synctest.Wait()
		conn, err := o.net.Packets(local)
		if err != nil {
			t.Fatal(err)
		}
		at := &client{Peer: siptest.NewPacketPeer(t, conn, netip.AddrPortFrom(q.ip, 5060)), t: t, user: "201", domain: "office"}
		at.Vars["Me"], at.Vars["ID"] = "201", "call"
		at.Vars["To-Full"] = "<sip:202@office>;tag=far"
		contact := "sip:202@" + b.Vars["Local"]
		go func() {
			b.Expect("^BYE sip:202@")
			b.answer("200 OK", "")
		}()
		at.want("BYE from where 201 is registered", at.ask("BYE", contact, ""), 200)
		evil := q.clientAt(netip.MustParseAddr("10.0.6.6"), "201", "udp")
		evil.password = ""
		evil.Vars["To-Full"] = at.Vars["To-Full"]
		evil.want("BYE from elsewhere", evil.ask("BYE", contact, ""), 407)
		evil.Send(strings.ReplaceAll("ACK "+contact+" SIP/2.0\nVia: SIP/2.0/UDP ${Local};branch=z9hG4bKx\nMax-Forwards: 70\nFrom: <sip:201@office>;tag=a\nTo: <sip:202@office>;tag=far\nCall-ID: call\nCSeq: 1 ACK\n", "\t", ""))
		b.Quiet(time.Second)
		// The same with a password: it is 201, wherever it is.
		evil.password = "pw201"
		go func() {
			b.Expect("^BYE sip:202@")
			b.answer("200 OK", "")
		}()
		evil.want("BYE with the password", evil.ask("BYE", contact, ""), 200)
	})
}

// Strangers who send in dialogs that nobody knows have a bounded share of the
// look-ups; who has a right to them is served meanwhile.
func TestStrangersLookUps(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		p := o.phoneAt("101")
		a := p.client("201", "tcp").register()
		o.mu.Lock()
		o.slow, o.most = 3*time.Second, 0
		o.mu.Unlock()
		for i := range 1000 {
			from := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)}), 5060)
			o.net.Forge(from, netip.AddrPortFrom(p.ip, 5060), []byte(fmt.Sprintf("BYE sip:202@10.0.1.2 SIP/2.0\r\nVia: SIP/2.0/UDP %v;branch=z9hG4bK%d\r\nMax-Forwards: 70\r\nFrom: <sip:202@office>;tag=a\r\nTo: <sip:201@office>;tag=b\r\nCall-ID: %d\r\nCSeq: 1 BYE\r\nContent-Length: 0\r\n\r\n", from, i, i)))
			if i%100 == 99 {
				synctest.Wait()
			}
		}
		a.want("INVITE", a.ask("INVITE", "sip:101@office", ""), 200)
		o.mu.Lock()
		defer o.mu.Unlock()
		if o.most > maxLooking+1 || o.most < maxLooking {
			t.Errorf("%d look-ups at once, want %d for strangers", o.most, maxLooking)
		}
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

// "If the request does not contain ... zero" and Proxy-Require come before the question
// for a password (RFC 3261, section 16.3), whoever is asked for.
func TestBeforeThePassword(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		p := o.phoneAt("101")
		for _, uri := range []string{"sip:201@office", "sip:999@office", "sip:101@office"} {
			for _, method := range []string{"INVITE", "MESSAGE", "OPTIONS"} {
				c := p.client("201", "udp")
				c.want(method, c.ask(method, uri, "Proxy-Require: foo\n"), 420)
				if got := c.Last.Get("Unsupported"); got != "foo" {
					t.Errorf("Unsupported: %q", got)
				}
			}
		}
		c := p.client("201", "udp")
		c.Vars["To-Full"] = "<isbn:2983792873>"
		c.want("REGISTER", c.ask("REGISTER", "sip:office", ""), 400)
	})
}
