package stack

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"chordophone/sip/wire"

	"github.com/emiago/sipgo/sip"
)

// readDatagrams serves a socket until the stack ends. An error is not the end of
// it: the socket may work again.
func (s *Stack) readDatagrams(k *socket) {
	buf := make([]byte, wire.MaxMessage)
	var pause time.Duration
	row := 0 // datagrams, one right after another
	for {
		n, from, to, waited, err := k.read(buf)
		if err != nil {
			if s.ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
				return
			}
			s.count.readErrors.Add(1)
			if pause == 0 {
				s.log.Warn("sip: reading datagrams", "error", err)
			}
			pause = min(pause+10*time.Millisecond, time.Second)
			select {
			case <-time.After(pause):
			case <-s.ctx.Done():
				return
			}
			continue
		}
		pause = 0
		if row++; waited {
			row = 0
		}
		s.datagram(k, buf[:n], from, to, row < atOnce)
	}
}

// atOnce is how many datagrams, one right after another, are done with by their
// reader.
const atOnce = 8

// datagram judges, parses and passes on one datagram. The first few after a moment of
// quiet are done with here; when they come fast it is left to the loop, so that reading keeps
// up, and what is too much is dropped here, where that costs least.
func (s *Stack) datagram(k *socket, data []byte, from netip.AddrPort, to netip.Addr, here bool) {
	s.count.datagrams.Add(1)
	room := maxBehind
	switch s.rates.admit(time.Now(), from) {
	case overRate:
		s.count.overRate.Add(1)
		return
	case overTotal:
		s.count.overTotal.Add(1)
		return
	case admitted: // the last quarter is for those we know
		room = maxBehind * 3 / 4
	}
	if isBlank(data) { // a client keeps its way through a NAT open
		return
	}
	msg, v := wire.Parse(data)
	if msg == nil || v.Status == wire.Drop {
		s.count.malformed.Add(1)
		return
	}
	s.count.messages.Add(1)
	j := job{msg: msg, verdict: v, socket: k, from: from, local: to}
	posted, turn := false, false
	if here {
		posted, turn = s.box.bringDatagram(j, room)
	} else {
		posted = s.box.postDatagram(j, room)
	}
	switch {
	case !posted:
		s.count.behind.Add(1)
	case turn:
		s.share()
	}
}

// isBlank reports whether a datagram is a keep-alive: blanks, zeros or nothing.
func isBlank(data []byte) bool {
	if len(data) > 4 {
		return false
	}
	for _, c := range data {
		if c != '\r' && c != '\n' && c != ' ' && c != 0 {
			return false
		}
	}
	return true
}

const maxUDPFlows = 4096 // in each generation

// flowTable holds the flows of UDP: those known, and of strangers the last ones.
type flowTable struct {
	strangers generations[netip.AddrPort, Flow]
	known     generations[netip.AddrPort, Flow]
}

func newFlowTable() flowTable {
	return flowTable{newGenerations[netip.AddrPort, Flow](maxUDPFlows), newGenerations[netip.AddrPort, Flow](maxUDPFlows)}
}

func (t *flowTable) get(a netip.AddrPort) *Flow {
	if f := t.known.get(a); f != nil {
		return f
	}
	return t.strangers.get(a)
}

func (t *flowTable) keep(f *Flow) {
	if t.known.get(f.remote) == nil {
		t.strangers.delete(f.remote)
		t.known.put(f.remote, f)
	}
}

func (t *flowTable) each(do func(*Flow)) {
	for _, m := range []map[netip.AddrPort]*Flow{t.known.young, t.known.old, t.strangers.young, t.strangers.old} {
		for _, f := range m {
			do(f)
		}
	}
}

func (t *flowTable) len() int { return t.known.len() + t.strangers.len() }

// udpFlow is the flow to a far address, as it is known or anew.
func (s *Stack) udpFlow(remote netip.AddrPort) (*Flow, error) {
	if f := s.udp.get(remote); f != nil {
		return f, nil
	}
	k, err := s.socketFor(remote)
	if err != nil {
		return nil, err
	}
	return s.newUDPFlow(k, remote), nil
}

// socketFor is the phone's own socket from which datagrams go to a far address.
func (s *Stack) socketFor(remote netip.AddrPort) (*socket, error) {
	for _, k := range s.sockets {
		if k.udp == nil || k.v6 == remote.Addr().Is6() {
			return k, nil
		}
	}
	return nil, fmt.Errorf("%w: UDP to %v", errOff, remote)
}

func (s *Stack) newUDPFlow(k *socket, remote netip.AddrPort) *Flow {
	s.serial++
	f := &Flow{stack: s, transport: UDP, remote: remote, alive: true, socket: k, serial: s.serial}
	if s.cfg.Listen.IsValid() {
		f.local = s.udpAddr
	}
	s.udp.strangers.put(remote, f)
	s.count.udpFlowsNow.Store(int64(s.udp.len()))
	return f
}

// heardFrom is the flow of a datagram that came.
func (s *Stack) heardFrom(k *socket, from netip.AddrPort, local netip.Addr) *Flow {
	f := s.udp.get(from)
	if f == nil {
		f = s.newUDPFlow(k, from)
		f.inbound = true
	}
	f.socket = k
	if local.IsValid() {
		f.local = netip.AddrPortFrom(local, s.udpAddr.Port())
	}
	return f
}

// received is RFC 3261, section 18.2.1, and RFC 3581, section 4: the topmost Via
// says where the request really came from.
func (f *Flow) received(via *sip.ViaHeader) {
	if f.transport == Loopback {
		return
	}
	host := f.remote.Addr().WithZone("").String()
	rport := -1
	for i, kv := range via.Params {
		if strings.EqualFold(kv.K, "rport") {
			rport = i
		}
	}
	if rport >= 0 {
		via.Params[rport].V = strconv.Itoa(int(f.remote.Port()))
	}
	if ip, err := netip.ParseAddr(strings.Trim(via.Host, "[]")); rport >= 0 || err != nil || ip.Unmap() != f.remote.Addr() {
		via.Params = setParam(via.Params, "received", host)
	}
}

// replyPort is where a response goes on UDP: RFC 3581, section 4, or else RFC 3261,
// section 18.2.2. The host is always the source's: maddr would let a stranger
// choose whom we answer.
func replyPort(via *sip.ViaHeader, source uint16) uint16 {
	if via == nil {
		return source
	}
	if text, ok := wire.Param(via.Params, "rport"); ok {
		if port, err := strconv.ParseUint(text, 10, 16); err == nil && port != 0 {
			return uint16(port)
		}
		return source
	}
	if via.Port > 0 && via.Port < 1<<16 {
		return uint16(via.Port)
	}
	return 5060
}
