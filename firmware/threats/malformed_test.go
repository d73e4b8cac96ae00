package threats

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
	"time"

	"chordophone/sip/wire/wiretest"
)

// T14: malformed SIP, SDP, XML and DNS, from strangers and from a client, over UDP and
// TCP. The telephone lives, and its client calls it.
func TestMalformed(t *testing.T) {
	t.Parallel()
	p := found(t, 14, "alice")
	alice := p.tcp(50, "alice").register()
	rng := rand.New(rand.NewPCG(14, 14))
	var sources []*agent
	for i := range 100 {
		sources = append(sources, p.udp(100+i, 0, "x"))
	}
	sent := 0
	began := time.Now()
	send := func(data []byte) {
		a := sources[sent%len(sources)]
		a.sock.WriteToUDP(data, a.to)
		sent++
		pace(began, sent, 900)
	}
	all := wiretest.Torture()
	for _, c := range all {
		send(c.Data)
		for range 20 {
			send(c.Data[:rng.IntN(len(c.Data)+1)])
			b := bytes.Clone(c.Data)
			for range 1 + rng.IntN(8) {
				b[rng.IntN(len(b))] = byte(rng.Uint32())
			}
			send(b)
			d := all[rng.IntN(len(all))].Data
			send(append(b[:rng.IntN(len(b))], d[rng.IntN(len(d)):]...))
		}
	}
	// The same over connections, which may be closed for it.
	streams := 0
	for i, c := range all {
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 41, byte(100+i))}, Timeout: soon}
		conn, err := d.Dial("tcp", p.addr())
		if err != nil {
			t.Fatal(err)
		}
		conn.Write(c.Data)
		conn.Write(c.Data[:len(c.Data)/2])
		conn.Close()
		streams++
	}
	// What a client may send further than a stranger.
	bodies := []string{
		"", "v=0", "v=0\r\n", strings.Repeat("a=x\r\n", 5000), "v=0\r\no=- 1 1 IN IP4 127.0.41.50\r\ns=-\r\nc=IN IP4 255.255.255.255\r\nt=0 0\r\nm=audio 99999 RTP/AVP 8\r\n",
		"v=0\r\no=- 99999999999999999999 1 IN IP4 x\r\ns=-\r\nt=0 0\r\nm=audio -1 RTP/AVP " + strings.Repeat("8 ", 3000) + "\r\n",
		"<?xml version=\"1.0\"?><!DOCTYPE a [<!ENTITY b \"" + strings.Repeat("b", 1000) + "\">]><presence>" + strings.Repeat("&b;", 2000) + "</presence>",
		strings.Repeat("<presence>", 4000), "<presence xmlns=\"urn:ietf:params:xml:ns:pidf\"", strings.Repeat("\x00\xff", 2000),
	}
	statuses := map[int]int{}
	requests := 0
	for i, body := range bodies {
		for _, tt := range []struct{ method, uri, fields string }{
			{"INVITE", "sip:101@office", "Content-Type: application/sdp"},
			{"PUBLISH", "sip:alice@office", "Event: presence\nContent-Type: application/pidf+xml"},
			{"SUBSCRIBE", "sip:101@office", "Event: presence\nExpires: 99999999999\nAccept: " + strings.Repeat("x/y, ", 200) + "x/z"},
			{"MESSAGE", "sip:alice@office", "Content-Type: message/cpim"},
			{"OPTIONS", "sip:101@office", "Content-Type: multipart/mixed;boundary=\"" + strings.Repeat("x", 900) + "\""},
			{"REFER", "sip:101@office", "Refer-To: <sip:101@office?Replaces=" + strings.Repeat("%00", 300) + ">"},
		} {
			alice.call = fmt.Sprintf("bad-%d-%s", i, tt.method)
			alice.request(tt.method, tt.uri, "<"+tt.uri+">", tt.fields, body)
			for wait := time.Second; ; wait = 50 * time.Millisecond {
				m, ok := alice.receive(wait)
				if !ok {
					break
				}
				if m.status() == 0 && !strings.HasPrefix(m.start, "ACK ") {
					alice.respond(m, "488 Not Acceptable Here", "", "")
				}
				if m.status() == 180 { // what can be read may ring: given up
					alice.send(fmt.Sprintf("CANCEL %s SIP/2.0\nVia: SIP/2.0/TCP %s;branch=%s;rport\nMax-Forwards: 70\nFrom: <sip:alice@office>;tag=f%s\nTo: <%s>\nCall-ID: %s\nCSeq: %d CANCEL\n",
						tt.uri, alice.local, alice.branch, alice.call, tt.uri, alice.call, alice.n), "")
				}
				if m.status() >= 200 {
					alice.acknowledge(tt.method, tt.uri, m)
				}
				statuses[m.status()]++
			}
			requests++
		}
	}
	dns, err := net.Dial("udp", p.ip+":10053")
	if err != nil {
		t.Fatal(err)
	}
	defer dns.Close()
	for n := range 2000 {
		b := make([]byte, rng.IntN(600))
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		if len(b) > 12 && n%2 == 0 { // looks like a question
			copy(b, []byte{0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0})
		}
		dns.Write(b)
		pace(began, n, 2000)
	}
	t.Logf("%d datagrams, %d streams, %d requests of a client with answers %v, 2000 to DNS", sent, streams, requests, statuses)
	if !p.alive() {
		t.Fatal("the telephone is dead")
	}
	honest := p.udp(51, 0, "alice").register()
	honest.call += "x"
	ringsOnce(t, p, honest)
}
