package stack

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"chordophone/sip/wire"

	"github.com/emiago/sipgo/sip"
)

// Loopback is a pair of flows: what is sent on one is received on the other.
// Transactions work on them as on any flow; both vouch for user. It is for the loop,
// or for before Run.
func (s *Stack) Loopback(user string) (a, b *Flow) {
	ip := s.cfg.Listen
	if !ip.IsValid() {
		ip = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	at := netip.AddrPortFrom(ip.Unmap(), s.tlsAddr.Port())
	flow := func() *Flow {
		s.serial++
		return &Flow{stack: s, transport: Loopback, local: at, remote: at, peer: strings.ToLower(user), alive: true,
			serial: s.serial, used: time.Now(), clients: map[*client]struct{}{}, servers: map[*served]struct{}{}}
	}
	a, b = flow(), flow()
	a.inbound = true
	a.other, b.other = b, a
	return a, b
}

// hand gives a copy of a message to the other end, not before the loop has done what
// it is at.
func (f *Flow) hand(msg sip.Message) error {
	switch m := msg.(type) {
	case *sip.Request:
		msg = wire.CloneRequest(m)
	case *sip.Response:
		msg = wire.CloneResponse(m)
	default:
		return fmt.Errorf("stack: %T is no message", msg)
	}
	if !f.stack.box.post(job{flow: f.other, msg: msg, verdict: wire.Verdict{}}) {
		return ErrFlow
	}
	return nil
}
