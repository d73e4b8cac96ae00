package registrar

import (
	"testing"
	"testing/synctest"
	"time"

	"chordophone/sip/siptest"
	"chordophone/sip/wire"
)

// RFC 5626, section 5.3: a binding ends with the only flow to it; here after a little
// while, in which the client may come back.
func TestLostConnection(t *testing.T) {
	world(t, func(t *testing.T, net *siptest.Network, r *ring, s *server) {
		d := newDesk(t, net, "192.0.2.50", "tcp", 1)
		d.register("^SIP/2.0 200 ")
		b := r.holds("sip:201@office")[0]
		s.Do(func() {
			if f := s.FlowOf(b.Flow); f == nil || f.Remote().String() != d.Vars["Local"] {
				t.Errorf("%q does not lead to the client", b.Flow)
			}
		})
		d.Close()
		time.Sleep(grace - time.Second)
		if r.count("sip:201@office") != 1 {
			t.Error("removed too early")
		}
		uri, _ := wire.ParseURI(b.Contact)
		s.Do(func() {
			if _, _, ok := s.reg.Served(uri); ok {
				t.Error("still served, over nothing")
			}
		})
		time.Sleep(3 * time.Second)
		if c, _ := s.counters(); r.count("sip:201@office") != 0 || c.Clients != 0 {
			t.Errorf("%d bindings, %+v", r.count("sip:201@office"), c)
		}
		// One that comes back in time, from another port but with the same Contact.
		d = newDesk(t, net, "192.0.2.50", "tcp", 1)
		d.register("^SIP/2.0 200 ")
		d.Close()
		time.Sleep(time.Second)
		again := newDesk(t, net, "192.0.2.50", "tls", 1)
		again.contact, again.seq = d.contact, 10
		again.register("^SIP/2.0 200 ")
		time.Sleep(10 * time.Second)
		if c, _ := s.counters(); r.count("sip:201@office") != 1 || c.Clients != 1 || r.holds("sip:201@office")[0].Flow == b.Flow {
			t.Errorf("%d bindings, %+v", r.count("sip:201@office"), c)
		}
	})
}

// The connection ends while its REGISTER is being stored.
func TestLostMeanwhile(t *testing.T) {
	world(t, func(t *testing.T, net *siptest.Network, r *ring, s *server) {
		d := newDesk(t, net, "192.0.2.50", "tcp", 1)
		d.send("")
		d.challenged(d.Expect("^SIP/2.0 401 "))
		r.slow(time.Second)
		d.send(d.answer())
		time.Sleep(500 * time.Millisecond)
		d.Close()
		time.Sleep(3 * time.Second)
		if r.count("sip:201@office") != 1 {
			t.Error("was not stored")
		}
		time.Sleep(2 * grace)
		if c, _ := s.counters(); r.count("sip:201@office") != 0 || c.Clients != 0 {
			t.Errorf("%d bindings, %+v", r.count("sip:201@office"), c)
		}
	})
}

// A client behind another address is found by its flow: RFC 3581.
func TestTranslatedAddress(t *testing.T) {
	world(t, func(t *testing.T, net *siptest.Network, r *ring, s *server) {
		d := newDesk(t, net, "192.0.2.50", "udp", 1)
		d.contact = "<sip:201@10.1.1.1:5060>"
		d.register("^SIP/2.0 200 ")
		b := r.holds("sip:201@office")[0]
		s.Do(func() {
			if f := s.FlowOf(b.Flow); f == nil || f.Remote().String() != d.Vars["Local"] || b.Contact != "sip:201@10.1.1.1:5060" {
				t.Errorf("%+v does not lead to the client", b)
			}
		})
		synctest.Wait()
	})
}
