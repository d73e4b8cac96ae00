package identity

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"testing"

	"chordophone/overlay"
)

var quiet = slog.New(slog.DiscardHandler)

// phone is an enrolled phone that listens on loopback.
type phone struct {
	*Identity
	*Enroller
	addr  netip.AddrPort
	claim func(Newcomer) (int, error) // in place of the lowest free extension
	stop  func()
	errs  chan error // of Serve

	mu    sync.Mutex
	taken map[int]overlay.ID
}

func newPhone(t *testing.T, id *Identity) *phone {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &phone{
		Identity: id, addr: l.Addr().(*net.TCPAddr).AddrPort(),
		errs: make(chan error, 100), taken: map[int]overlay.ID{id.Extension(): id.ID(), 101: {}},
	}
	p.Enroller = NewEnroller(id, p.claimFree, quiet)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { p.errs <- p.Serve(ctx, tls.Server(conn, id.ServerTLS())) })
		}
	})
	p.stop = func() { l.Close(); cancel(); wg.Wait() }
	t.Cleanup(p.stop)
	return p
}

// setTokens sets the rate limit.
func (p *phone) setTokens(n float64) {
	p.Enroller.mu.Lock()
	p.tokens = n
	p.Enroller.mu.Unlock()
}

// claimFree stands for the ring.
func (p *phone) claimFree(_ context.Context, n Newcomer) (int, error) {
	if p.claim != nil {
		return p.claim(n)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	ext := FirstExtension
	for ; p.taken[ext] != (overlay.ID{}) || ext == 101; ext++ {
	}
	if n.Wish != 0 {
		if ext = n.Wish; p.taken[ext] != (overlay.ID{}) {
			return 0, ErrTaken
		}
	}
	chain, err := n.Issue(ext)
	if err != nil {
		return 0, err
	}
	r := MemberRecord(n.Node, chain)
	if err := p.SignRecord(&r); err != nil {
		return 0, err
	}
	p.taken[ext] = n.Node
	return ext, nil
}

func (p *phone) enrol(t *testing.T, code string, wish int) (*Identity, error) {
	t.Helper()
	id, peers, err := Enrol(t.Context(), p.addr, code, wish)
	if err == nil && (len(peers) != 1 || peers[0] != overlay.Peer{ID: p.ID(), Addr: p.addr}) {
		t.Errorf("told to join through %v", peers)
	}
	if (id == nil) == (err == nil) {
		t.Errorf("identity %v with error %v", id, err)
	}
	return id, err
}
