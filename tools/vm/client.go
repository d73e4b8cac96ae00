package main

import (
	"bytes"
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"net"
	"regexp"
	"strings"
	"sync"
	"time"
)

// client is a SIP client that people already own: it registers, sends messages and
// receives them, over UDP with digest.
type client struct {
	conn   *net.UDPConn
	domain string
	// host is the client's own address and port as the telephone sees them.
	host string

	mu       sync.Mutex
	serial   int
	waiting  map[string]chan answer // by Call-ID and CSeq
	received []string               // bodies of messages
}

// answer is a response.
type answer struct {
	status int
	text   string
}

func newClient(server, domain string) (*client, error) {
	to, err := net.ResolveUDPAddr("udp4", server)
	if err != nil {
		return nil, err
	}
	conn, err := net.DialUDP("udp4", nil, to)
	if err != nil {
		return nil, err
	}
	c := &client{conn: conn, domain: domain, waiting: map[string]chan answer{}}
	c.host = fmt.Sprintf("10.0.2.2:%d", conn.LocalAddr().(*net.UDPAddr).Port) // of this host, in QEMU's user network
	go c.follow()
	return c, nil
}

func (c *client) close() { c.conn.Close() }

// follow takes responses to who waits for them, and answers requests.
func (c *client) follow() {
	b := make([]byte, 1<<16)
	for {
		n, err := c.conn.Read(b)
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil: // nobody is there, for a while
			time.Sleep(10 * time.Millisecond)
			continue
		}
		text := string(bytes.TrimSpace(b[:n]))
		var status int
		if k, _ := fmt.Sscanf(text, "SIP/2.0 %d", &status); k == 1 {
			c.mu.Lock()
			w := c.waiting[field(text, "Call-ID")+" "+field(text, "CSeq")]
			c.mu.Unlock()
			if w != nil && status >= 200 {
				select {
				case w <- answer{status, text}:
				default:
				}
			}
		} else if text != "" {
			c.serve(text)
		}
	}
}

// serve says 200 to every request and keeps what messages say.
func (c *client) serve(text string) {
	if strings.HasPrefix(text, "MESSAGE ") {
		_, body, _ := strings.Cut(text, "\r\n\r\n")
		c.mu.Lock()
		c.received = append(c.received, body)
		c.mu.Unlock()
	}
	lines := []string{"SIP/2.0 200 OK"}
	head, _, _ := strings.Cut(text, "\r\n\r\n")
	for line := range strings.SplitSeq(head, "\r\n") {
		name, _, _ := strings.Cut(line, ":")
		switch strings.ToLower(name) {
		case "to", "t":
			if !strings.Contains(line, ";tag=") {
				line += ";tag=vm"
			}
			lines = append(lines, line)
		case "via", "v", "from", "f", "call-id", "i", "cseq":
			lines = append(lines, line)
		}
	}
	c.conn.Write([]byte(strings.Join(append(lines, "Content-Length: 0", "", ""), "\r\n")))
}

// messages returns what was received since it was asked last.
func (c *client) messages() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	got := c.received
	c.received = nil
	return got
}

// field is the value of a header field, "" if there is none.
func field(text, name string) string {
	for line := range strings.SplitSeq(text, "\r\n") {
		if n, v, ok := strings.Cut(line, ":"); ok && strings.EqualFold(strings.TrimSpace(n), name) {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// contact is a contact URI that comes back to this client.
func (c *client) contact(user string) string { return "sip:" + user + "@" + c.host }

// register adds a contact, or removes it if expires is 0; without a contact it asks.
// It returns the contacts that are there now.
func (c *client) register(ctx context.Context, user, contact string, expires int) ([]string, error) {
	var fields []string
	if contact != "" {
		fields = []string{fmt.Sprintf("Contact: <%s>", contact), fmt.Sprintf("Expires: %d", expires)}
	}
	aor := "sip:" + user + "@" + c.domain
	a, err := c.ask(ctx, "REGISTER", "sip:"+c.domain, user, aor, "", fields...)
	if err != nil {
		return nil, err
	}
	var all []string
	for _, m := range regexp.MustCompile(`<(sip:[^>]*)>`).FindAllStringSubmatch(contactLines(a), -1) {
		all = append(all, m[1])
	}
	return all, nil
}

func contactLines(text string) string {
	var b strings.Builder
	for line := range strings.SplitSeq(text, "\r\n") {
		if n, v, _ := strings.Cut(line, ":"); strings.EqualFold(n, "Contact") {
			b.WriteString(v + "\n")
		}
	}
	return b.String()
}

// message sends a text; that it was taken, now or for later, is what nil says.
func (c *client) message(ctx context.Context, from, to, text string) error {
	aor := "sip:" + to + "@" + c.domain
	_, err := c.ask(ctx, "MESSAGE", aor, from, aor, text, "Content-Type: text/plain")
	return err
}

// password is that of every account.
const password = "four words of wax"

// ask sends a request as a user and returns the response if it is a success.
func (c *client) ask(ctx context.Context, method, uri, user, to, body string, fields ...string) (string, error) {
	c.mu.Lock()
	c.serial++
	id := fmt.Sprintf("%d.%d@vm", time.Now().UnixNano(), c.serial)
	c.mu.Unlock()
	credentials := ""
	for sequence := 1; ; sequence++ {
		cseq := fmt.Sprintf("%d %s", sequence, method)
		lines := []string{
			method + " " + uri + " SIP/2.0",
			fmt.Sprintf("Via: SIP/2.0/UDP %s;rport;branch=z9hG4bK%s.%d", c.host, id[:len(id)-3], sequence),
			"Max-Forwards: 70",
			fmt.Sprintf("From: <sip:%s@%s>;tag=vm", user, c.domain),
			"To: <" + to + ">",
			"Call-ID: " + id,
			"CSeq: " + cseq,
		}
		lines = append(lines, fields...)
		if credentials != "" {
			lines = append(lines, credentials)
		}
		lines = append(lines, fmt.Sprintf("Content-Length: %d", len(body)), "", body)
		a, err := c.send(ctx, []byte(strings.Join(lines, "\r\n")), id+" "+cseq)
		switch {
		case err != nil:
			return "", fmt.Errorf("%s: %w", method, err)
		case a.status < 300:
			return a.text, nil
		case (a.status == 401 || a.status == 407) && credentials == "":
			if credentials, err = authorization(a, method, uri, user); err != nil {
				return "", err
			}
		default:
			status, _, _ := strings.Cut(a.text, "\r\n")
			return "", fmt.Errorf("%s of %s: %s", method, user, status)
		}
	}
}

// send sends a request until it is answered: what is named, not one of before that was
// answered twice. // RFC 3261, section 17.1.2: timer E
func (c *client) send(ctx context.Context, b []byte, name string) (answer, error) {
	inbox := make(chan answer, 1)
	c.mu.Lock()
	c.waiting[name] = inbox
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.waiting, name)
	}()
	for wait := 500 * time.Millisecond; ; wait = min(2*wait, 4*time.Second) {
		if _, err := c.conn.Write(b); errors.Is(err, net.ErrClosed) {
			return answer{}, err
		}
		select {
		case a := <-inbox:
			return a, nil
		case <-ctx.Done():
			return answer{}, context.Cause(ctx)
		case <-time.After(wait):
		}
	}
}

// authorization answers the challenge that asks for MD5. // RFC 7616, section 3.4.1
func authorization(a answer, method, uri, user string) (string, error) {
	name, own := "WWW-Authenticate", "Authorization"
	if a.status == 407 {
		name, own = "Proxy-Authenticate", "Proxy-Authorization"
	}
	parameter := func(line, p string) string {
		m := regexp.MustCompile(p + `="?([^",]*)`).FindStringSubmatch(line)
		if m == nil {
			return ""
		}
		return m[1]
	}
	for line := range strings.SplitSeq(a.text, "\r\n") {
		n, v, _ := strings.Cut(line, ":")
		if !strings.EqualFold(n, name) || parameter(v, "algorithm") != "MD5" {
			continue
		}
		realm, nonce := parameter(v, "realm"), parameter(v, "nonce")
		hash := func(parts ...string) string { return fmt.Sprintf("%x", md5.Sum([]byte(strings.Join(parts, ":")))) }
		const count, own64 = "00000001", "6f70"
		response := hash(hash(user, realm, password), nonce, count, own64, "auth", hash(method, uri))
		return fmt.Sprintf(`%s: Digest username="%s", realm="%s", nonce="%s", uri="%s", response="%s", algorithm=MD5, cnonce="%s", qop=auth, nc=%s`,
			own, user, realm, nonce, uri, response, own64, count), nil
	}
	return "", fmt.Errorf("no challenge for MD5 in the answer %d", a.status)
}
