package siptest

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/textproto"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Peer plays a far end. What it expects it must get within Patience; what
// comes unexpected fails the next Expect.
type Peer struct {
	t        testing.TB
	conn     net.Conn
	got      chan Message
	Patience time.Duration

	// Last is the message that Expect or Reply met last. In texts, ${Via},
	// ${From}, ${To}, ${Call-ID}, ${CSeq} and so on stand for its fields,
	// ${Branch}, ${From-Tag}, ${To-Tag}, ${Contact-URI} for parts of them.
	Last Message
	// Vars stand for themselves in texts and win over fields of Last.
	Vars map[string]string
}

// Message is what came, as it came.
type Message struct {
	Start  string
	Header textproto.MIMEHeader
	Body   string
}

// Get is the first value of a field.
func (m Message) Get(name string) string { return m.Header.Get(name) }

// NewPeer plays over a connection, which it closes when the test ends.
func NewPeer(t testing.TB, conn net.Conn) *Peer {
	p := &Peer{t: t, conn: conn, got: make(chan Message, 256), Patience: 5 * time.Second, Vars: map[string]string{}}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer close(p.got)
		r := bufio.NewReader(conn)
		for {
			m, err := readMessage(r)
			if err != nil {
				return
			}
			p.got <- m
		}
	}()
	t.Cleanup(func() {
		p.Close()
		<-done
	})
	return p
}

// Client plays a client of the phone at addr, over "udp", "tcp" or "tls" (without a
// certificate), from a port of its own at ip. In its texts ${Local} stands for that
// address and port, ${Transport} for the transport as a Via names it.
func Client(t testing.TB, n *Network, ip netip.Addr, transport string, addr netip.AddrPort) *Peer {
	t.Helper()
	if transport == "udp" {
		c, err := n.Packets(netip.AddrPortFrom(ip, 0))
		if err != nil {
			t.Fatal(err)
		}
		return NewPacketPeer(t, c, addr)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	conn, err := n.Dial(ctx, ip, addr)
	if err != nil {
		t.Fatal(err)
	}
	local := conn.LocalAddr().String()
	var p *Peer
	if transport == "tls" {
		p = Dial(t, conn, &tls.Config{InsecureSkipVerify: true})
	} else {
		p = NewPeer(t, conn)
	}
	p.Vars["Local"], p.Vars["Transport"] = local, strings.ToUpper(transport)
	return p
}

// NewPacketPeer plays over datagrams to and from addr; what others send is not
// heard. It closes conn when the test ends.
func NewPacketPeer(t testing.TB, conn net.PacketConn, addr netip.AddrPort) *Peer {
	p := NewPeer(t, &datagrams{PacketConn: conn, to: net.UDPAddrFromAddrPort(addr)})
	p.Vars["Local"], p.Vars["Transport"] = conn.LocalAddr().String(), "UDP"
	return p
}

// datagrams makes a connection of a PacketConn: a message, a datagram.
type datagrams struct {
	net.PacketConn
	to   net.Addr
	rest []byte
}

func (d *datagrams) Read(b []byte) (int, error) {
	for len(d.rest) == 0 {
		buf := make([]byte, 64<<10)
		n, from, err := d.ReadFrom(buf)
		if err != nil {
			return 0, err
		}
		if from.String() == d.to.String() {
			d.rest = buf[:n]
		}
	}
	n := copy(b, d.rest)
	d.rest = d.rest[n:]
	return n, nil
}

func (d *datagrams) Write(b []byte) (int, error) { return d.WriteTo(b, d.to) }
func (d *datagrams) RemoteAddr() net.Addr        { return d.to }

// Dial connects over TLS as user and plays.
func Dial(t testing.TB, conn net.Conn, client *tls.Config) *Peer {
	t.Helper()
	tc := tls.Client(conn, client)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := tc.HandshakeContext(ctx); err != nil {
		t.Fatal("siptest: handshake: ", err)
	}
	return NewPeer(t, tc)
}

// Accept waits for a connection, takes it over TLS and plays.
func Accept(t testing.TB, l net.Listener, server *tls.Config) *Peer {
	t.Helper()
	conn, err := l.Accept()
	if err != nil {
		t.Fatal("siptest: accept: ", err)
	}
	tc := tls.Server(conn, server)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := tc.HandshakeContext(ctx); err != nil {
		t.Fatal("siptest: handshake: ", err)
	}
	return NewPeer(t, tc)
}

func readMessage(r *bufio.Reader) (Message, error) {
	tp := textproto.NewReader(r)
	var m Message
	for m.Start == "" { // CRLF before a message is a keep-alive
		line, err := tp.ReadLine()
		if err != nil {
			return m, err
		}
		m.Start = line
	}
	h := textproto.MIMEHeader{}
	for { // by hand: net/textproto refuses what a far end may echo
		line, err := tp.ReadLine()
		if err != nil {
			return m, err
		}
		if line == "" {
			break
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			return m, fmt.Errorf("siptest: no header field: %q", line)
		}
		h.Add(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	m.Header = h
	n, err := strconv.Atoi(h.Get("Content-Length"))
	if err != nil {
		return m, fmt.Errorf("siptest: Content-Length: %w", err)
	}
	body := make([]byte, n)
	_, err = io.ReadFull(r, body)
	m.Body = string(body)
	return m, err
}

// Close ends the connection.
func (p *Peer) Close() { p.conn.Close() }

// Write sends bytes as they are. That the connection has ended is for the next
// expectation to find.
func (p *Peer) Write(text string) { io.WriteString(p.conn, text) }

// Send sends a message: variables filled in, lines ended by CRLF, blanks at
// their beginnings removed, Content-Length added if it is not there.
func (p *Peer) Send(text string) {
	text = strings.TrimLeft(p.expand(text), "\n\t ")
	head, body, _ := strings.Cut(trimLines(text), "\n\n")
	head = strings.TrimRight(head, "\n")
	body = strings.ReplaceAll(body, "\n", "\r\n")
	if !strings.Contains(strings.ToLower(head), "\ncontent-length:") && !strings.Contains(strings.ToLower(head), "\nl:") {
		head += fmt.Sprintf("\nContent-Length: %d", len(body))
	}
	p.Write(strings.ReplaceAll(head, "\n", "\r\n") + "\r\n\r\n" + body)
}

func trimLines(text string) string {
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		lines[i] = strings.TrimSpace(l)
	}
	return strings.Join(lines, "\n")
}

// Reply answers Last: status is "180 Ringing"; extra are further header fields
// and, after an empty line, a body. The To tag is ${Tag}, "far" if not set.
func (p *Peer) Reply(status, extra string) {
	p.t.Helper()
	if p.Vars["Tag"] == "" {
		p.Vars["Tag"] = "far"
	}
	to := "${To}"
	if !strings.Contains(p.Last.Get("To"), "tag=") && !strings.HasPrefix(status, "100") {
		to += ";tag=${Tag}"
	}
	p.Send("SIP/2.0 " + status + "\nVia: ${Via}\nFrom: ${From}\nTo: " + to + "\nCall-ID: ${Call-ID}\nCSeq: ${CSeq}\n" + strings.TrimLeft(extra, "\n\t "))
}

var (
	branchParam = regexp.MustCompile(`;branch=([^;,\s]+)`)
	tagParam    = regexp.MustCompile(`;tag=([^;\s]+)`)
	uriInside   = regexp.MustCompile(`<([^>]+)>`)
)

func (p *Peer) expand(text string) string {
	part := func(re *regexp.Regexp, s string) string {
		if m := re.FindStringSubmatch(s); m != nil {
			return m[1]
		}
		return ""
	}
	return os.Expand(text, func(name string) string {
		if v, ok := p.Vars[name]; ok {
			return v
		}
		switch name {
		case "Branch":
			return part(branchParam, p.Last.Get("Via"))
		case "From-Tag":
			return part(tagParam, p.Last.Get("From"))
		case "To-Tag":
			return part(tagParam, p.Last.Get("To"))
		case "Contact-URI":
			return part(uriInside, p.Last.Get("Contact"))
		}
		return p.Last.Get(name)
	})
}

// Expect takes the next message, whose start line must match the pattern.
func (p *Peer) Expect(pattern string) Message {
	p.t.Helper()
	timer := time.NewTimer(p.Patience)
	defer timer.Stop()
	select {
	case m, ok := <-p.got:
		if !ok {
			p.t.Fatalf("siptest: connection ended; want %s", pattern)
		}
		if !regexp.MustCompile(pattern).MatchString(m.Start) {
			p.t.Fatalf("siptest: got %q; want %s", m.Start, pattern)
		}
		p.Last = m
		return m
	case <-timer.C:
		p.t.Fatalf("siptest: nothing came in %v; want %s", p.Patience, pattern)
	}
	panic("unreachable")
}

// Drain reads and forgets whatever comes from now on.
func (p *Peer) Drain() {
	go func() {
		for range p.got {
		}
	}()
}

// Quiet fails if anything comes for so long.
func (p *Peer) Quiet(d time.Duration) {
	p.t.Helper()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case m, ok := <-p.got:
		if ok {
			p.t.Fatalf("siptest: got %q; want nothing", m.Start)
		}
		p.t.Fatal("siptest: connection ended; want quiet")
	case <-timer.C:
	}
}

// Closed fails unless the far side ends the connection.
func (p *Peer) Closed() {
	p.t.Helper()
	timer := time.NewTimer(p.Patience)
	defer timer.Stop()
	for {
		select {
		case m, ok := <-p.got:
			if !ok {
				return
			}
			p.t.Logf("siptest: before the end came %q", m.Start)
		case <-timer.C:
			p.t.Fatal("siptest: connection still open")
		}
	}
}
