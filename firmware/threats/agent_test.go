package threats

import (
	"bufio"
	"crypto/md5"
	"fmt"
	"net"
	"net/textproto"
	"strconv"
	"strings"
	"testing"
	"time"
)

// message is what came: its start line, fields and body.
type message struct {
	start string
	textproto.MIMEHeader
	body string
}

func (m message) status() int {
	if len(m.start) < 11 || !strings.HasPrefix(m.start, "SIP/2.0 ") {
		return 0
	}
	n, _ := strconv.Atoi(m.start[8:11])
	return n
}

// parse reads a datagram; it need not be sound.
func parse(data string) message {
	head, body, _ := strings.Cut(data, "\r\n\r\n")
	lines := strings.Split(head, "\r\n")
	m := message{lines[0], textproto.MIMEHeader{}, body}
	for _, l := range lines[1:] {
		name, value, _ := strings.Cut(l, ":")
		m.Add(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	return m
}

// agent is somebody at an address of its own who speaks SIP over UDP or TCP.
type agent struct {
	t        testing.TB
	user     string
	password string
	conn     net.Conn // TCP, or nil
	sock     *net.UDPConn
	to       *net.UDPAddr
	local    string
	got      chan message
	n        int
	call     string
	branch   string
	sent     string // the last request
}

// udp is an agent at 127.0.41.host, from a free port or the one given.
func (p *phone) udp(host, port int, user string) *agent {
	p.t.Helper()
	to, _ := net.ResolveUDPAddr("udp", p.addr())
	sock, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 41, byte(host)), Port: port})
	if err != nil {
		p.t.Fatal(err)
	}
	a := &agent{t: p.t, user: user, password: "secret-" + user, sock: sock, to: to, local: sock.LocalAddr().String(), got: make(chan message, 4096)}
	a.call = "c" + strconv.FormatInt(time.Now().UnixNano(), 36)
	p.t.Cleanup(func() { sock.Close() })
	go func() {
		defer close(a.got)
		buf := make([]byte, 65536)
		for {
			n, _, err := sock.ReadFromUDP(buf)
			if err != nil {
				return
			}
			select {
			case a.got <- parse(string(buf[:n])):
			default:
			}
		}
	}()
	return a
}

// tcp is an agent over TCP.
func (p *phone) tcp(host int, user string) *agent {
	p.t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 41, byte(host))}, Timeout: soon}
	conn, err := d.Dial("tcp", p.addr())
	if err != nil {
		p.t.Fatal(err)
	}
	a := &agent{t: p.t, user: user, password: "secret-" + user, conn: conn, local: conn.LocalAddr().String(), got: make(chan message, 4096)}
	a.call = "c" + strconv.FormatInt(time.Now().UnixNano(), 36)
	p.t.Cleanup(func() { conn.Close() })
	go func() {
		defer close(a.got)
		r := bufio.NewReader(conn)
		for {
			var text strings.Builder
			for !strings.HasSuffix(text.String(), "\r\n\r\n") {
				line, err := r.ReadString('\n')
				if err != nil {
					return
				}
				text.WriteString(line)
			}
			m := parse(text.String())
			n, _ := strconv.Atoi(m.Get("Content-Length"))
			body := make([]byte, n)
			for at := 0; at < n; {
				k, err := r.Read(body[at:])
				if err != nil {
					return
				}
				at += k
			}
			m.body = string(body)
			a.got <- m
		}
	}()
	return a
}

func (a *agent) transport() string {
	if a.conn != nil {
		return "TCP"
	}
	return "UDP"
}

// write sends octets as they are.
func (a *agent) write(text string) {
	if a.conn != nil {
		a.conn.Write([]byte(text))
	} else {
		a.sock.WriteToUDP([]byte(text), a.to)
	}
}

// send sends a message written with \n, without Content-Length.
func (a *agent) send(head, body string) {
	head = strings.ReplaceAll(strings.TrimSpace(head), "\n", "\r\n")
	a.sent = fmt.Sprintf("%s\r\nContent-Length: %d\r\n\r\n%s", head, len(body), body)
	a.write(a.sent)
}

// request is one from this user; fields go before the body.
func (a *agent) request(method, uri, to, fields, body string) {
	a.n++
	a.branch = fmt.Sprintf("z9hG4bK%s-%d", a.call, a.n)
	a.send(fmt.Sprintf("%s %s SIP/2.0\nVia: SIP/2.0/%s %s;branch=%s;rport\nMax-Forwards: 70\nFrom: <sip:%s@office>;tag=f%s\nTo: %s\nCall-ID: %s\nCSeq: %d %s\nContact: <sip:%s@%s;transport=%s>\n%s",
		method, uri, a.transport(), a.local, a.branch, a.user, a.call, to, a.call, a.n, method, a.user, a.local, strings.ToLower(a.transport()), fields), body)
}

// receive takes the next message; false if none comes in time.
func (a *agent) receive(within time.Duration) (message, bool) {
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case m, ok := <-a.got:
		return m, ok
	case <-timer.C:
		return message{}, false
	}
}

// final takes the next final response to the last request, which is sent again when
// none comes; ok is false when it never does.
func (a *agent) final(within time.Duration) (message, bool) {
	pause := 500 * time.Millisecond
	again := time.Now().Add(pause)
	for deadline := time.Now().Add(within); time.Now().Before(deadline); {
		m, ok := a.receive(min(pause, time.Until(deadline)))
		switch {
		case m.status() >= 200 && strings.Contains(m.Get("Via"), a.branch):
			return m, true
		case m.status() >= 100 && m.status() < 200 && strings.Contains(m.Get("Via"), a.branch):
			again = deadline
		case !ok && a.conn != nil && time.Now().Before(again):
			return message{}, false
		}
		if a.conn == nil && time.Now().After(again) {
			a.write(a.sent)
			pause *= 2
			again = time.Now().Add(pause)
		}
	}
	return message{}, false
}

// ask sends a request, answers a challenge if there is a password, and returns the
// final answer.
func (a *agent) ask(method, uri, to, fields, body string) message {
	a.t.Helper()
	a.request(method, uri, to, fields, body)
	m, ok := a.final(soon)
	if ok && (m.status() == 401 || m.status() == 407) && a.password != "" {
		a.acknowledge(method, uri, m)
		a.request(method, uri, to, a.credentials(m, method, uri)+"\n"+fields, body)
		m, ok = a.final(soon)
	}
	if !ok {
		a.t.Fatalf("%s %s: no answer", method, uri)
	}
	a.acknowledge(method, uri, m)
	return m
}

// acknowledge sends ACK for a refused INVITE.
func (a *agent) acknowledge(method, uri string, m message) {
	if method == "INVITE" && m.status() >= 300 {
		sent := a.sent
		a.send(fmt.Sprintf("ACK %s SIP/2.0\nVia: SIP/2.0/%s %s;branch=%s;rport\nMax-Forwards: 70\nFrom: %s\nTo: %s\nCall-ID: %s\nCSeq: %d ACK\n",
			uri, a.transport(), a.local, a.branch, m.Get("From"), m.Get("To"), a.call, a.n), "")
		a.sent = sent
	}
}

// credentials answers a challenge.
func (a *agent) credentials(m message, method, uri string) string {
	name, values := "Authorization", m.Values("Www-Authenticate")
	if m.status() == 407 {
		name, values = "Proxy-Authorization", m.Values("Proxy-Authenticate")
	}
	for _, v := range values {
		if strings.Contains(v, "algorithm=MD5") {
			_, rest, _ := strings.Cut(v, `nonce="`)
			nonce, _, _ := strings.Cut(rest, `"`)
			return name + ": " + digestOf(a.user, a.password, nonce, "00000001", method, uri)
		}
	}
	return ""
}

func digestOf(user, password, nonce, nc, method, uri string) string {
	h := func(s string) string { return fmt.Sprintf("%x", md5.Sum([]byte(s))) }
	response := h(strings.Join([]string{h(user + ":office:" + password), nonce, nc, "c", "auth", h(method + ":" + uri)}, ":"))
	return fmt.Sprintf(`Digest username="%s",realm="office",nonce="%s",uri="%s",response="%s",algorithm=MD5,cnonce="c",qop=auth,nc=%s`, user, nonce, uri, response, nc)
}

// register registers the agent, waiting until the office has its account.
func (a *agent) register() *agent {
	a.t.Helper()
	for deadline := time.Now().Add(soon); ; time.Sleep(1500 * time.Millisecond) {
		m := a.ask("REGISTER", "sip:office", "<sip:"+a.user+"@office>", "Expires: 600", "")
		if m.status() == 200 {
			return a
		}
		if time.Now().After(deadline) {
			a.t.Fatalf("REGISTER of %s: %s", a.user, m.start)
		}
	}
}

// respond answers a request.
func (a *agent) respond(m message, status, fields, body string) {
	var head strings.Builder
	head.WriteString("SIP/2.0 " + status + "\n")
	for _, name := range []string{"Via", "Record-Route"} {
		for _, v := range m.Values(name) {
			head.WriteString(name + ": " + v + "\n")
		}
	}
	to := m.Get("To")
	if !strings.Contains(to, "tag=") {
		to += ";tag=t" + a.call
	}
	head.WriteString("From: " + m.Get("From") + "\nTo: " + to + "\nCall-ID: " + m.Get("Call-Id") + "\nCSeq: " + m.Get("Cseq") + "\nContact: <sip:" + a.user + "@" + a.local + ">\n" + fields)
	a.send(head.String(), body)
}

// pace waits so that the n-th of something at a rate a second comes when it is due.
func pace(began time.Time, n, rate int) {
	if n%10 == 0 {
		time.Sleep(time.Until(began.Add(time.Duration(n) * time.Second / time.Duration(rate))))
	}
}
