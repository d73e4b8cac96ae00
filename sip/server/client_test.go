package server

import (
	"crypto/md5"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"chordophone/sip/siptest"
	"chordophone/sip/wire"
)

// client is somebody at an address with, perhaps, a password.
type client struct {
	*siptest.Peer
	t              testing.TB
	user, password string
	domain         string
	n              int
	branch         string
}

// client plays over "udp", "tcp" or "tls" at 10.0.1.N.
func (p *phone) client(user, transport string) *client {
	return p.clientAt(netip.AddrFrom4([4]byte{10, 0, 1, user[2] - '0'}), user, transport)
}

func (p *phone) clientAt(ip netip.Addr, user, transport string) *client {
	p.t.Helper()
	port := uint16(5060)
	if transport == "tls" {
		port = 5061
	}
	c := &client{Peer: siptest.Client(p.t, p.net, ip, transport, netip.AddrPortFrom(p.ip, port)), t: p.t, user: user, password: "pw" + user, domain: "office"}
	c.Vars["Me"], c.Vars["ID"] = user, fmt.Sprintf("%s-%d", c.Vars["Local"], p.stack.Counters().Transactions)
	return c
}

// request sends one out of dialog; head is further fields, and perhaps a body.
func (c *client) request(method, uri, head string) {
	c.n++
	c.branch = fmt.Sprintf("z9hG4bK%s%d", wire.Token(), c.n)
	from := c.Vars["From-AOR"]
	if from == "" {
		from = c.user + "@" + c.domain
	}
	to := strings.TrimPrefix(uri, "sip:")
	if method == "REGISTER" {
		to = from
	}
	to = "<sip:" + to + ">"
	if c.Vars["To-Full"] != "" {
		to = c.Vars["To-Full"]
	}
	c.Send(fmt.Sprintf("%s %s SIP/2.0\nVia: SIP/2.0/${Transport} ${Local};branch=%s;rport\nMax-Forwards: 70\nFrom: <sip:%s>;tag=t%s\nTo: %s\nCall-ID: ${ID}\nCSeq: %d %s\nContact: <sip:${Me}@${Local};transport=${Transport}>\n%s",
		method, uri, c.branch, from, c.user, to, c.n, method, strings.TrimLeft(head, "\n")))
}

// ask sends a request, answers a challenge, and returns the final answer.
func (c *client) ask(method, uri, head string) siptest.Message {
	c.t.Helper()
	c.request(method, uri, head)
	m := c.final()
	if strings.HasPrefix(m.Start, "SIP/2.0 40") && c.password != "" {
		if cred := c.credentials(m, method, uri); cred != "" {
			if method == "INVITE" {
				c.ack(m, uri)
			}
			c.request(method, uri, cred+head)
			m = c.final()
		}
	}
	return m
}

func (c *client) final() siptest.Message {
	c.t.Helper()
	for {
		if m := c.Expect("^SIP/2.0 "); !strings.HasPrefix(m.Start, "SIP/2.0 1") {
			return m
		}
	}
}

// ack acknowledges a refusal.
func (c *client) ack(m siptest.Message, uri string) {
	c.Send("ACK " + uri + " SIP/2.0\nVia: SIP/2.0/${Transport} ${Local};branch=" + c.branch + ";rport\nMax-Forwards: 70\nFrom: " + m.Get("From") + "\nTo: " + m.Get("To") +
		"\nCall-ID: " + m.Get("Call-Id") + "\nCSeq: " + strings.Fields(m.Get("Cseq"))[0] + " ACK\n")
}

// credentials is the field that answers a challenge, if it is one.
func (c *client) credentials(m siptest.Message, method, uri string) string {
	name, values := "Authorization", m.Header["Www-Authenticate"]
	if strings.HasPrefix(m.Start, "SIP/2.0 407") {
		name, values = "Proxy-Authorization", m.Header["Proxy-Authenticate"]
	}
	for _, v := range values {
		if !strings.Contains(v, "algorithm=MD5") {
			continue
		}
		_, rest, _ := strings.Cut(v, `nonce="`)
		nonce, _, _ := strings.Cut(rest, `"`)
		h := func(s string) string { return fmt.Sprintf("%x", md5.Sum([]byte(s))) }
		response := h(strings.Join([]string{h(c.user + ":office:" + c.password), nonce, "00000001", "c", "auth", h(method + ":" + uri)}, ":"))
		return fmt.Sprintf("%s: Digest username=\"%s\",realm=\"office\",nonce=\"%s\",uri=\"%s\",response=\"%s\",algorithm=MD5,cnonce=\"c\",qop=auth,nc=00000001\n",
			name, c.user, nonce, uri, response)
	}
	return ""
}

// want fails unless an answer has a status.
func (c *client) want(what string, m siptest.Message, status int) {
	c.t.Helper()
	if !strings.HasPrefix(m.Start, fmt.Sprintf("SIP/2.0 %d ", status)) {
		c.t.Errorf("%s: %q, want %d", what, m.Start, status)
	}
}

func (c *client) register() *client {
	c.t.Helper()
	c.want("REGISTER", c.ask("REGISTER", "sip:"+c.domain, "Expires: 600\n"), 200)
	return c
}

// answer responds to what was expected last.
func (c *client) answer(status, fields string) {
	m := c.Last
	var vias strings.Builder
	for _, name := range []string{"Via", "Record-Route"} {
		for _, v := range m.Header[name] {
			vias.WriteString(name + ": " + v + "\n")
		}
	}
	to := m.Get("To")
	if !strings.Contains(to, "tag=") {
		to += ";tag=far" + c.user
	}
	c.Send("SIP/2.0 " + status + "\n" + vias.String() + "From: " + m.Get("From") + "\nTo: " + to + "\nCall-ID: " + m.Get("Call-Id") + "\nCSeq: " + m.Get("Cseq") + "\n" + fields)
}
