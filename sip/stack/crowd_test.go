package stack

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"chordophone/sip/siptest"
)

// A half-open TLS connection ends, and holds no more than its share of the slots.
func TestHandshakes(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		near := o.phone("101@office", nearIP, &user{})
		o.phone("102@office", farIP, &user{})
		for range 2 * slotsPerHost { // one host
			if _, err := o.net.Dial(t.Context(), netip.MustParseAddr("10.0.2.1"), tlsAddr(nearIP)); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		if n := near.Counters(); n.TurnedAway != slotsPerHost {
			t.Errorf("%+v", n)
		}
		wait(handshakeTime + time.Second)
		turned := near.Counters().TurnedAway
		for i := range 64 { // sixteen hosts
			ip := netip.AddrFrom4([4]byte{10, 0, 1, byte(i / 4)})
			if _, err := o.net.Dial(t.Context(), ip, tlsAddr(nearIP)); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		if n := near.Counters(); n.TurnedAway-turned != 64-handshakeSlots/2 {
			t.Errorf("%+v", n)
		}
		p := siptest.Client(t, o.net, farIP, "tcp", udpAddr(nearIP))
		p.Close()
		near.gate.know(farIP) // a phone that was here before has slots of its own
		far := o.phone("103@office", netip.MustParseAddr("10.0.0.3"), &user{})
		conn, err := o.net.Dial(t.Context(), farIP, tlsAddr(nearIP))
		if err != nil {
			t.Fatal(err)
		}
		_, client := o.ca.TLS("102@office")
		siptest.Dial(t, conn, client)
		wait(handshakeTime + time.Second)
		near.gate.mu.Lock()
		if len(near.gate.handshakes) != 0 || len(near.gate.busy) != 0 {
			t.Errorf("%+v", near.gate)
		}
		near.gate.mu.Unlock()
		if _, _, err := connect(t, far, Target{Transport: TLS, Addr: tlsAddr(nearIP), Peer: "101@office"}); err != nil {
			t.Error(err)
		}
	})
}

// A host never heard of is served though strangers' half-open handshakes have all the
// slots: at once if one of them has several, else when one has had its time.
func TestHandshakesGiveWay(t *testing.T) {
	for _, each := range []int{slotsPerHost, 2, 1} {
		bubble(t, func(t *testing.T, o *office) {
			near := o.phone("101@office", nearIP, &user{})
			for i := range handshakeSlots / 2 {
				ip := netip.AddrFrom4([4]byte{10, 0, 1, byte(i / each)})
				if _, err := o.net.Dial(t.Context(), ip, tlsAddr(nearIP)); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
			}
			far := o.phone("103@office", netip.MustParseAddr("10.0.0.3"), &user{})
			reach := func() error {
				_, _, err := connect(t, far, Target{Transport: TLS, Addr: tlsAddr(nearIP), Peer: "101@office"})
				return err
			}
			if each == 1 {
				if reach() == nil {
					t.Error("a handshake that had just begun had to give way")
				}
				wait(handshakeFair)
			}
			if err := reach(); err != nil {
				t.Errorf("%d each: %v", each, err)
			}
			synctest.Wait()
			near.gate.mu.Lock()
			if n := len(near.gate.handshakes); n != handshakeSlots/2-1 {
				t.Errorf("%d handshakes are left", n)
			}
			near.gate.mu.Unlock()
			if n := near.Counters(); n.Accepted != 1 {
				t.Errorf("%+v", n)
			}
			wait(handshakeTime)
		})
	}
}

// When there are too many connections, strangers go; phones and users stay.
func TestTooManyConnections(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		var flows []*Flow
		near := o.phone("101@office", nearIP, &user{request: func(tx *ServerTx) {
			flows = append(flows, tx.Flow)
			tx.Reply(200)
		}}, func(c *Config) { c.Limits.Flows, c.Limits.FlowsPerHost = 6, 3 })
		far := o.phone("102@office", farIP, &user{})
		phone := mustConnect(t, far, Target{Transport: TLS, Addr: tlsAddr(nearIP), Peer: "101@office"})
		alice := siptest.Client(t, o.net, netip.MustParseAddr("10.0.0.3"), "tcp", udpAddr(nearIP))
		alice.Vars["N"] = "1"
		alice.Send(register)
		alice.Expect("200")
		in(near, func() { flows[0].Know("alice") })
		var crowd []*siptest.Peer
		for range 10 { // of one host
			crowd = append(crowd, siptest.Client(t, o.net, netip.MustParseAddr("10.0.0.4"), "tcp", udpAddr(nearIP)))
			wait(time.Second)
		}
		if n := near.Counters().Connections; n != 2+3 {
			t.Errorf("%d connections", n)
		}
		for _, c := range crowd[:7] { // the oldest went
			c.Closed()
		}
		for i := range 10 { // of ten hosts
			siptest.Client(t, o.net, netip.AddrFrom4([4]byte{10, 0, 1, byte(i)}), "tcp", udpAddr(nearIP))
			wait(time.Second)
		}
		if n := near.Counters().Connections; n != 6 || !get(far, phone.Alive) || !get(near, flows[0].Alive) {
			t.Errorf("%d connections", n)
		}
		third := o.phone("103@office", netip.MustParseAddr("10.0.0.5"), &user{})
		mustConnect(t, third, Target{Transport: TLS, Addr: tlsAddr(nearIP), Peer: "101@office"})
		wait(time.Second)
		if !get(far, phone.Alive) || !get(near, flows[0].Alive) {
			t.Error("a known one went while there were strangers")
		}
		alice.Vars["N"] = "2"
		alice.Send(register)
		alice.Expect("200")
	})
}
