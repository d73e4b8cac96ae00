package stack

import (
	"fmt"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"chordophone/sip/siptest"
)

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func registerText(n int) []byte {
	return []byte(strings.ReplaceAll(fmt.Sprintf(`REGISTER sip:office SIP/2.0
Via: SIP/2.0/UDP 10.9.9.9:5060;branch=z9hG4bK%d;rport
Max-Forwards: 70
From: <sip:evil@office>;tag=a%d
To: <sip:evil@office>
Call-ID: f%d@10.9.9.9
CSeq: 1 REGISTER
Contact: <sip:evil@10.9.9.9:5060>
Expires: 3600
User-Agent: flood
Content-Length: 0

`, n, n, n), "\n", "\r\n"))
}

// Threat T4: a flood costs no memory and no goroutines, and does not keep those who
// are known from being served at once.
func TestFlood(t *testing.T) {
	const many = 20000
	for name, source := range map[string]func(i int) netip.AddrPort{
		"one source": func(int) netip.AddrPort { return netip.MustParseAddrPort("10.9.9.9:5060") },
		"forged sources": func(i int) netip.AddrPort {
			return netip.AddrPortFrom(netip.AddrFrom4([4]byte{11, byte(i >> 16), byte(i >> 8), byte(i)}), 5060)
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, o *office) {
				served := 0
				s := o.phone("101@office", nearIP, &user{request: func(tx *ServerTx) {
					served++
					if tx.Request.From().Address.User == "alice" {
						tx.Flow.Know("alice")
					}
					tx.Reply(401)
				}})
				alice := siptest.Client(t, o.net, farIP, "udp", udpAddr(nearIP))
				alice.Patience = time.Millisecond
				asks := 0
				honest := func() {
					t.Helper()
					asks++
					alice.Vars["N"] = fmt.Sprint(asks)
					alice.Send(register)
					alice.Expect("^SIP/2.0 401 ")
				}
				honest()
				synctest.Wait()
				before, goroutines := heap(), runtime.NumGoroutine()
				for i := range many {
					o.net.Forge(source(i), udpAddr(nearIP), []byte("garbage\x00\x01\xff that is no SIP at all\r\n\r\n"))
					o.net.Forge(source(i), udpAddr(nearIP), registerText(i))
					if i%100 == 0 {
						synctest.Wait()
					}
					if i%1000 == 0 {
						honest()
					}
				}
				synctest.Wait()
				n, served := s.Counters(), get(s, func() int { return served })
				grown := int64(heap()) - int64(before)
				t.Logf("%+v, served %d, %d KB more", n, served, grown>>10)
				if n.Datagrams < 2*many {
					t.Errorf("only %d datagrams came", n.Datagrams)
				}
				if got := runtime.NumGoroutine(); got > goroutines+2 {
					t.Errorf("%d goroutines; were %d", got, goroutines)
				}
				if grown > 4<<20 {
					t.Errorf("%d KB more", grown>>10)
				}
				if limit := 1000 + asks; served > limit { // Limits.TotalRate, and no time has passed
					t.Errorf("served %d", served)
				}
				if n.OverRate+n.OverTotal < 2*many-2000 {
					t.Errorf("%+v", n)
				}
				wait(33 * time.Second)
				if n := s.Counters(); n.ServerTransactions != 0 {
					t.Errorf("%+v", n)
				}
			})
		})
	}
}

// Datagrams that the loop has no time for are dropped, strangers' first.
func TestBehind(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		free, busy := make(chan struct{}), make(chan struct{})
		s := o.phone("101@office", nearIP, &user{}, func(c *Config) {
			c.Limits = Limits{StrangerRate: 1e6, KnownRate: 1e6, TotalRate: 1e6}
		})
		known := netip.AddrPortFrom(farIP, 5060)
		s.rates.know(time.Now(), known, knownFor)
		s.Do(func() { close(busy); <-free })
		<-busy
		send := func(from netip.AddrPort, first int) {
			for i := range 2 * maxBehind {
				o.net.Forge(from, udpAddr(nearIP), registerText(first+i))
				if i%100 == 0 {
					synctest.Wait()
				}
			}
			synctest.Wait()
		}
		send(netip.MustParseAddrPort("10.9.9.9:5060"), 0)
		if n := s.Counters(); n.Behind != 2*maxBehind-maxBehind*3/4 {
			t.Errorf("%+v", n)
		}
		send(known, 1e6)
		if n := s.Counters(); n.Behind != 4*maxBehind-maxBehind {
			t.Errorf("%+v", n)
		}
		close(free)
		synctest.Wait()
		if n := s.Counters(); n.ServerTransactions != maxBehind {
			t.Errorf("%+v", n)
		}
	})
}

// A connection is slowed down to its rate, and loses nothing.
func TestSlowedDown(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		n := 0
		var last time.Time
		s := o.phone("101@office", nearIP, &user{request: func(tx *ServerTx) { n++; last = time.Now(); tx.Reply(200) }})
		c := siptest.Client(t, o.net, farIP, "tcp", udpAddr(nearIP))
		c.Drain()
		start := time.Now()
		for i := range 150 {
			c.Vars["N"] = fmt.Sprint(i)
			c.Send(register)
		}
		wait(10 * time.Second)
		if got := get(s, func() int { return n }); got != 150 || last.Sub(start).Round(100*time.Millisecond) != 2*time.Second {
			t.Errorf("%d in %v; want 150 in 2 s, 50 at once and 50 a second", got, last.Sub(start))
		}
	})
}

// A finished transaction is kept for 32 s and must be small.
func TestFinishedAreSmall(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		const many = 20000
		s := o.phone("101@office", nearIP, &user{}, func(c *Config) {
			c.Limits = Limits{StrangerRate: 1e6, KnownRate: 1e6, TotalRate: 1e6, Transactions: many}
		})
		before := heap()
		octets := 0
		for i := range many {
			o.net.Forge(netip.AddrPortFrom(farIP, 5060), udpAddr(nearIP), registerText(i))
			if i%100 == 0 {
				synctest.Wait()
			}
		}
		synctest.Wait()
		in(s, func() {
			for _, t := range s.servers {
				octets = cap(t.machine.Octets())
				break
			}
		})
		each := (int64(heap()) - int64(before)) / many
		t.Logf("%d octets a finished transaction, %d of them its response", each, octets)
		if n := s.Counters().ServerTransactions; n != many || each > 900 {
			t.Errorf("%d transactions, %d octets each", n, each)
		}
		start := time.Now()
		wait(33 * time.Second)
		if n := s.Counters().ServerTransactions; n != 0 || time.Since(start) < 32*time.Second {
			t.Errorf("%d left", n)
		}
		if left := int64(heap()) - int64(before); left > 2<<20 {
			t.Errorf("%d KB left", left>>10)
		}
	})
}
