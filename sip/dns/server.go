package dns

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/miekg/dns"
)

const (
	maxQuery   = 1232 // octets; a query of ours has about 50
	maxConns   = 16   // TCP connections at once
	maxPerConn = 16   // queries on one
	connTime   = 5 * time.Second
)

// Config is what a Server is made of.
type Config struct {
	Office  string         // the name that is answered for, e.g. "office" or "office.example"
	Listen  netip.AddrPort // UDP and TCP; port 0: a free one
	SIPPort uint16         // of UDP and TCP; 0: the phones take only TLS
	TLSPort uint16
	// Phones are those that live, this one first. It is called for each query,
	// from several goroutines, and must be quick.
	Phones func() []Phone
	Log    *slog.Logger // may be nil
}

// Counters are of queries since New.
type Counters struct {
	Answered, Refused, Limited, Malformed uint64
}

// Server answers DNS queries.
type Server struct {
	cfg      Config
	name     string
	udp      net.PacketConn
	tcp      net.Listener
	limit    limiter
	answered atomic.Uint64
	refused  atomic.Uint64
	limited  atomic.Uint64
	bad      atomic.Uint64
}

// New binds the sockets. Run must be called, and releases them.
func New(cfg Config) (*Server, error) {
	name := strings.ToLower(dns.Fqdn(cfg.Office))
	if _, ok := dns.IsDomainName(name); !ok || name == "." {
		return nil, fmt.Errorf("dns: the office's name %q cannot be a domain name", cfg.Office)
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{cfg: cfg, name: name, limit: newLimiter()}
	var err error
	for range 10 { // a port that is free for UDP need not be free for TCP
		if s.udp, err = net.ListenPacket("udp", cfg.Listen.String()); err != nil {
			break
		}
		port := uint16(s.udp.LocalAddr().(*net.UDPAddr).Port)
		if s.tcp, err = net.Listen("tcp", netip.AddrPortFrom(cfg.Listen.Addr(), port).String()); err == nil {
			return s, nil
		}
		s.udp.Close()
		if cfg.Listen.Port() != 0 || !errors.Is(err, syscall.EADDRINUSE) {
			break
		}
	}
	return nil, fmt.Errorf("dns: listen on %v: %w", cfg.Listen, err)
}

// Addr is the address and port listened on.
func (s *Server) Addr() netip.AddrPort {
	a := s.udp.LocalAddr().(*net.UDPAddr).AddrPort()
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

// Counters are for status.
func (s *Server) Counters() Counters {
	return Counters{s.answered.Load(), s.refused.Load(), s.limited.Load(), s.bad.Load()}
}

// Run answers until ctx is cancelled, then closes everything and returns when all
// its goroutines have.
func (s *Server) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	stop := context.AfterFunc(ctx, func() {
		s.udp.Close()
		s.tcp.Close()
	})
	defer stop()
	wg.Go(func() { s.packets(ctx) })
	wg.Go(func() { s.connections(ctx, &wg) })
	wg.Wait()
	return nil
}

func (s *Server) packets(ctx context.Context) {
	buf := make([]byte, maxQuery+1)
	for {
		n, from, err := s.udp.ReadFrom(buf)
		if err != nil {
			if s.ends(ctx, err) {
				return
			}
			continue
		}
		if out := s.serve(buf[:n], address(from), true); out != nil {
			s.udp.WriteTo(out, from) // lost is lost
		}
	}
}

// ends says whether a socket has ended. Other errors are waited out: out of
// descriptors, say, or an ICMP message.
func (s *Server) ends(ctx context.Context, err error) bool {
	if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
		return true
	}
	s.cfg.Log.Debug("dns: socket", "error", err)
	select {
	case <-time.After(50 * time.Millisecond):
		return false
	case <-ctx.Done():
		return true
	}
}

func (s *Server) connections(ctx context.Context, wg *sync.WaitGroup) {
	slots := make(chan struct{}, maxConns)
	for {
		conn, err := s.tcp.Accept()
		if err != nil {
			if s.ends(ctx, err) {
				return
			}
			continue
		}
		select {
		case slots <- struct{}{}:
		default:
			s.limited.Add(1)
			conn.Close()
			continue
		}
		wg.Go(func() {
			defer func() { <-slots }()
			defer conn.Close()
			stop := context.AfterFunc(ctx, func() { conn.Close() })
			defer stop()
			s.connection(conn)
		})
	}
}

// connection answers queries with their length before them: RFC 1035, section 4.2.2.
func (s *Server) connection(conn net.Conn) {
	conn.SetDeadline(time.Now().Add(connTime))
	buf := make([]byte, maxQuery)
	for range maxPerConn {
		if _, err := io.ReadFull(conn, buf[:2]); err != nil {
			return
		}
		n := int(binary.BigEndian.Uint16(buf))
		if n > maxQuery {
			s.bad.Add(1)
			return
		}
		if _, err := io.ReadFull(conn, buf[:n]); err != nil {
			return
		}
		out := s.serve(buf[:n], address(conn.RemoteAddr()), false)
		if out == nil {
			return
		}
		if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(out))), out...)); err != nil {
			return
		}
	}
}

func address(a net.Addr) netip.Addr {
	ap, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap()
}

// serve answers one query; nil means not at all.
func (s *Server) serve(query []byte, from netip.Addr, packet bool) (out []byte) {
	if !s.limit.allow(time.Now(), from) {
		s.limited.Add(1)
		return nil
	}
	defer func() {
		if recover() != nil { // a parser of others on a stranger's octets
			s.bad.Add(1)
			out = nil
		}
	}()
	q := new(dns.Msg)
	if len(query) > maxQuery || q.Unpack(query) != nil {
		s.bad.Add(1)
		return nil
	}
	z := zone{name: s.name, sip: s.cfg.SIPPort, tls: s.cfg.TLSPort, phones: usable(s.cfg.Phones())}
	m := z.answer(q)
	if m == nil {
		s.bad.Add(1)
		return nil
	}
	size := dns.MaxMsgSize
	if packet {
		size = dns.MinMsgSize
		if opt := q.IsEdns0(); opt != nil {
			size = min(max(int(opt.UDPSize()), dns.MinMsgSize), maxUDP)
		}
	}
	m.Truncate(size)
	out, err := m.Pack()
	if err != nil {
		s.bad.Add(1)
		return nil
	}
	if m.Rcode == dns.RcodeRefused {
		s.refused.Add(1)
	} else {
		s.answered.Add(1)
	}
	return out
}
