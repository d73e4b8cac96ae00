package registrar

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"chordophone/sip/siptest"
)

func TestDigestRegister(t *testing.T) {
	for _, transport := range []string{"udp", "tcp", "tls"} {
		for _, algorithm := range []string{"SHA-256", "MD5"} {
			world(t, func(t *testing.T, net *siptest.Network, r *ring, s *server) {
				d := newDesk(t, net, "192.0.2.50", transport, 1)
				d.algorithm = algorithm
				m := d.register("^SIP/2.0 200 ")
				if got := m.Get("Contact"); got != d.contact+";expires=60" || r.count("sip:201@office") != 1 {
					t.Errorf("%s %s: %q, %d", transport, algorithm, got, r.count("sip:201@office"))
				}
				// The next one needs no new challenge.
				d.send(d.answer())
				d.Expect("^SIP/2.0 200 ")
			})
		}
	}
}

// A wrong password and a user who does not exist get the same answer but for what is
// random.
func TestStrangers(t *testing.T) {
	world(t, func(t *testing.T, net *siptest.Network, r *ring, s *server) {
		try := func(d *desk) string {
			m := d.register("^SIP/2.0 401 ")
			var fields []string
			for name, values := range m.Header {
				if !slices.Contains([]string{"To", "From", "Via", "Call-Id", "Cseq"}, name) {
					fields = append(fields, name+strings.Join(values, ","))
				}
			}
			slices.Sort(fields)
			text := m.Start + strings.Join(fields, "|")
			d.challenged(m)
			return strings.ReplaceAll(text, d.nonce, "")
		}
		a := newDesk(t, net, "192.0.2.50", "udp", 1)
		a.password = "zanzibaz"
		b := newDesk(t, net, "192.0.2.51", "udp", 1)
		b.user = "999"
		if x, y := try(a), try(b); x != y {
			t.Errorf("%s\n%s", x, y)
		}
		// As itself for another: 403, whoever that is.
		c := newDesk(t, net, "192.0.2.52", "udp", 1)
		for _, to := range []string{"202", "999"} {
			c.send("")
			c.challenged(c.Expect("401"))
			c.seq++
			c.Send("REGISTER sip:office SIP/2.0\nVia: SIP/2.0/UDP ${Local};branch=z9hG4bKx" + to + "\nMax-Forwards: 70\nFrom: <sip:201@office>;tag=a\nTo: <sip:" + to +
				"@office>\nCall-ID: c\nCSeq: 99 REGISTER\nContact: " + c.contact + "\n" + c.answer() + "\n")
			c.Expect("^SIP/2.0 403 ")
		}
		if r.writes != 0 {
			t.Error("stored something")
		}
	})
}

func TestReplayedAndForeignAnswers(t *testing.T) {
	world(t, func(t *testing.T, net *siptest.Network, r *ring, s *server) {
		d := newDesk(t, net, "192.0.2.50", "udp", 1)
		d.send("")
		d.challenged(d.Expect("401"))
		sniffed := d.answer()
		d.send(sniffed)
		d.Expect("^SIP/2.0 200 ")
		stale := func(m siptest.Message) {
			t.Helper()
			if !strings.Contains(m.Get("Www-Authenticate"), "stale=true") {
				t.Errorf("%+v", m)
			}
		}
		d.send(sniffed)
		stale(d.Expect("^SIP/2.0 401 "))
		thief := newDesk(t, net, "192.0.2.66", "udp", 1)
		thief.send(sniffed)
		stale(thief.Expect("^SIP/2.0 401 "))
		newServer(t, net, siptest.NewOffice(t), r, 2)
		other := newDesk(t, net, "192.0.2.50", "udp", 2)
		other.nonce = d.nonce
		other.send(other.answer())
		m := other.Expect("^SIP/2.0 401 ")
		stale(m)
		other.challenged(m)
		other.send(other.answer()) // one round trip later all is well
		other.Expect("^SIP/2.0 200 ")
		if r.writes != 2 {
			t.Errorf("%d writes", r.writes)
		}
	})
}

// T2: of 10,000 forged REGISTERs none is accepted; the right one is, before and after.
func TestForgedRegisters(t *testing.T) {
	world(t, func(t *testing.T, net *siptest.Network, r *ring, s *server) {
		honest := newDesk(t, net, "192.0.2.50", "udp", 1)
		honest.register("^SIP/2.0 200 ")
		before := r.holds("sip:201@office")[0].Contact
		thief := newDesk(t, net, "192.0.2.66", "udp", 1)
		thief.send("")
		thief.challenged(thief.Expect("401"))
		thief.Drain()
		for i := range 10000 {
			thief.password, thief.algorithm = fmt.Sprint(i), []string{"MD5", "SHA-256"}[i/2%2]
			switch i % 4 {
			case 0:
				thief.send("") // without credentials
			case 1:
				thief.send(strings.Replace(thief.answer(), thief.nonce, "BAAA"+thief.nonce[4:], 1))
			default:
				thief.send(thief.answer())
			}
			time.Sleep(2 * time.Millisecond)
		}
		time.Sleep(time.Second)
		c, g := s.counters()
		if c.Granted != 1 || g.Accepted != 1 || g.Wrong == 0 || g.Wrong > 60 || g.Stale == 0 || g.Slow == 0 || r.writes != 1 || r.holds("sip:201@office")[0].Contact != before {
			t.Errorf("%+v, %+v, %d writes", c, g, r.writes)
		}
		honest.send(honest.answer())
		honest.Expect("^SIP/2.0 200 ")
		time.Sleep(35 * time.Second) // responses are repeated no more
	})
}
