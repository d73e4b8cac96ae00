//go:build interop

package capture_test

import (
	"bytes"
	"fmt"
	"net/netip"
	"time"

	"chordophone/overlay"
	"chordophone/overlay/chord"
	"chordophone/overlay/link"
	"chordophone/overlay/reload"
)

// sent is one message as the ring handed it to the link.
type sent struct {
	tx    uint64
	code  reload.Code
	to    []string // identifiers of nodes in the destination list
	kinds []string // of the records in it
}

// tap hands on what one phone sends: each frame of the office once.
type tap struct {
	life *life
	self netip.Addr
}

func (x tap) Frame(at time.Time, from, to netip.AddrPort, frame []byte) {
	if from.Addr() != x.self {
		return
	}
	x.life.mu.Lock()
	defer x.life.mu.Unlock()
	x.life.frames = append(x.life.frames, bytes.Clone(frame))
	x.life.hub.Frame(at, from, to, frame)
}

// transport writes down what a node sends.
type transport struct {
	*link.Link
	life *life
}

func (x transport) Send(to overlay.Peer, m chord.Message) {
	x.life.mu.Lock()
	x.life.sent = append(x.life.sent, note(m))
	x.life.mu.Unlock()
	x.Link.Send(to, m)
}

func note(m chord.Message) sent {
	s := sent{tx: m.Tx}
	for _, d := range m.To {
		if !d.Resource {
			s.to = append(s.to, d.ID.String())
		}
	}
	records := func(code reload.Code, list []overlay.Record) reload.Code {
		for _, r := range list {
			s.kinds = append(s.kinds, fmt.Sprint(uint32(r.Kind)))
		}
		return code
	}
	switch b := m.Body.(type) {
	case chord.Ping:
		s.code = reload.CodePingReq
	case chord.Pong:
		s.code = reload.CodePingAns
	case chord.Join:
		s.code = reload.CodeJoinReq
	case chord.Joined:
		s.code = reload.CodeJoinAns
	case chord.Update:
		s.code = reload.CodeUpdateReq
	case chord.Leave:
		s.code = reload.CodeLeaveReq
	case chord.Store:
		s.code = records(reload.CodeStoreReq, b.Records)
	case chord.Stored:
		s.code = reload.CodeStoreAns
	case chord.Fetch:
		s.code = reload.CodeFetchReq
	case chord.Fetched:
		s.code = records(reload.CodeFetchAns, b.Records)
	case chord.Stat:
		s.code = reload.CodeStatReq
	case chord.Versions:
		s.code = reload.CodeStatAns
	case chord.Ack:
		s.code = reload.CodeUpdateAns
		if b.Of == chord.AckLeave {
			s.code = reload.CodeLeaveAns
		}
	case chord.Error:
		s.code = reload.CodeError
	}
	return s
}

const code = "12345678"
