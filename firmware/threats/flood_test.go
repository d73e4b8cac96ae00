package threats

import (
	"crypto/tls"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// T4: while two telephones speak, one of them is flooded with INVITEs, from one source
// and from many, among garbage and datagrams of the greatest size, and holds hundreds
// of connections whose far sides say nothing or half a message. The call goes on whole,
// memory stays, and clients elsewhere register and call.
func TestFlood(t *testing.T) {
	dir := t.TempDir()
	p := start(t, dir, 9, foundArgs("office", "alice", "bob")...)
	q := start(t, dir, 10, "--join", "314159", "--peer", p.ip)
	r := start(t, dir, 11, "--join", "314159", "--peer", p.ip)
	alice := p.udp(50, 0, "alice").register()
	p.do("off", "keys 102#")
	q.expect("ringing", rings)
	q.do("off")
	p.expect("the call", connected)
	time.Sleep(2 * time.Second)

	stop := make(chan struct{})
	var all sync.WaitGroup
	before := p.memory()
	var most [2]atomic.Int64 // octets, of the floods and of the connections
	var phase atomic.Int32
	all.Go(func() {
		for !closed(stop) {
			m := &most[phase.Load()]
			m.Store(max(m.Load(), int64(p.memory())))
			time.Sleep(50 * time.Millisecond)
		}
	})
	to, _ := net.ResolveUDPAddr("udp", p.addr())
	flood := func(hosts []int, lasting time.Duration) (sent int) {
		var socks []*net.UDPConn
		for _, h := range hosts {
			s, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 41, byte(h))})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			s.SetReadBuffer(4096)
			socks = append(socks, s)
		}
		garbage := make([]byte, 65000)
		rng := rand.New(rand.NewPCG(1, 2))
		for i := range garbage {
			garbage[i] = byte(rng.Uint32())
		}
		for end := time.Now().Add(lasting); time.Now().Before(end); {
			for range 50 { // 10,000 a second at most
				s := socks[sent%len(socks)]
				switch {
				case sent%100 == 1:
					s.WriteToUDP(garbage, to)
				case sent%10 == 1:
					s.WriteToUDP(garbage[:1+sent%900], to)
				default:
					fmt.Fprintf(writerTo{s, to}, "INVITE sip:101@office SIP/2.0\r\nVia: SIP/2.0/UDP %v;branch=z9hG4bKf%d;rport\r\nMax-Forwards: 70\r\nFrom: <sip:%d@office>;tag=a\r\nTo: <sip:101@office>\r\nCall-ID: f%d\r\nCSeq: 1 INVITE\r\nContact: <sip:x@%v>\r\nContent-Length: 0\r\n\r\n",
						s.LocalAddr(), sent, sent, sent, s.LocalAddr())
				}
				sent++
			}
			time.Sleep(5 * time.Millisecond)
		}
		return sent
	}
	// A call of an honest client, as often as it can be made meanwhile.
	tries, good := 0, 0
	honest := func(a *agent, during func() bool) {
		for during() {
			tries++
			began := time.Now()
			a.call = fmt.Sprintf("honest-%s-%d", a.user, tries)
			r.seen(rings)
			uri := "sip:103@office"
			a.request("INVITE", uri, "<"+uri+">", "Content-Type: application/sdp\n", offer(40000))
			m, ok := a.final(soon)
			if ok && m.status() == 407 {
				a.acknowledge("INVITE", uri, m)
				a.request("INVITE", uri, "<"+uri+">", a.credentials(m, "INVITE", uri)+"\nContent-Type: application/sdp\n", offer(40000))
				r.expect("ringing", rings)
				good++
				t.Logf("%s rings 103 after %v", a.user, time.Since(began).Round(time.Millisecond))
				a.send(fmt.Sprintf("CANCEL %s SIP/2.0\nVia: SIP/2.0/UDP %s;branch=%s;rport\nMax-Forwards: 70\nFrom: <sip:%s@office>;tag=f%s\nTo: <%s>\nCall-ID: %s\nCSeq: %d CANCEL\n",
					uri, a.local, a.branch, a.user, a.call, uri, a.call, a.n), "")
				r.expect("the end", callEnded)
			}
			time.Sleep(200 * time.Millisecond)
		}
	}
	run := func(hosts []int, a func() *agent) {
		over := make(chan struct{})
		var sent int
		all.Go(func() { sent = flood(hosts, 4*time.Second); close(over) })
		time.Sleep(300 * time.Millisecond)
		honest(a(), func() bool { return !closed(over) })
		<-over
		t.Logf("%d datagrams from %d sources", sent, len(hosts))
	}
	run([]int{200}, func() *agent { return p.udp(51, 0, "bob").register() }) // a newcomer
	var many []int
	for h := 100; h < 200; h++ {
		many = append(many, h)
	}
	run(many, func() *agent { return alice }) // somebody who was here before

	phase.Store(1)
	// Connections that say nothing, half a message, or stop in the midst of a handshake.
	var open []net.Conn
	for i := range 400 {
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 41, byte(100+i%80))}, Timeout: time.Second}
		port := []string{":5060", ":5061"}[i%2]
		c, err := d.Dial("tcp", p.ip+port)
		if err != nil {
			continue
		}
		open = append(open, c)
		switch i % 4 {
		case 0:
			c.Write([]byte("INVITE sip:101@office SIP/2.0\r\nVia: SIP/2.0/TCP x\r\nContent-Length: 100000\r\n\r\nhalf"))
		case 1:
			c.Write([]byte{22, 3, 1, 0, 200, 1})
		}
	}
	var newcomer *agent
	if conn := p.tcp(52, "bob"); conn != nil {
		newcomer = conn.register()
	}
	// Handshakes that stand still keep other newcomers from TLS for a while, but not
	// those who have shown a password over a connection.
	secure, err := tls.DialWithDialer(&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 41, 52)}, Timeout: soon}, "tcp", p.ip+":5061", &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Errorf("TLS for a host that is known: %v", err)
	} else {
		secure.Close()
	}
	t.Logf("%d connections held open; a newcomer registers over TCP as %s", len(open), newcomer.user)
	for _, c := range open {
		c.Close()
	}
	close(stop)
	all.Wait()
	p.do("on")
	for _, x := range []*phone{p, q} {
		e := x.expect("the end of the call", func(e event) bool { return callEnded(e) && e.Sound != nil && e.Sound.Received > 100 })
		s := *e.Sound
		t.Logf("%s: %+v", x.ip, s)
		// A machine that is busy with other things conceals some itself.
		if bound := int64(s.Received / 10); s.Lost != 0 || int64(s.Late) > bound || int64(s.Concealed) > bound {
			t.Errorf("the call suffered: %+v", s)
		}
	}
	t.Logf("memory %d KB before, %d KB at most in the floods, %d KB with the connections; %d of %d honest calls",
		before>>10, most[0].Load()>>10, most[1].Load()>>10, good, tries)
	if grown := int(most[0].Load()) - before; grown > 8<<20 {
		t.Errorf("memory grew by %d KB in the floods", grown>>10)
	}
	if grown := int(most[1].Load()) - before; grown > 16<<20 {
		t.Errorf("memory grew by %d KB with the connections", grown>>10)
	}
	if good != tries || tries < 4 {
		t.Errorf("%d of %d honest calls", good, tries)
	}
}

type writerTo struct {
	sock *net.UDPConn
	to   *net.UDPAddr
}

func (w writerTo) Write(b []byte) (int, error) { return w.sock.WriteToUDP(b, w.to) }
