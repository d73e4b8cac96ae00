package metrics

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/net/netutil"
)

// Bounds on what readers can cost.
const (
	maxConnections = 16
	burst          = 20               // readings at once, ...
	refill         = time.Second      // ... and one more each
	gatherTime     = 5 * time.Second  // for one reading
	readTime       = 5 * time.Second  // for a request to arrive
	writeTime      = 15 * time.Second // for the answer to leave
	idleTime       = time.Minute      // between the requests of a connection: Prometheus asks again after a quarter
	maxHeader      = 4 << 10          // octets of a request
)

// Path is where the figures are.
const Path = "/metrics"

// Gather takes all figures. It may be called concurrently.
type Gather func(context.Context) ([]Family, error)

// Server serves figures over HTTP.
type Server struct {
	listener net.Listener
	gather   Gather
	log      *slog.Logger

	mu      sync.Mutex // guards what follows
	tokens  float64
	counted time.Time
}

// Listen begins to listen; what arrives waits for Run.
func Listen(at netip.AddrPort, gather Gather, log *slog.Logger) (*Server, error) {
	address := at.String()
	if !at.Addr().IsValid() {
		address = fmt.Sprintf(":%d", at.Port())
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	return &Server{listener: netutil.LimitListener(l, maxConnections), gather: gather, log: log, tokens: burst, counted: time.Now()}, nil
}

// Addr is where the server listens.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// Run serves until ctx is done.
func (s *Server) Run(ctx context.Context) error {
	h := &http.Server{
		Handler:        s,
		ReadTimeout:    readTime,
		WriteTimeout:   writeTime,
		IdleTimeout:    idleTime,
		MaxHeaderBytes: maxHeader,
		ErrorLog:       slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
		BaseContext:    func(net.Listener) context.Context { return ctx },
	}
	h.SetKeepAlivesEnabled(true)
	defer context.AfterFunc(ctx, func() { h.Close() })()
	s.log.Info("metrics: ready", "listen", s.Addr())
	if err := h.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("metrics: %w", err)
	}
	return nil
}

// ServeHTTP answers GET and HEAD of Path.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case !s.allow(time.Now()):
		w.Header().Set("Retry-After", "1")
		http.Error(w, "too many readings", http.StatusTooManyRequests)
	case r.URL.Path != Path:
		http.Error(w, "the figures are at "+Path, http.StatusNotFound)
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "this can only be read", http.StatusMethodNotAllowed)
	default:
		s.answer(w, r)
	}
}

func (s *Server) answer(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), gatherTime)
	defer cancel()
	families, err := s.gather(ctx)
	if err != nil {
		s.log.Debug("metrics: not gathered", "err", err)
		http.Error(w, "the figures could not be gathered", http.StatusServiceUnavailable)
		return
	}
	var b bytes.Buffer
	Write(&b, families)
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Write(b.Bytes())
}

// allow takes a token, if there is one.
func (s *Server) allow(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens = min(burst, s.tokens+float64(now.Sub(s.counted))/float64(refill))
	s.counted = now
	if s.tokens < 1 {
		return false
	}
	s.tokens--
	return true
}
