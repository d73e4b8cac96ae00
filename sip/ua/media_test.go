package ua

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"
	"sync"

	"chordophone/sip/sdp"
)

// fakeMedia agrees with everything that does not say "refuse".
type fakeMedia struct {
	local  netip.Addr
	client bool

	mu     sync.Mutex
	log    []string
	closed int
}

func (m *fakeMedia) judge(what string, sdpText []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.log = append(m.log, what+" "+string(bytes.TrimSpace(sdpText)))
	if bytes.Contains(sdpText, []byte("refuse")) {
		return fmt.Errorf("%w: nothing in common", sdp.ErrNotAcceptable)
	}
	if bytes.Contains(sdpText, []byte("garbled")) {
		return fmt.Errorf("%w: garbled", sdp.ErrSyntax)
	}
	return nil
}

func (m *fakeMedia) Offer() ([]byte, error) { return []byte("v=0 offer\r\n"), m.judge("offer", nil) }

func (m *fakeMedia) Answer(sdp []byte) ([]byte, error) {
	return []byte("v=0 answer\r\n"), m.judge("answer", sdp)
}

func (m *fakeMedia) Accept(sdp []byte) error { return m.judge("accept", sdp) }

func (m *fakeMedia) Hold(on bool) ([]byte, error) {
	return fmt.Appendf(nil, "v=0 hold=%t\r\n", on), m.judge(fmt.Sprintf("hold=%t", on), nil)
}

func (m *fakeMedia) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed++
	return nil
}

func (m *fakeMedia) history() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return strings.Join(m.log, ", ")
}

func (p *phone) media(i int) *fakeMedia {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.made[i]
}
