package dns

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"
)

func TestFlood(t *testing.T) {
	s := start(t, func() []Phone { return office.phones })
	data, _ := query("office.", dns.TypeA).Pack()
	start := time.Now()
	for range 1000 {
		s.serve(data, netip.MustParseAddr("192.0.2.9"), true)
	}
	most := sourceRate + uint64(time.Since(start).Seconds()*sourceRate) + 1
	if n := s.Counters(); n.Answered > most || n.Limited != 1000-n.Answered {
		t.Errorf("%+v, at most %d", n, most)
	}
	if s.serve(data, netip.MustParseAddr("192.0.2.10"), true) == nil {
		t.Error("an honest client gets nothing")
	}
}

// start runs a server on an address of its own.
func start(t *testing.T, phones func() []Phone) *Server {
	t.Helper()
	s, err := New(Config{Office: "office", Listen: netip.MustParseAddrPort("127.0.34.1:0"), SIPPort: 5060, TLSPort: 5061, Phones: phones})
	if err != nil {
		t.Fatal(err)
	}
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

func many(n int) []Phone {
	var all []Phone
	for i := range n {
		all = append(all, Phone{strings.Repeat("x", 40) + fmt.Sprint(100+i), netip.AddrFrom4([4]byte{192, 0, 2, byte(i)})})
	}
	return all
}

func TestServer(t *testing.T) {
	var live atomic.Int32
	live.Store(2)
	s := start(t, func() []Phone { return office.phones[:live.Load()] })
	for _, network := range []string{"udp", "tcp"} {
		c := &dns.Client{Net: network, Timeout: 30 * time.Second}
		live.Store(2)
		m, _, err := c.Exchange(query("office.", dns.TypeA), s.Addr().String())
		if err != nil || show(m) != "NOERROR office. A 192.0.2.1 office. A 192.0.2.2" {
			t.Errorf("%s: %v %v", network, m, err)
		}
		live.Store(1) // a phone dies
		m, _, err = c.Exchange(query("office.", dns.TypeA), s.Addr().String())
		if err != nil || show(m) != "NOERROR office. A 192.0.2.1" {
			t.Errorf("%s: %v %v", network, m, err)
		}
		if m, _, err = c.Exchange(query("example.com.", dns.TypeA), s.Addr().String()); err != nil || show(m) != "REFUSED" {
			t.Errorf("%s: %v %v", network, m, err)
		}
	}
	if n := s.Counters(); n.Answered != 4 || n.Refused != 2 {
		t.Errorf("%+v", n)
	}
	if _, err := New(Config{Office: "a..b"}); err == nil {
		t.Error("a name that is none")
	}
}

// Queries of one connection are answered in order; too many end it.
func TestConnection(t *testing.T) {
	s := start(t, func() []Phone { return office.phones })
	conn, err := dns.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for range maxPerConn {
		q := query("101.office.", dns.TypeA)
		if err := conn.WriteMsg(q); err != nil {
			t.Fatal(err)
		}
		if m, err := conn.ReadMsg(); err != nil || m.Id != q.Id {
			t.Fatal(m, err)
		}
	}
	conn.WriteMsg(query("101.office.", dns.TypeA))
	if _, err := conn.ReadMsg(); err == nil {
		t.Error("goes on for ever")
	}
	long, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer long.Close()
	long.Write([]byte{0xff, 0xff, 1, 2, 3})
	if n, err := long.Read(make([]byte, 10)); n != 0 || err == nil {
		t.Error("answered")
	}
}

// An answer is at most 512 octets, or what EDNS says up to 1232; what does not fit
// comes over TCP.
func TestAmplification(t *testing.T) {
	s := start(t, func() []Phone { return many(64) })
	for _, tc := range []struct{ edns, limit int }{{0, 512}, {100, 512}, {800, 800}, {4096, 1232}, {65535, 1232}} {
		q := query("_sip._udp.office.", dns.TypeSRV)
		if tc.edns != 0 {
			q.SetEdns0(uint16(tc.edns), false)
		}
		data, err := q.Pack()
		if err != nil {
			t.Fatal(err)
		}
		out := s.serve(data, netip.MustParseAddr("192.0.2.9"), true)
		m := new(dns.Msg)
		if err := m.Unpack(out); err != nil || len(out) > tc.limit || len(m.Answer) == 0 || m.Truncated != (len(m.Answer) < maxPhones) {
			t.Errorf("%+v: %d octets, %d answers, %v", tc, len(out), len(m.Answer), err)
		}
	}
	c := &dns.Client{Net: "tcp", Timeout: 30 * time.Second}
	m, _, err := c.Exchange(query("_sip._udp.office.", dns.TypeSRV), s.Addr().String())
	if err != nil || len(m.Answer) != maxPhones || len(m.Extra) != maxPhones || m.Truncated {
		t.Errorf("%v, %v", m, err)
	}
}

// What is malformed gets no answer, and the next query does.
func TestMalformed(t *testing.T) {
	s := start(t, func() []Phone { return office.phones })
	good, err := query("office.", dns.TypeNAPTR).Pack()
	if err != nil {
		t.Fatal(err)
	}
	from := netip.MustParseAddr("192.0.2.9")
	serve := func(b []byte) []byte {
		s.limit = newLimiter()
		return s.serve(b, from, true)
	}
	for n := range good {
		if out := serve(good[:n]); out != nil {
			t.Errorf("%d octets of it: %x", n, out)
		}
	}
	loop := slices.Clone(good)
	binary.BigEndian.PutUint16(loop[12:], 0xc00c) // a name that points to itself
	for _, b := range [][]byte{nil, make([]byte, maxQuery+1), loop, []byte(strings.Repeat("\xff", 100))} {
		if out := serve(b); out != nil {
			t.Errorf("%x", out)
		}
	}
	if serve(good) == nil || s.Counters().Malformed == 0 {
		t.Errorf("%+v", s.Counters())
	}
}
