package siptest

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"
)

var (
	near = netip.MustParseAddrPort("10.0.0.1:5061")
	far  = netip.MustParseAddrPort("10.0.0.2:5061")
)

func TestStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := NewNetwork()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := n.Dial(ctx, near.Addr(), far); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Error("nobody there: ", err)
		}
		l, err := n.Listen(far)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := n.Listen(far); !errors.Is(err, syscall.EADDRINUSE) {
			t.Error("twice: ", err)
		}
		a, err := n.Dial(ctx, near.Addr(), far)
		if err != nil {
			t.Fatal(err)
		}
		b, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if a.RemoteAddr().String() != far.String() || b.RemoteAddr().String() != a.LocalAddr().String() {
			t.Error("addresses")
		}
		big := bytes.Repeat([]byte("x"), 1<<20)
		if _, err := a.Write(big); err != nil { // nobody reads yet
			t.Error(err)
		}
		got := make([]byte, len(big))
		if _, err := io.ReadFull(b, got); err != nil || !bytes.Equal(got, big) {
			t.Error("what was written is not what was read: ", err)
		}
		for range 3 { // a deadline that passed can be moved
			start := time.Now()
			b.SetReadDeadline(start.Add(time.Second))
			if _, err := b.Read(got); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) != time.Second {
				t.Error("deadline: ", err)
			}
		}
		b.SetReadDeadline(time.Time{})
		a.Write([]byte("last"))
		a.Close()
		if n, err := b.Read(got); err != nil || string(got[:n]) != "last" {
			t.Errorf("%q, %v", got[:n], err)
		}
		if _, err := b.Read(got); !errors.Is(err, net.ErrClosed) {
			t.Error("after the end: ", err)
		}
		if _, err := b.Write(got); err == nil {
			t.Error("written to nobody")
		}
		n.Silence(far, true)
		ctx, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		if _, err := n.Dial(ctx, near.Addr(), far); err == nil || time.Since(start) == 0 {
			t.Error("a silent address took a connection: ", err)
		}
		l.Close()
	})
}

// sipgo runs over datagrams in a bubble: 32 s without an answer, eleven
// requests, no time at all.
func TestPacketsCarrySipgo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := NewNetwork()
		conn, err := n.Packets(near)
		if err != nil {
			t.Fatal(err)
		}
		there, err := n.Packets(far)
		if err != nil {
			t.Fatal(err)
		}
		tp := sip.NewTransportLayer(net.DefaultResolver, sip.NewParser(), nil)
		tx := sip.NewTransactionLayer(tp)
		served := make(chan struct{})
		go func() {
			defer close(served)
			tp.ServeUDP(conn)
		}()
		synctest.Wait()
		ask := func() *sip.ClientTx {
			req := sip.NewRequest(sip.OPTIONS, sip.Uri{Scheme: "sip", Host: "10.0.0.2", Port: 5061})
			via := &sip.ViaHeader{ProtocolName: "SIP", ProtocolVersion: "2.0", Transport: "UDP", Host: "10.0.0.1", Port: 5061}
			via.Params.Add("branch", sip.GenerateBranch())
			id := sip.CallIDHeader("x")
			req.AppendHeader(via)
			req.AppendHeader(&id)
			req.AppendHeader(&sip.CSeqHeader{SeqNo: 1, MethodName: sip.OPTIONS})
			req.Laddr = sip.Addr{IP: net.ParseIP("10.0.0.1"), Port: 5061}
			c, err := tx.Request(t.Context(), req)
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
		start := time.Now()
		c := ask()
		<-c.Done()
		if d := time.Since(start); d != 32*time.Second || len(there.queue) != 11 {
			t.Errorf("%v, %d requests", d, len(there.queue))
		}
		n.Lose(func(from, to netip.AddrPort, _ []byte) bool { return to == far })
		c = ask()
		if len(there.queue) != 11 {
			t.Error("not lost")
		}
		c.Terminate()
		tx.Close()
		conn.Close()
		tp.Close()
		there.Close()
		<-served
	})
}

func TestPeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, o := NewNetwork(), NewOffice(t)
		l, err := n.Listen(far)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		server, _ := o.TLS("102@office")
		_, client := o.TLS("101@office")
		conn, err := n.Dial(t.Context(), near.Addr(), far)
		if err != nil {
			t.Fatal(err)
		}
		accepted := make(chan *Peer)
		go func() { accepted <- Accept(t, l, server) }()
		a := Dial(t, conn, client)
		b := <-accepted
		a.Send(`OPTIONS sip:102@office SIP/2.0
			Via: SIP/2.0/TLS 10.0.0.1;branch=z9hG4bK1
			From: <sip:101@office>;tag=a
			To: <sip:102@office>
			Call-ID: 1
			CSeq: 1 OPTIONS
			Contact: <sip:101@10.0.0.1>

			body
			`)
		m := b.Expect("^OPTIONS sip:102@office SIP/2.0$")
		if m.Body != "body\r\n" || b.expand("${Branch} ${From-Tag} ${Contact-URI} ${CSeq}") != "z9hG4bK1 a sip:101@10.0.0.1 1 OPTIONS" {
			t.Errorf("%+v", m)
		}
		b.Reply("200 OK", "Allow: OPTIONS\n")
		r := a.Expect("200 OK")
		if r.Get("To") != "<sip:102@office>;tag=far" || r.Get("Allow") != "OPTIONS" || r.Get("Via") != m.Get("Via") {
			t.Errorf("%+v", r)
		}
		a.Quiet(time.Second)
		b.Close()
		a.Closed()
	})
}

// A client's texts know its address and transport; a datagram is a message.
func TestClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, o := NewNetwork(), NewOffice(t)
		server, _ := o.StackTLS("102@office")
		l, err := n.Listen(far)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		packets, err := n.ListenPacket(far)
		if err != nil {
			t.Fatal(err)
		}
		const text = "OPTIONS sip:102@office SIP/2.0\nVia: SIP/2.0/${Transport} ${Local};branch=z9hG4bK1\nFrom: <sip:a@office>;tag=a\nTo: <sip:102@office>\nCall-ID: 1\nCSeq: 1 OPTIONS\n"
		for _, transport := range []string{"udp", "tcp", "tls"} {
			var there *Peer
			accepted := make(chan *Peer, 1)
			go func() {
				switch transport {
				case "tls":
					accepted <- Accept(t, l, server)
				case "tcp":
					c, _ := l.Accept()
					accepted <- NewPeer(t, c)
				}
			}()
			c := Client(t, n, near.Addr(), transport, far)
			if transport == "udp" {
				there = NewPacketPeer(t, packets, netip.MustParseAddrPort(c.Vars["Local"]))
				n.Forge(netip.MustParseAddrPort("10.0.0.3:5060"), far, []byte("not heard"))
			} else {
				there = <-accepted
			}
			c.Send(text)
			m := there.Expect("^OPTIONS ")
			if want := "SIP/2.0/" + strings.ToUpper(transport) + " " + c.Vars["Local"] + ";branch=z9hG4bK1"; m.Get("Via") != want {
				t.Errorf("Via: %s; want %s", m.Get("Via"), want)
			}
			there.Reply("200 OK", "")
			c.Expect("^SIP/2.0 200 OK$")
		}
	})
}

// Only the office's own certificates vouch for anybody.
func TestPeerUser(t *testing.T) {
	o, foreign := NewOffice(t), NewOffice(t)
	_, own := o.TLS("101@office")
	_, other := foreign.TLS("101@office")
	state := func(c *tls.Config) tls.ConnectionState {
		return tls.ConnectionState{PeerCertificates: []*x509.Certificate{c.Certificates[0].Leaf}}
	}
	if user, err := o.PeerUser(state(own)); user != "101@office" || err != nil {
		t.Error(user, err)
	}
	if user, err := o.PeerUser(state(other)); err == nil {
		t.Error(user)
	}
	if _, err := o.PeerUser(tls.ConnectionState{}); err == nil {
		t.Error("nobody is somebody")
	}
}
