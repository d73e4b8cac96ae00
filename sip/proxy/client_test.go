package proxy

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"chordophone/sip/siptest"
	"chordophone/sip/wire"
)

// client is an existing telephone at 10.0.1.N.
type client struct {
	*siptest.Peer
	t    testing.TB
	user string
	at   netip.AddrPort
	own  string // its contact
	conn *anybody
}

// anybody makes a connection of a PacketConn: it hears all, and answers where the
// last message came from.
type anybody struct {
	net.PacketConn
	mu   sync.Mutex
	to   net.Addr
	rest []byte
}

func (a *anybody) Read(b []byte) (int, error) {
	for len(a.rest) == 0 {
		buf := make([]byte, 64<<10)
		n, from, err := a.ReadFrom(buf)
		if err != nil {
			return 0, err
		}
		a.mu.Lock()
		a.to = from
		a.mu.Unlock()
		a.rest = buf[:n]
	}
	n := copy(b, a.rest)
	a.rest = a.rest[n:]
	return n, nil
}

func (a *anybody) Write(b []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.WriteTo(b, a.to)
}

func (a *anybody) RemoteAddr() net.Addr { return nil }

// client registers user "202" on UDP at 10.0.1.2 with a phone.
func (p *phone) client(user string) *client {
	p.t.Helper()
	at := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 1, user[2] - '0'}), 5060)
	conn, err := p.net.Packets(at)
	if err != nil {
		p.t.Fatal(err)
	}
	a := &anybody{PacketConn: conn, to: net.UDPAddrFromAddrPort(netip.AddrPortFrom(p.ip, 5060))}
	c := &client{Peer: siptest.NewPeer(p.t, a), t: p.t, user: user, at: at, own: "sip:" + user + "@" + at.String(), conn: a}
	c.Vars["Me"], c.Vars["Contact"], c.Vars["Sent-By"] = user, c.own, "UDP "+at.String()
	c.Vars["Tag"] = "t" + user
	p.bind(user+"@office", c.own, "")
	return c
}

// connected registers a user over TCP.
func (p *phone) connected(user string) *client {
	p.t.Helper()
	ip := netip.AddrFrom4([4]byte{10, 0, 1, user[2] - '0'})
	conn, err := p.net.Dial(context.Background(), ip, netip.AddrPortFrom(p.ip, 5060))
	if err != nil {
		p.t.Fatal(err)
	}
	c := &client{Peer: siptest.NewPeer(p.t, conn), t: p.t, user: user, own: "sip:" + user + "@" + ip.String() + ";transport=tcp"}
	c.Vars["Me"], c.Vars["Contact"], c.Vars["Sent-By"] = user, c.own, "TCP "+ip.String()
	c.Vars["Tag"] = "t" + user
	return c
}

// aim has what the client sends go to a phone.
func (c *client) aim(p *phone) {
	c.conn.mu.Lock()
	defer c.conn.mu.Unlock()
	c.conn.to = net.UDPAddrFromAddrPort(netip.AddrPortFrom(p.ip, 5060))
}

// invite calls a user; extra are further fields.
func (c *client) invite(to, extra string) {
	c.Vars["Call"], c.Vars["Branch-Of-Invite"] = wire.Token(), "z9hG4bK"+wire.Token()
	c.Vars["Far"] = to
	c.Send(`INVITE sip:` + to + `@office SIP/2.0
Via: SIP/2.0/${Sent-By};branch=${Branch-Of-Invite}
Max-Forwards: 70
From: "A caller" <sip:${Me}@office>;tag=t${Me}
To: <sip:` + to + `@office>
Call-ID: ${Call}
CSeq: 1 INVITE
Contact: <${Contact}>
` + strings.TrimLeft(extra, "\n") + `Content-Type: application/sdp

v=0
`)
}

// all writes out every field of a name that the last message has.
func all(m siptest.Message, name string) string {
	var b strings.Builder
	for _, v := range m.Header[name] {
		b.WriteString(name + ": " + v + "\n")
	}
	return b.String()
}

// answer responds to what the client expected last.
func (c *client) answer(status, extra string) { c.answerTo(c.Last, status, extra) }

func (c *client) answerTo(m siptest.Message, status, extra string) {
	to := m.Get("To")
	if !strings.Contains(to, "tag=") && !strings.HasPrefix(status, "100") {
		to += ";tag=t" + c.user
	}
	c.Send("SIP/2.0 " + status + "\n" + all(m, "Via") + all(m, "Record-Route") + "From: " + m.Get("From") + "\nTo: " + to +
		"\nCall-ID: " + m.Get("Call-Id") + "\nCSeq: " + m.Get("Cseq") + "\nContact: <" + c.own + ">\n" + strings.TrimLeft(extra, "\n"))
}

// dialogOf is what an in-dialog request says, made of the INVITE or its response
// that the client got: it is the callee of an INVITE, the caller of a response.
func (c *client) dialogOf(m siptest.Message) func(method, cseq, extra string) string {
	routes := append([]string(nil), m.Header["Record-Route"]...)
	from, to := m.Get("To"), m.Get("From")
	if strings.HasPrefix(m.Start, "SIP/2.0") {
		from, to = to, from
		for i, j := 0, len(routes)-1; i < j; i, j = i+1, j-1 {
			routes[i], routes[j] = routes[j], routes[i]
		}
	} else if !strings.Contains(from, "tag=") {
		from += ";tag=t" + c.user
	}
	target := strings.Trim(m.Get("Contact"), "<>")
	return func(method, cseq, extra string) string {
		var b strings.Builder
		b.WriteString(method + " " + target + " SIP/2.0\nVia: SIP/2.0/${Sent-By};branch=z9hG4bK" + wire.Token() + "\nMax-Forwards: 70\n")
		for _, r := range routes {
			b.WriteString("Route: " + r + "\n")
		}
		b.WriteString("From: " + from + "\nTo: " + to + "\nCall-ID: " + m.Get("Call-Id") + "\nCSeq: " + cseq + " " + method + "\n")
		if method == "INVITE" {
			b.WriteString("Contact: <${Contact}>\n")
		}
		return b.String() + strings.TrimLeft(extra, "\n")
	}
}

// talk sets up a call and returns the dialog of either side.
func (c *client) talk(b *client) (caller, callee func(method, cseq, extra string) string) {
	c.t.Helper()
	c.invite(b.user, "")
	c.Expect("^SIP/2.0 100 ")
	inv := b.Expect("^INVITE ")
	b.answer("200 OK", "")
	caller, callee = c.dialogOf(c.Expect("^SIP/2.0 200 ")), b.dialogOf(inv)
	c.Send(caller("ACK", "1", ""))
	b.Expect("^ACK ")
	return caller, callee
}

// hangUp ends a call, given what makes its requests (dialogOf), and far says so, too.
func (c *client) hangUp(request func(method, cseq, extra string) string, cseq string, far *client) {
	c.t.Helper()
	c.Send(request("BYE", cseq, ""))
	far.Expect("^BYE ")
	far.answer("200 OK", "")
	c.Expect("^SIP/2.0 200 ")
}

// same fails unless two lists are the same.
func same(t testing.TB, what string, got []string, want ...string) {
	t.Helper()
	if strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}
