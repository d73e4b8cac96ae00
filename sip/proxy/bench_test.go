package proxy

import (
	"bytes"
	"fmt"
	"net"
	"runtime"
	"testing"
	"time"

	"chordophone/sip/stack"
)

// plain is a client that costs little: datagrams in, datagrams out.
type plain struct {
	net.PacketConn
	to  net.Addr
	buf []byte
	out bytes.Buffer
}

func newPlain(o *office, at string, to *phone) *plain {
	c, err := o.net.Packets(addr(at))
	if err != nil {
		o.t.Fatal(err)
	}
	o.t.Cleanup(func() { c.Close() })
	return &plain{PacketConn: c, to: net.UDPAddrFromAddrPort(addr(to.ip.String() + ":5060")), buf: make([]byte, 65536)}
}

// get is the next message that begins so; others are passed over.
func (c *plain) get(start string) []byte {
	for {
		n, _, err := c.ReadFrom(c.buf)
		if err != nil {
			return nil
		}
		if bytes.HasPrefix(c.buf[:n], []byte(start)) {
			return c.buf[:n]
		}
	}
}

func (c *plain) send(format string, args ...any) {
	c.out.Reset()
	fmt.Fprintf(&c.out, format, args...)
	c.WriteTo(c.out.Bytes(), c.to)
}

// reply answers a request.
func (c *plain) reply(req []byte, status string, body string) {
	c.out.Reset()
	c.out.WriteString("SIP/2.0 " + status + "\r\n")
	for line := range bytes.SplitAfterSeq(req, []byte("\r\n")) {
		for _, name := range []string{"Via:", "Record-Route:", "From:", "Call-ID:", "CSeq:"} {
			if bytes.HasPrefix(line, []byte(name)) {
				c.out.Write(line)
			}
		}
		if bytes.HasPrefix(line, []byte("To:")) {
			c.out.Write(bytes.TrimRight(line, "\r\n"))
			if !bytes.Contains(line, []byte("tag=")) {
				c.out.WriteString(";tag=callee")
			}
			c.out.WriteString("\r\n")
		}
	}
	fmt.Fprintf(&c.out, "Contact: <sip:202@10.0.1.2:5060>\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	c.WriteTo(c.out.Bytes(), c.to)
}

const sdp = "v=0\r\no=- 1 1 IN IP4 10.0.1.1\r\ns=-\r\nc=IN IP4 10.0.1.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n"

// oneCall is INVITE, 100, 180, 200, ACK, BYE, 200.
func oneCall(a, b *plain, i int) {
	const head = "Max-Forwards: 70\r\nFrom: \"A\" <sip:201@office>;tag=a%d\r\nTo: <sip:202@office>%s\r\nCall-ID: call%d@10.0.1.1\r\nCSeq: %s\r\n"
	request := func(method, uri, route, tag, cseq, rest, body string) {
		a.send(method+" "+uri+" SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.1.1:5060;branch=z9hG4bK%s%d;rport\r\n"+route+head+"User-Agent: bench\r\n"+rest+"Content-Length: %d\r\n\r\n%s",
			cseq[2:], i, i, tag, i, cseq, len(body), body)
	}
	request("INVITE", "sip:202@office", "", "", "1 INVITE", "Contact: <sip:201@10.0.1.1:5060>\r\nAllow: INVITE, ACK, BYE, CANCEL, OPTIONS\r\nSupported: replaces\r\nContent-Type: application/sdp\r\n", sdp)
	inv := b.get("INVITE")
	b.reply(inv, "180 Ringing", "")
	b.reply(inv, "200 OK", sdp)
	a.get("SIP/2.0 200")
	const route = "Route: <sip:10.0.0.1:5060;lr>\r\n"
	request("ACK", "sip:202@10.0.1.2:5060", route, ";tag=callee", "1 ACK", "", "")
	b.get("ACK")
	request("BYE", "sip:202@10.0.1.2:5060", route, ";tag=callee", "2 BYE", "", "")
	b.reply(b.get("BYE"), "200 OK", "")
	a.get("SIP/2.0 200")
}

func benchOffice(t testing.TB) (*phone, *plain, *plain) {
	o := newOffice(t)
	p := o.phone("101", func(c *Config, s *stack.Config) {
		c.Calls = 1e6
		c.Dialogs = func(string, DialogState) {}
	})
	p.bind("202@office", "sip:202@10.0.1.2:5060", "")
	return p, newPlain(o, "10.0.1.1:5060", p), newPlain(o, "10.0.1.2:5060", p)
}

// BenchmarkCall is a whole call through the proxy, both clients on UDP.
func BenchmarkCall(b *testing.B) {
	_, caller, callee := benchOffice(b)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		oneCall(caller, callee, i)
	}
}

// What a finished call keeps until its transactions are over is a few KB.
func TestMemory(t *testing.T) {
	_, caller, callee := benchOffice(t)
	used := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	for i := range 100 {
		oneCall(caller, callee, i)
	}
	time.Sleep(time.Millisecond)
	before := used()
	const calls = 1000
	for i := range calls {
		oneCall(caller, callee, 1000+i)
	}
	if each := (used() - before) / calls; each > 16<<10 {
		t.Errorf("%d octets a finished call", each)
	} else {
		t.Logf("%d octets a finished call", each)
	}
}
