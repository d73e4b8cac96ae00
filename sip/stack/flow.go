package stack

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"chordophone/sip/wire"

	"github.com/emiago/sipgo/sip"
)

// Transport is what carries a flow's messages.
type Transport uint8

const (
	UDP Transport = iota
	TCP
	TLS
	Loopback // to this program itself
)

func (t Transport) String() string {
	switch t {
	case UDP:
		return "UDP"
	case TCP:
		return "TCP"
	case TLS:
		return "TLS"
	}
	return "loopback"
}

// via is the transport as a Via names it. What goes to this program itself is as
// safe as TLS.
func (t Transport) via() string {
	if t == Loopback {
		return "TLS"
	}
	return t.String()
}

// Flow is where messages come from and go to. Its methods are for the loop.
type Flow struct {
	stack         *Stack
	transport     Transport
	local, remote netip.AddrPort
	peer, user    string
	inbound       bool
	alive         bool
	gone          bool // Lost was called
	token         string
	source        string // remote, written out
	serial        uint64
	used          time.Time

	socket *socket   // of UDP
	conn   *conn     // of TCP and TLS
	other  *Flow     // of Loopback
	noTCP  time.Time // of UDP: until when a large request is not tried over TCP again

	// Of connections and Loopback: what ends with them.
	clients map[*client]struct{}
	servers map[*served]struct{}
}

func (f *Flow) Transport() Transport   { return f.transport }
func (f *Flow) Local() netip.AddrPort  { return f.local } // where it ends here; of UDP where the last datagram came in
func (f *Flow) Remote() netip.AddrPort { return f.remote }

// Peer is the phone that the far certificate vouches for, "102@office", or empty.
func (f *Flow) Peer() string { return f.peer }

// Inbound reports whether the far side began the connection.
func (f *Flow) Inbound() bool { return f.inbound }

// Alive reports whether the flow has not ended. A UDP flow never does.
func (f *Flow) Alive() bool { return f.alive }

// Token names the flow at this phone, unguessably and for its life: RFC 5626,
// section 5.2. The token of a UDP flow is its addresses, sealed, so that it holds
// for as long as this program runs.
func (f *Flow) Token() string {
	if f.token == "" {
		if f.transport == UDP {
			f.token = f.stack.seal(f.remote, f.local.Addr())
		} else {
			f.token = rand.Text()
			f.stack.tokens[f.token] = f
		}
	}
	return f.token
}

// FlowOf finds a living flow by its token, or returns nil.
func (s *Stack) FlowOf(token string) *Flow {
	if f := s.tokens[token]; f != nil {
		return f
	}
	remote, local, ok := s.unseal(token)
	if !ok {
		return nil
	}
	if f := s.udp.get(remote); f != nil && f.local.Addr().IsValid() {
		return f
	}
	f, err := s.udpFlow(remote)
	if err != nil {
		return nil
	}
	s.from(f, local)
	return f
}

const sealSize = 16

func newSecret() (key [32]byte) {
	rand.Read(key[:])
	return key
}

func (s *Stack) seal(remote netip.AddrPort, local netip.Addr) string {
	b, _ := remote.MarshalBinary()
	l, _ := local.MarshalBinary()
	b = append(append([]byte{byte(len(b))}, b...), l...)
	return base64.RawURLEncoding.EncodeToString(append(s.mac(b), b...))
}

func (s *Stack) mac(b []byte) []byte {
	h := hmac.New(sha256.New, s.secret[:])
	h.Write(b)
	return h.Sum(nil)[:sealSize]
}

func (s *Stack) unseal(token string) (remote netip.AddrPort, local netip.Addr, ok bool) {
	b, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(b) <= sealSize || !hmac.Equal(b[:sealSize], s.mac(b[sealSize:])) {
		return remote, local, false
	}
	b = b[sealSize:]
	n := int(b[0])
	ok = remote.UnmarshalBinary(b[1:1+n]) == nil && local.UnmarshalBinary(b[1+n:]) == nil
	return remote, local, ok
}

// Know says that somebody with a password uses this flow: it gets the greater
// rate, for UDP as long as it is heard of every ten minutes, and User.
func (f *Flow) Know(user string) {
	f.user = user
	switch {
	case f.conn != nil:
		f.conn.known.Store(true)
		f.conn.idle.Store(int64(userTime))
		f.stack.gate.know(f.remote.Addr())
	case f.transport == UDP:
		f.stack.rates.know(time.Now(), f.remote, knownFor)
		f.stack.udp.keep(f)
	}
}

// User is what Know was told, or empty. On TCP and TLS it proves who speaks; on UDP
// the source of a datagram can be forged.
func (f *Flow) User() string {
	if f.transport == UDP && f.user != "" && !f.stack.rates.knows(time.Now(), f.remote) {
		f.user = ""
	}
	return f.user
}

// Own is the host and port by which the far side reaches us.
func (f *Flow) Own() netip.AddrPort {
	if f.transport == UDP && !f.local.Addr().IsValid() {
		f.local = netip.AddrPortFrom(f.stack.localFor(f.remote), f.stack.udpAddr.Port())
	}
	if at := f.stack.Addr(f.transport); at.IsValid() {
		return netip.AddrPortFrom(f.local.Addr(), at.Port())
	}
	return f.local
}

// Via is a Via with which the far side's response comes back here; the branch is to
// begin with "z9hG4bK". Request adds its own; Send takes messages as they are.
func (f *Flow) Via(branch string) *sip.ViaHeader {
	own := f.Own()
	v := &sip.ViaHeader{ProtocolName: "SIP", ProtocolVersion: "2.0", Transport: f.transport.via(),
		Host: own.Addr().WithZone("").String(), Port: int(own.Port()), Params: make(sip.HeaderParams, 0, 4)}
	if f.transport == UDP {
		v.Params = append(v.Params, sip.HeaderKV{K: "rport"}) // RFC 3581
	}
	v.Params = append(v.Params, sip.HeaderKV{K: "branch", V: branch})
	return v
}

// Send sends a message as it is outside of any transaction: an ACK to a 2xx, a
// stray response. It never blocks.
func (f *Flow) Send(msg sip.Message) error {
	if f.transport == Loopback {
		return f.hand(msg)
	}
	octets, err := wire.Bytes(msg)
	if err != nil {
		return fmt.Errorf("stack: %w", err)
	}
	port := f.remote.Port()
	if res, ok := msg.(*sip.Response); ok && f.transport == UDP {
		port = replyPort(res.Via(), port)
	}
	return f.write(octets, port)
}

var errSlow = errors.New("stack: far side does not read")

// write sends octets: on UDP to a port of the far host, else over the connection.
func (f *Flow) write(octets []byte, port uint16) error {
	switch {
	case f.transport == UDP:
		err := f.socket.write(octets, f.local.Addr(), netip.AddrPortFrom(f.remote.Addr(), port))
		if err != nil {
			f.stack.count.sendErrors.Add(1)
			return fmt.Errorf("%w: %w", ErrFlow, err)
		}
		return nil
	case !f.alive:
		return ErrFlow
	}
	f.used = time.Now()
	if !f.conn.queue(octets) {
		f.stack.count.sendErrors.Add(1)
		f.Close()
		return fmt.Errorf("%w: %w", ErrFlow, errSlow)
	}
	return nil
}

// reliable reports whether nothing need be sent twice.
func (f *Flow) reliable() bool { return f.transport != UDP }

// trusted reports whether somebody known is at the other end.
func (f *Flow) trusted() bool { return f.peer != "" || f.user != "" }

// Close ends a connection after the last words; Lost follows. A UDP flow and a
// loopback stay as they are.
func (f *Flow) Close() {
	if f.conn == nil || !f.alive {
		return
	}
	f.alive = false
	f.conn.close()
}

// Watch finds out that the far side of a connection is dead: it is pinged so often
// (RFC 5626, section 4.4.1), and when nothing at all was heard for twice that time,
// the flow ends.
func (f *Flow) Watch(every time.Duration) {
	if f.conn == nil || every <= 0 {
		return
	}
	watching := f.conn.watch != 0
	f.conn.watch = every
	if !watching {
		f.watch(time.Time{})
	}
}

// watch sends a ping. asked is when the first one was sent that has no answer.
func (f *Flow) watch(asked time.Time) {
	if !f.alive {
		return
	}
	now := time.Now()
	switch heard := f.conn.heard(); {
	case asked.IsZero() || heard.After(asked):
		asked = now
	case now.Sub(asked) >= 2*f.conn.watch:
		f.stack.log.Info("sip: connection is silent", "peer", f.peer, "user", f.user, "remote", f.remote)
		f.stack.lost(f)
		return
	}
	if !f.conn.queue([]byte("\r\n\r\n")) {
		f.Close()
		return
	}
	f.stack.After(f.conn.watch, func() { f.watch(asked) })
}
