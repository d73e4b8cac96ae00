package fetch

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"chordophone/firmware/update/pace"
	"chordophone/firmware/update/release"
	"chordophone/overlay"
)

// Bounds on what others may cost.
const (
	serveRate    = 2 << 20 // octets a second, to all
	maxServed    = 8       // connections
	maxServedOne = 2       // of one phone: the last may still be ending
	requestTime  = 30 * time.Second
	requestsEach = 4096 // on one connection: a release has 512 chunks
)

// Shelf is what a phone hands out.
type Shelf interface {
	// Head is the head of a release, or nil if it is not here.
	Head(release.ID) []byte

	// Chunk is a chunk of it, or nil.
	Chunk(release.ID, int) []byte
}

// Server answers other phones. It is safe for concurrent use.
type Server struct {
	shelf Shelf
	at    *pace.Pace

	mu     sync.Mutex // guards what follows
	all    int
	served map[overlay.ID]int
}

// NewServer makes a server.
func NewServer(shelf Shelf) *Server {
	return &Server{shelf: shelf, at: pace.New(serveRate), served: make(map[overlay.ID]int)}
}

// ErrBusy means that too many connections are served already.
var ErrBusy = errors.New("fetch: too many connections")

// Serve answers the member peer on a connection whose TLS handshake is over, and closes it. It
// returns when the other side has done so, errs or dawdles, and when ctx ends.
func (s *Server) Serve(ctx context.Context, conn net.Conn, peer overlay.ID) error {
	defer conn.Close()
	if !s.enter(peer) {
		return ErrBusy
	}
	defer s.exit(peer)
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	for range requestsEach {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		conn.SetDeadline(time.Now().Add(requestTime))
		q, err := readRequest(conn)
		if err != nil {
			return err
		}
		if err := s.answer(ctx, conn, q); err != nil {
			return err
		}
	}
	return ErrBusy
}

func (s *Server) answer(ctx context.Context, conn net.Conn, q request) error {
	var data []byte
	switch q.what {
	case askHead:
		data = s.shelf.Head(q.id)
	case askChunk:
		data = s.shelf.Chunk(q.id, int(q.index&0x7fffffff))
	}
	status := uint8(here)
	if len(data) == 0 {
		status = notHere
	}
	if err := s.at.Wait(ctx, len(data)+requestLen); err != nil {
		return err
	}
	conn.SetDeadline(time.Now().Add(requestTime))
	_, err := conn.Write(appendAnswer(nil, status, data))
	return err
}

func (s *Server) enter(peer overlay.ID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == maxServed || s.served[peer] == maxServedOne {
		return false
	}
	s.all++
	s.served[peer]++
	return true
}

func (s *Server) exit(peer overlay.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all--
	if s.served[peer]--; s.served[peer] == 0 {
		delete(s.served, peer)
	}
}
