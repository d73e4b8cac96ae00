package sip

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"

	"chordophone/tools/bench/procs"
)

// agent is a socket of our own: what SIPp cannot say, it says.
type agent struct {
	conn   *net.UDPConn
	serial int
}

func newAgent(host *procs.Host, addr netip.Addr, port uint16) (a *agent, err error) {
	a = new(agent)
	err = host.Do(func() (err error) {
		a.conn, err = net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(addr, port)))
		return err
	})
	if err != nil {
		return nil, err
	}
	a.conn.SetReadBuffer(4 << 20)
	return a, nil
}

func (a *agent) close() { a.conn.Close() }

func (a *agent) addr() netip.AddrPort { return a.conn.LocalAddr().(*net.UDPAddr).AddrPort() }

func (a *agent) send(to netip.Addr, data []byte) error {
	_, err := a.conn.WriteToUDPAddrPort(data, netip.AddrPortFrom(to, sipPort))
	return err
}

// hear waits for the next datagram until a point in time; ok is false when there
// was none.
func (a *agent) hear(until time.Time) (data []byte, ok bool, err error) {
	buf := make([]byte, 1<<16)
	a.conn.SetReadDeadline(until)
	n, _, err := a.conn.ReadFromUDPAddrPort(buf)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil, false, nil
	}
	return buf[:n], err == nil, err
}

// request is a well-formed one, to be completed with the fields that are its own.
func (a *agent) request(method, uri, from, to string, more ...string) (data []byte, callID string) {
	a.serial++
	callID = fmt.Sprintf("agent-%d-%d@%s", a.addr().Port(), a.serial, a.addr().Addr())
	lines := []string{
		method + " " + uri + " SIP/2.0",
		fmt.Sprintf("Via: SIP/2.0/UDP %s;rport;branch=z9hG4bKagent%d.%d", a.addr(), time.Now().UnixNano(), a.serial),
		"Max-Forwards: 70",
		"From: <" + from + ">;tag=agent",
		"To: <" + to + ">",
		"Call-ID: " + callID,
		"CSeq: 1 " + method,
	}
	lines = append(append(lines, more...), "Content-Length: 0", "", "")
	return []byte(strings.Join(lines, "\r\n")), callID
}

// ask sends a request and waits for its final response; without one in time the
// status is 0.
func (a *agent) ask(to netip.Addr, data []byte, callID string, within time.Duration) (message, error) {
	if err := a.send(to, data); err != nil {
		return message{}, err
	}
	for until := time.Now().Add(within); ; {
		text, ok, err := a.hear(until)
		if !ok {
			return message{}, err
		}
		if m, ok := parseMessage(text); ok && m.callID == callID && m.status >= 200 {
			return m, nil
		}
	}
}

// lives reports whether a server answers OPTIONS.
func (a *agent) lives(server netip.Addr) (bool, error) {
	uri := "sip:" + server.String()
	data, id := a.request("OPTIONS", uri, "sip:caller@"+domain, uri)
	m, err := a.ask(server, data, id, 2*time.Second)
	return m.status != 0, err
}

// awaitLife waits until a server answers.
func (a *agent) awaitLife(ctx context.Context, server netip.Addr) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for {
		if ok, err := a.lives(server); ok || err != nil {
			return err
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%s does not answer: %w", server, ctx.Err())
		}
	}
}

// register binds a user to an address, and tries again until it is bound: an account
// may be new.
func (a *agent) register(ctx context.Context, server netip.Addr, user string, contact netip.Addr) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	aor := "sip:" + user + "@" + domain
	for {
		data, id := a.request("REGISTER", "sip:"+domain, aor, aor, "Contact: <sip:"+user+"@"+contact.String()+":5060>", "Expires: 3600")
		m, err := a.ask(server, data, id, time.Second)
		if err != nil || m.status == 200 {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("register %s at %s: status %d: %w", user, server, m.status, ctx.Err())
		case <-time.After(100 * time.Millisecond):
		}
	}
}
