package stack

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"chordophone/sip/siptest"

	"github.com/emiago/sipgo/sip"
)

// Phones know one another by their certificates, in both directions, and share a
// connection.
func TestPeers(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		var in101 *Flow
		near := o.phone("101@office", nearIP, &user{})
		far := o.phone("102@Office", farIP, &user{request: func(tx *ServerTx) { in101 = tx.Flow; tx.Reply(200) }})
		to := Target{Transport: TLS, Addr: tlsAddr(farIP), Peer: "102@office"}
		var flows []*Flow
		in(near, func() {
			for range 3 { // several at once share the connection
				near.Connect(to, func(f *Flow, reused bool, err error) {
					if err != nil || reused {
						t.Error(reused, err)
					}
					flows = append(flows, f)
				})
			}
		})
		synctest.Wait()
		if list := get(near, near.Flows); len(list) != 1 || list[0] != flows[0] {
			t.Errorf("%v", list)
		}
		if len(flows) != 3 || flows[0] != flows[1] || flows[1] != flows[2] {
			t.Fatal(flows)
		}
		f := flows[0]
		if f.Peer() != "102@office" || f.Inbound() || f.Remote() != tlsAddr(farIP) || f.Own() != tlsAddr(nearIP) || f.Transport() != TLS || !f.Alive() {
			t.Errorf("%+v", f)
		}
		if again, reused, _ := connect(t, near, to); again != f || !reused {
			t.Error("not shared")
		}
		_, got := ask(near, f, newRequest(sip.OPTIONS, "sip:102@office", "1"))
		synctest.Wait()
		if got.String() != "200" || in101.Peer() != "101@office" || !in101.Inbound() || in101.Own() != tlsAddr(farIP) {
			t.Errorf("%s, %+v", got, in101)
		}
		// Back over the same connection (RFC 5923).
		if back, reused, err := connect(t, far, Target{Transport: TLS, Addr: tlsAddr(nearIP), Peer: "101@office"}); back != in101 || !reused || err != nil {
			t.Errorf("%v, %v, %v", back, reused, err)
		}
		if fresh, reused, err := connect(t, near, Target{Transport: TLS, Addr: tlsAddr(farIP), Peer: "102@office", Fresh: true}); fresh == f || reused || err != nil {
			t.Errorf("%v, %v", reused, err)
		}
		// A stale binding: another phone is there.
		if _, _, err := connect(t, near, Target{Transport: TLS, Addr: tlsAddr(farIP), Peer: "103@office"}); !errors.Is(err, ErrFlow) || !strings.Contains(err.Error(), "102@office") {
			t.Error(err)
		}
		if _, _, err := connect(t, near, Target{Transport: TLS, Addr: netip.MustParseAddrPort("10.0.0.9:5061"), Peer: "103@office"}); !errors.Is(err, ErrFlow) {
			t.Error(err)
		}
		for _, bad := range []Target{{}, {Transport: TLS}, {Transport: Loopback, Addr: tlsAddr(farIP)}} {
			if _, _, err := connect(t, near, bad); !errors.Is(err, ErrFlow) {
				t.Errorf("%+v: %v", bad, err)
			}
		}
	})
}

// Who has no certificate of the office is served, as a stranger (threat T1).
func TestStrangers(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		var peers []string
		near := o.phone("101@office", nearIP, &user{request: func(tx *ServerTx) {
			peers = append(peers, tx.Flow.Peer())
			tx.Reply(200)
		}})
		foreign := siptest.NewOffice(t)
		_, office := o.ca.TLS("102@office")
		_, other := foreign.TLS("102@office")
		other.VerifyConnection = nil
		old := &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12}
		for i, cfg := range []*tls.Config{{InsecureSkipVerify: true}, other, old, office} {
			conn, err := o.net.Dial(t.Context(), farIP, tlsAddr(nearIP))
			if err != nil {
				t.Fatal(err)
			}
			p := siptest.Dial(t, conn, cfg)
			p.Vars["N"], p.Vars["Local"], p.Vars["Transport"] = fmt.Sprint(i), conn.LocalAddr().String(), "TLS"
			p.Send(register)
			p.Expect("^SIP/2.0 200 OK$")
		}
		if got := get(near, func() string { return fmt.Sprintf("%q", peers) }); got != `["" "" "" "102@office"]` {
			t.Error(got)
		}
		// Nor is one taken for a phone when we connect to it.
		ip := netip.MustParseAddr("10.0.0.3")
		cfg := Config{Listen: ip, UDPPort: 5060, TLSPort: 5061, Handler: &user{}, Net: o.net, PeerUser: foreign.PeerUser}
		cfg.ServerTLS, cfg.ClientTLS = foreign.StackTLS("102@office")
		run(t, cfg)
		if _, _, err := connect(t, near, Target{Transport: TLS, Addr: tlsAddr(ip), Peer: "102@office"}); !errors.Is(err, ErrFlow) {
			t.Error(err)
		}
		f := mustConnect(t, near, Target{Transport: TLS, Addr: tlsAddr(ip)}) // to nobody in particular
		if f.Peer() != "" {
			t.Errorf("a foreign office's phone is %q", f.Peer())
		}
		if f, reused, err := connect(t, near, Target{Transport: TLS, Addr: tlsAddr(ip), Peer: "102@office"}); err == nil {
			t.Errorf("the stranger's connection serves for a phone: %v, %v", f, reused)
		}
	})
}

// Tokens find living flows, and cannot be made up.
func TestToken(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		near := o.phone("101@office", nearIP, &user{})
		o.phone("102@office", farIP, &user{})
		udp := mustConnect(t, near, Target{Transport: UDP, Addr: udpAddr(farIP)})
		tcp := mustConnect(t, near, Target{Transport: TCP, Addr: udpAddr(farIP)})
		in(near, func() {
			u, c := udp.Token(), tcp.Token()
			if near.FlowOf(u) != udp || near.FlowOf(c) != tcp || udp.Token() != u {
				t.Error("not found")
			}
			near.udp = newFlowTable() // forgotten meanwhile
			if f := near.FlowOf(u); f == nil || f.Remote() != udpAddr(farIP) {
				t.Error("a UDP flow never ends")
			}
			for _, bad := range []string{"", "x", u[1:], u[:len(u)-1], u + "A", strings.Repeat("A", 40), strings.Repeat("_", 200)} {
				if near.FlowOf(bad) != nil {
					t.Errorf("%q found something", bad)
				}
			}
			tcp.Close()
			if tcp.Alive() {
				t.Error("alive")
			}
			tcp.Close()
		})
		synctest.Wait()
		if get(near, func() *Flow { return near.FlowOf(tcp.token) }) != nil {
			t.Error("a connection that ended was found")
		}
	})
}

// RFC 5626, section 4.4.1: "a double CRLF [...] ping [...] a single CRLF pong".
func TestPing(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		o.phone("101@office", nearIP, &user{})
		conn, err := o.net.Dial(t.Context(), farIP, udpAddr(nearIP))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.Write([]byte("\r\n\r\n"))
		buf := make([]byte, 10)
		conn.SetReadDeadline(time.Now().Add(time.Second))
		if n, err := conn.Read(buf); err != nil || string(buf[:n]) != "\r\n" {
			t.Errorf("%q, %v", buf[:n], err)
		}
	})
}

// A phone that lost its power is known to be dead within 8 s, and one that only has
// nothing to say is not.
func TestWatch(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		var lost []time.Time
		near := o.phone("101@office", nearIP, &user{lost: func(*Flow) { lost = append(lost, time.Now()) }})
		o.phone("102@office", farIP, &user{})
		f := mustConnect(t, near, Target{Transport: TLS, Addr: tlsAddr(farIP), Peer: "102@office"})
		in(near, func() { f.Watch(2 * time.Second); f.Watch(2 * time.Second) })
		wait(time.Hour)
		if get(near, func() int { return len(lost) }) != 0 {
			t.Fatal("lost a living phone")
		}
		for _, d := range []time.Duration{0, 500 * time.Millisecond, 1999 * time.Millisecond} {
			wait(d)
			start := time.Now()
			o.net.Freeze()
			wait(8 * time.Second)
			in(near, func() {
				if len(lost) != 1 || lost[0].Sub(start) > 6*time.Second || f.Alive() {
					t.Errorf("not lost: %v", lost)
				}
				lost = nil
			})
			f = mustConnect(t, near, Target{Transport: TLS, Addr: tlsAddr(farIP), Peer: "102@office"})
			in(near, func() { f.Watch(2 * time.Second) })
		}
	})
}

// Messages of one connection are handled in order.
func TestOrder(t *testing.T) {
	for _, transport := range []string{"udp", "tcp"} {
		bubble(t, func(t *testing.T, o *office) {
			var got []string
			near := o.phone("101@office", nearIP, &user{request: func(tx *ServerTx) {
				got = append(got, tx.Request.CallID().Value())
				tx.Reply(200)
			}})
			c := siptest.Client(t, o.net, farIP, transport, udpAddr(nearIP))
			c.Drain()
			var want []string
			for i := range 45 {
				c.Vars["N"] = fmt.Sprint(i)
				c.Send(register)
				want = append(want, fmt.Sprint("r", i))
			}
			synctest.Wait()
			if list := get(near, func() string { return fmt.Sprint(got) }); list != fmt.Sprint(want) {
				t.Errorf("%s: %s", transport, list)
			}
		})
	}
}
