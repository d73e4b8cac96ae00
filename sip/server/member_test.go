package server

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"

	"chordophone/sip/siptest"
	"chordophone/sip/stack"
	"chordophone/sip/wire"
)

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
