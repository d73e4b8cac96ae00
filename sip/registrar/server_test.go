package registrar

import (
	"context"
	"crypto/md5"
	"crypto/sha256"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"

	"chordophone/sip/auth"
	"chordophone/sip/digest"
	"chordophone/sip/siptest"
	"chordophone/sip/stack"
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

func (s *server) Lost(f *stack.Flow) { s.reg.Lost(f) }

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
