package registrar

import (
	"context"
	"crypto/md5"
	"crypto/sha256"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"

	"chordophone/sip/auth"
	"chordophone/sip/digest"
	"chordophone/sip/siptest"
	"chordophone/sip/stack"
	"chordophone/sip/wire"
)

// server puts stack, gate and registrar together, as a phone does.
type server struct {
	*stack.Stack
	gate *auth.Gate
	reg  *Registrar
}

func (s *server) Request(tx *stack.ServerTx) {
	v := s.gate.Check(tx.Request, auth.Server, tx.Flow.Remote().Addr())
	if !v.OK() {
		tx.Reply(v.Status, v.Fields...)
		return
	}
	s.reg.Register(tx, v.User)
}

func (s *server) Ack(*stack.Flow, *sip.Request) {}
func (s *server) Lost(f *stack.Flow)            { s.reg.Lost(f) }

func newServer(t testing.TB, net *siptest.Network, office *siptest.Office, r *ring, n int) *server {
	t.Helper()
	node, addr := fmt.Sprintf("%d@office", 100+n), netip.AddrFrom4([4]byte{192, 0, 2, byte(n)})
	s := &server{}
	secret := digest.NewSecret("201", "office", "zanzibar")
	s.gate = auth.New(auth.Config{Realm: "office", Secret: func(user string) (digest.Secret, bool) { return secret, user == "201" }})
	s.reg = New(Config{Domain: "office", Node: node, Ring: r, Server: func() netip.AddrPort { return netip.AddrPortFrom(addr, 5061) }})
	cfg := stack.Config{Listen: addr, UDPPort: 5060, TLSPort: 5061, Handler: s, Net: net, PeerUser: office.PeerUser,
		Limits: stack.Limits{StrangerRate: 1e6, KnownRate: 1e6, TotalRate: 1e6}}
	cfg.ServerTLS, cfg.ClientTLS = office.StackTLS(node)
	var err error
	if s.Stack, err = stack.New(cfg); err != nil {
		t.Fatal(err)
	}
	s.reg.Attach(s.Stack)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.Run(ctx)
	}()
	t.Cleanup(func() {
		stop()
		<-ended
	})
	return s
}

// counters asks in the loop.
func (s *server) counters() (c Counters, g auth.Counters) {
	done := make(chan struct{})
	s.Do(func() {
		c, g = s.reg.Counters(), s.gate.Counters()
		close(done)
	})
	<-done
	return c, g
}

// desk is a client that knows a password.
type desk struct {
	*siptest.Peer
	user, password, algorithm string
	contact                   string
	seq, nc                   int
	nonce                     string
}

func newDesk(t testing.TB, net *siptest.Network, ip, transport string, n int) *desk {
	port := uint16(5060)
	if transport == "tls" {
		port = 5061
	}
	at := netip.MustParseAddr(ip)
	d := &desk{user: "201", password: "zanzibar", algorithm: "SHA-256"}
	d.Peer = siptest.Client(t, net, at, transport, netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(n)}), port))
	d.contact = "<sip:201@" + d.Vars["Local"] + ";transport=" + transport + ">"
	return d
}

func (d *desk) send(extra string) {
	d.seq++
	d.Vars["Seq"] = fmt.Sprint(d.seq)
	d.Send("REGISTER sip:office SIP/2.0\nVia: SIP/2.0/${Transport} ${Local};branch=z9hG4bK" + fmt.Sprint(d.user, d.seq) + ";rport\nMax-Forwards: 70\nFrom: <sip:" + d.user + "@office>;tag=a\n" +
		"To: <sip:" + d.user + "@office>\nCall-ID: desk\nCSeq: ${Seq} REGISTER\nContact: " + d.contact + "\nExpires: 60\n" + extra + "\n")
}

// answer is an Authorization field for the nonce at hand.
func (d *desk) answer() string {
	h := func(s string) string {
		if d.algorithm == "MD5" {
			return fmt.Sprintf("%x", md5.Sum([]byte(s)))
		}
		return fmt.Sprintf("%x", sha256.Sum256([]byte(s)))
	}
	d.nc++
	nc := fmt.Sprintf("%08x", d.nc)
	response := h(strings.Join([]string{h(d.user + ":office:" + d.password), d.nonce, nc, "c", "auth", h("REGISTER:sip:office")}, ":"))
	return fmt.Sprintf(`Authorization: Digest username="%s",realm="office",nonce="%s",uri="sip:office",response="%s",algorithm=%s,cnonce="c",qop=auth,nc=%s`,
		d.user, d.nonce, response, d.algorithm, nc)
}

func (d *desk) challenged(m siptest.Message) {
	for _, v := range m.Header["Www-Authenticate"] {
		if strings.Contains(v, "algorithm="+d.algorithm+",") {
			_, rest, _ := strings.Cut(v, `nonce="`)
			d.nonce, _, _ = strings.Cut(rest, `"`)
			d.nc = 0
		}
	}
}

// register does it all and expects how it ends.
func (d *desk) register(end string) siptest.Message {
	d.send("")
	d.challenged(d.Expect("^SIP/2.0 401 "))
	d.send(d.answer())
	return d.Expect(end)
}

func world(t *testing.T, f func(t *testing.T, net *siptest.Network, r *ring, s *server)) {
	synctest.Test(t, func(t *testing.T) {
		net, r := siptest.NewNetwork(), &ring{delay: 20 * time.Millisecond}
		f(t, net, r, newServer(t, net, siptest.NewOffice(t), r, 1))
	})
}

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
