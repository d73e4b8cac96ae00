package threats

import (
	"encoding/binary"
	"fmt"
	"math"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"chordophone/hal/wav"
)

// rtp makes one packet of PCMA; loud is a tone, otherwise it is silence.
func rtp(ssrc uint32, seq uint16, loud bool) []byte {
	b := make([]byte, 12+160)
	b[0], b[1] = 0x80, 8
	binary.BigEndian.PutUint16(b[2:], seq)
	binary.BigEndian.PutUint32(b[4:], uint32(seq)*160)
	binary.BigEndian.PutUint32(b[8:], ssrc)
	for i := range 160 {
		b[12+i] = 0xD5 // zero
		if loud && i/4%2 == 0 {
			b[12+i] = 0xAA // full scale
		} else if loud {
			b[12+i] = 0x2A
		}
	}
	return b
}

// T7: a client without SRTP is in a call with the telephone, and silent. 100,000
// packets of noise come to the telephone's port: from another address, from another
// port of the client's address and with another SSRC over the client's own socket.
// None is heard, and nothing is sent to who sent them. What the client itself says
// afterwards is heard.
func TestInjection(t *testing.T) {
	t.Parallel()
	p := found(t, 5, "alice")
	listen := func(ip string, port int) *net.UDPConn {
		conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.ParseIP(ip), Port: port})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		return conn
	}
	voice := listen("127.0.41.50", 0)
	port := voice.LocalAddr().(*net.UDPAddr).Port
	other, sameHost := listen("127.0.41.98", 0), listen("127.0.41.50", 0)

	a := p.udp(50, 0, "alice").register()
	const uri = "sip:101@office"
	a.request("INVITE", uri, "<"+uri+">", "Content-Type: application/sdp\n", offer(port))
	m, _ := a.final(soon)
	a.acknowledge("INVITE", uri, m)
	a.request("INVITE", uri, "<"+uri+">", a.credentials(m, "INVITE", uri)+"\nContent-Type: application/sdp\n", offer(port))
	p.expect("ringing", rings)
	p.do("off")
	m, ok := a.final(soon)
	if !ok || m.status() != 200 {
		t.Fatalf("INVITE: %q", m.start)
	}
	d := newDialog(a, m)
	d.send("ACK", "", "")
	_, rest, _ := strings.Cut(m.body, "m=audio ")
	far, _ := strconv.Atoi(strings.Fields(rest)[0])
	to := &net.UDPAddr{IP: net.ParseIP(p.ip), Port: far}

	seq := uint16(0)
	say := func(d time.Duration, loud bool, during func()) {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for end := time.Now().Add(d); time.Now().Before(end); <-tick.C {
			seq++
			voice.WriteToUDP(rtp(1, seq, loud), to)
			if during != nil {
				during()
			}
		}
	}
	say(time.Second, false, nil)
	const packets = 100000
	sent := 0
	began := time.Now()
	for sent < packets { // the client is silent in its own time
		seq++
		voice.WriteToUDP(rtp(1, seq, false), to)
		for range 400 {
			sent++
			switch n := uint16(sent); sent % 3 {
			case 0:
				other.WriteToUDP(rtp(1, seq+1+n%8, true), to)
			case 1:
				sameHost.WriteToUDP(rtp(1, seq+1+n%8, true), to)
			case 2:
				voice.WriteToUDP(rtp(99, n, true), to)
			}
		}
		time.Sleep(time.Until(began.Add(time.Duration(sent/400) * 20 * time.Millisecond)))
	}
	took := time.Since(began)
	say(time.Second, false, nil)
	say(time.Second, true, nil) // the control
	say(500*time.Millisecond, false, nil)
	p.do("on")
	p.expect("the end of the call", callEnded)
	leaked := 0
	for _, s := range []*net.UDPConn{other, sameHost} {
		s.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		buf := make([]byte, 2000)
		for {
			n, _, err := s.ReadFromUDP(buf)
			if err != nil {
				break
			}
			leaked += n
		}
	}
	heard := 0
	voice.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	for buf := make([]byte, 2000); ; heard++ {
		if _, _, err := voice.ReadFromUDP(buf); err != nil {
			break
		}
	}
	p.stop()
	ear, err := wav.ReadFile(p.ear)
	if err != nil {
		t.Fatal(err)
	}
	loud := loudTime(ear.At(16000))
	t.Logf("%d packets sprayed in %v: %d octets leaked; the client's own second was heard for %v; the client got %d packets", packets, took.Round(time.Second), leaked, loud, heard)
	if leaked != 0 {
		t.Error("octets leaked")
	}
	if loud < 700*time.Millisecond || loud > 1300*time.Millisecond {
		t.Errorf("loud for %v, want the client's own second and nothing else", loud)
	}
	if heard == 0 {
		t.Error("the client got nothing: the meter of leaks does not move")
	}
}

// loudTime is for how long something near full scale was heard.
func loudTime(samples []int16) (d time.Duration) {
	const frame = 320
	for at := 0; at+frame <= len(samples); at += frame {
		sum := 0.0
		for _, s := range samples[at : at+frame] {
			sum += float64(s) * float64(s)
		}
		if math.Sqrt(sum/frame) > 12000 {
			d += 20 * time.Millisecond
		}
	}
	return d
}

// dialog is one that an agent is in as caller.
type dialog struct {
	*agent
	target, to, routes string
}

// newDialog is what a 2xx made.
func newDialog(a *agent, ok message) *dialog {
	d := &dialog{agent: a, to: ok.Get("To")}
	d.target = strings.Trim(strings.Split(ok.Get("Contact"), ">")[0], "<")
	routes := ok.Values("Record-Route")
	for i := len(routes) - 1; i >= 0; i-- {
		d.routes += "Route: " + routes[i] + "\n"
	}
	return d
}

// text is a request in the dialog as somebody at local would send it.
func (d *dialog) text(method, local, transport string, cseq int, fields, body string) string {
	head := fmt.Sprintf("%s %s SIP/2.0\nVia: SIP/2.0/%s %s;branch=z9hG4bK%s%d%s;rport\nMax-Forwards: 70\n%sFrom: <sip:%s@office>;tag=f%s\nTo: %s\nCall-ID: %s\nCSeq: %d %s\nContact: <sip:%s@%s>\n%sContent-Length: %d\n",
		method, d.target, transport, local, method, cseq, strings.ReplaceAll(local, ":", "-"), d.routes, d.user, d.call, d.to, d.call, cseq, method, d.user, local, fields, len(body))
	return strings.ReplaceAll(head, "\n", "\r\n") + "\r\n" + body
}

func (d *dialog) send(method, fields, body string) {
	if method != "ACK" {
		d.n++
	}
	d.branch = fmt.Sprintf("z9hG4bK%s%d%s", method, d.n, strings.ReplaceAll(d.local, ":", "-"))
	d.sent = d.text(method, d.local, d.transport(), d.n, fields, body)
	d.write(d.sent)
}
