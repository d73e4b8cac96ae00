package ua

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"
)

const (
	maxMessage    = 16 << 10 // bytes of one SIP message
	maxQueued     = 256      // messages waiting to be written on one flow: a burst makes three each
	maxHandshakes = 16       // inbound, at once
	maxPerUser    = 4        // inbound flows of one user; the oldest goes
	handshakeTime = 5 * time.Second
	writeTime     = 5 * time.Second
	idleTime      = 15 * time.Minute
	messageRate   = 50 // a second and flow, by slowing down
	messageBurst  = 50
)

var (
	errClosed    = errors.New("ua: connection is closed")
	errSlow      = errors.New("ua: far side does not read")
	errInjection = errors.New("ua: message has a line break inside a header field")
)

// flow is one TLS connection, whoever began it, whose far certificate vouches
// for one user. It is a sip.Connection.
type flow struct {
	user          string // "102@office"
	local, remote netip.AddrPort
	inbound       bool

	conn net.Conn
	out  chan []byte
	done chan struct{}
	once sync.Once

	// Owned by the loop.
	clients map[string]*clientTx
	servers map[string]*serverTx
	used    time.Time
}

func newFlow(conn *tls.Conn, user string, inbound bool) *flow {
	return &flow{
		user: user, inbound: inbound, conn: conn,
		local: addrPort(conn.LocalAddr()), remote: addrPort(conn.RemoteAddr()),
		out: make(chan []byte, maxQueued), done: make(chan struct{}),
		clients: map[string]*clientTx{}, servers: map[string]*serverTx{},
	}
}

func addrPort(a net.Addr) netip.AddrPort {
	if a, ok := a.(*net.TCPAddr); ok {
		ap := a.AddrPort()
		return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
	}
	ap, _ := netip.ParseAddrPort(a.String())
	return ap
}

// LocalAddr, WriteMsg, Ref, TryClose and Close make a flow a sip.Connection. A
// transaction does not own its flow, so counting references does nothing.
func (f *flow) LocalAddr() net.Addr { return f.conn.LocalAddr() }

func (f *flow) Ref(int) int            { return 1 }
func (f *flow) TryClose() (int, error) { return 1, nil }

// WriteMsg queues a message and never blocks: a far side that does not read
// loses its connection.
func (f *flow) WriteMsg(msg sip.Message) error {
	data, err := wire(msg)
	if err != nil {
		return err
	}
	select {
	case <-f.done:
		return errClosed
	default:
	}
	select {
	case f.out <- data:
		return nil
	default:
		f.Close()
		return errSlow
	}
}

// Close may be called often and from anywhere.
func (f *flow) Close() error {
	f.once.Do(func() { close(f.done) })
	return nil
}

func (f *flow) alive() bool {
	select {
	case <-f.done:
		return false
	default:
		return true
	}
}

// wire is a message as it is sent. sipgo writes what it is given, so a line
// break within a value would begin a header field of somebody else's making.
func wire(msg sip.Message) ([]byte, error) {
	var fields int
	switch m := msg.(type) {
	case *sip.Request:
		fields = len(m.Headers())
	case *sip.Response:
		fields = len(m.Headers())
	}
	var b bytes.Buffer
	msg.StringWrite(&b)
	head := b.Bytes()[:b.Len()-len(msg.Body())]
	lines := fields + 2 // the start line and the empty one
	if bytes.Count(head, []byte("\r\n")) != lines || bytes.Count(head, []byte("\n")) != lines ||
		bytes.Count(head, []byte("\r")) != lines || bytes.IndexByte(head, 0) >= 0 {
		return nil, errInjection
	}
	return b.Bytes(), nil
}

// write sends what is queued, until the flow is closed; then it closes the
// connection, after the last words.
func (f *flow) write() {
	defer f.conn.Close()
	send := func(data []byte) bool {
		f.conn.SetWriteDeadline(time.Now().Add(writeTime))
		_, err := f.conn.Write(data)
		return err == nil
	}
	for {
		select {
		case data := <-f.out:
			if !send(data) {
				f.Close()
				return
			}
		case <-f.done:
			for {
				select {
				case data := <-f.out:
					if !send(data) {
						return
					}
				default:
					return
				}
			}
		}
	}
}

// read hands each message to deliver, in order, until the connection ends or
// the far side breaks the framing, after which nothing on it can be trusted.
func (f *flow) read(parser *sip.Parser, deliver func(sip.Message)) (err error) {
	defer f.Close()
	defer func() {
		if r := recover(); r != nil { // a parser of others on a stranger's bytes
			err = fmt.Errorf("ua: parser: %v", r)
		}
	}()
	stream := parser.NewSIPStream()
	defer stream.Close()
	var rate bucket
	buf := make([]byte, 4096)
	for {
		f.conn.SetReadDeadline(time.Now().Add(idleTime))
		n, err := f.conn.Read(buf)
		if err != nil {
			return err
		}
		err = stream.ParseSIPStream(buf[:n], func(msg sip.Message) {
			if wait := rate.take(time.Now(), messageRate, messageBurst); wait > 0 {
				select {
				case <-time.After(wait):
				case <-f.done:
				}
			}
			if f.alive() {
				deliver(msg)
			}
		})
		if err != nil && !errors.Is(err, sip.ErrParseSipPartial) {
			return fmt.Errorf("ua: bad framing: %w", firstLine(err))
		}
		if !f.alive() {
			return errClosed
		}
	}
}

// firstLine keeps what a parser quotes of a message out of the log.
func firstLine(err error) error {
	text, _, _ := strings.Cut(err.Error(), "'")
	return errors.New(plainText(text, 80))
}

// newParser parses at once only what frames and routes a message. The other
// fields are parsed when asked for, and a bad one is answered with 400 instead
// of ending the connection.
func newParser() *sip.Parser {
	all := sip.DefaultHeadersParser()
	eager := map[string]sip.HeaderParser{}
	for _, name := range []string{"via", "v", "content-length", "l", "route", "record-route"} {
		eager[name] = all[name]
	}
	return sip.NewParser(sip.WithHeadersParsers(eager), func(p *sip.Parser) { p.MaxMessageLength = maxMessage })
}

// secure makes a flow of a connection, or closes it.
func (u *UA) secure(ctx context.Context, conn net.Conn, inbound bool) (*flow, error) {
	ctx, cancel := context.WithTimeout(ctx, handshakeTime)
	defer cancel()
	var tc *tls.Conn
	if inbound {
		tc = tls.Server(conn, u.cfg.ServerTLS)
	} else {
		cfg := u.cfg.ClientTLS
		if cfg.ServerName == "" && !cfg.InsecureSkipVerify {
			cfg = cfg.Clone()
			cfg.ServerName = addrPort(conn.RemoteAddr()).Addr().String()
		}
		tc = tls.Client(conn, cfg)
	}
	if err := tc.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, fmt.Errorf("ua: TLS handshake: %w", err)
	}
	state := tc.ConnectionState()
	if len(state.PeerCertificates) == 0 {
		conn.Close()
		return nil, errors.New("ua: the far side showed no certificate")
	}
	user, err := u.cfg.PeerUser(state)
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("ua: far certificate: %w", err)
	}
	return newFlow(tc, strings.ToLower(strings.TrimPrefix(user, "sip:")), inbound), nil
}

// accept takes connections until the listener is closed.
func (u *UA) accept(ctx context.Context, wg *sync.WaitGroup) {
	from := sources{m: map[netip.Addr]*bucket{}}
	slots := make(chan struct{}, maxHandshakes)
	for {
		conn, err := u.listener.Accept()
		if err != nil {
			if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
				return
			}
			u.log.Warn("sip: accept", "error", err)
			select {
			case <-time.After(100 * time.Millisecond): // out of descriptors, say
			case <-ctx.Done():
				return
			}
			continue
		}
		if c, ok := conn.(*net.TCPConn); ok {
			c.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3})
		}
		if !from.allow(time.Now(), addrPort(conn.RemoteAddr()).Addr()) {
			conn.Close()
			continue
		}
		select {
		case slots <- struct{}{}:
		default:
			conn.Close()
			continue
		}
		wg.Go(func() {
			f, err := u.secure(ctx, conn, true)
			<-slots
			if err != nil {
				u.log.Debug("sip: refused a connection", "from", conn.RemoteAddr(), "error", err)
				return
			}
			if !u.box.post(func(l *loop) { l.add(f) }) {
				f.conn.Close()
			}
		})
	}
}
