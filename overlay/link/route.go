package link

import (
	"bytes"
	"math"

	"chordophone/overlay"
	"chordophone/overlay/chord"
	"chordophone/overlay/reload"
)

// everybody is the Node-ID that every node answers to. // RFC 6940, section 6.1.1
var everybody = overlay.ID(bytes.Repeat([]byte{255}, 16))

// ring is the ring as this node sees it. ok is false when it has not joined.
func (l *Link) ring() (v chord.View, ok bool) {
	if l.cfg.Ring != nil {
		v = l.cfg.Ring()
	}
	return v, v.Joined
}

// ours reports whether a message ends here. It cannot tell for a resource
// without a view of the ring.
func (l *Link) ours(to []chord.Dest) bool {
	d := unpeel(to, l.cfg.Self.ID)[0]
	if !d.Resource {
		return d.ID == l.cfg.Self.ID || d.ID == everybody
	}
	v, ok := l.ring()
	return ok && nextHop(v, d.ID).ID == l.cfg.Self.ID
}

// unpeel takes entries that name this node off a destination list, but for the
// last. // RFC 6940, section 6.1.1
func unpeel(to []chord.Dest, self overlay.ID) []chord.Dest {
	for len(to) > 1 && to[0] == (chord.Dest{ID: self}) {
		to = to[1:]
	}
	return to
}

// nextHop is the node to which a message for key goes from here: the first known
// at or after key where no node can be between, else the nearest before it.
// RFC 6940, section 10.3
func nextHop(v chord.View, key overlay.ID) overlay.Peer {
	alone := v.Pred.ID.IsZero() && len(v.Succ) == 0
	if alone || key == v.Self.ID || !v.Pred.ID.IsZero() && key.Between(v.Pred.ID, v.Self.ID) {
		return v.Self
	}
	last := v.Self
	for _, p := range v.Succ {
		if key == p.ID || key.Between(last.ID, p.ID) {
			return p
		}
		last = p
	}
	best := last
	for _, p := range v.Fingers {
		if p.ID == key || p.ID.Between(best.ID, key) {
			best = p
		}
	}
	return best
}

// responsiblePPB is the part of the circle that this node is responsible for, in
// parts per billion. // RFC 6940, section 6.4.2.5
func responsiblePPB(v chord.View) uint32 {
	if v.Pred.ID.IsZero() {
		return 1e9
	}
	var part float64
	for _, b := range v.Pred.ID.Distance(v.Self.ID) {
		part = part*256 + float64(b)
	}
	return uint32(math.Ldexp(part, -128) * 1e9)
}

// tableSize counts the nodes in a routing table.
func tableSize(v chord.View) int {
	seen := make(map[overlay.ID]bool)
	for _, list := range [...][]overlay.Peer{{v.Pred}, v.Succ, v.Fingers} {
		for _, p := range list {
			if !p.ID.IsZero() && p.ID != v.Self.ID {
				seen[p.ID] = true
			}
		}
	}
	return len(seen)
}

// addressOf is a node with the address at which the view, or a connection, knows
// it.
func addressOf(v chord.View, id overlay.ID) overlay.Peer {
	for _, list := range [...][]overlay.Peer{v.Succ, v.Fingers, {v.Pred}} {
		for _, p := range list {
			if p.ID == id {
				return p
			}
		}
	}
	return overlay.Peer{ID: id}
}

// forward passes on a message that chord has no word for. // RFC 6940, section 6.1.2
func (l *Link) forward(from overlay.Peer, in *incoming) {
	request := in.code.IsRequest()
	to := unpeel(in.msg.To, l.cfg.Self.ID)
	v, joined := l.ring()
	next := addressOf(v, to[0].ID)
	switch {
	case in.header.TTL <= 1:
		l.refuse(from, in, TTLTooHigh, refusal(chord.TTLExceeded, ""))
		return
	case to[0].Resource && !joined:
		l.refuse(from, in, Unknown, refusal(chord.NotFound, "not in the ring"))
		return
	case to[0].Resource:
		next = nextHop(v, to[0].ID)
	case !next.Addr.IsValid() && !l.connected(next.ID) && joined:
		next = nextHop(v, to[0].ID) // nearer, at least
	}
	if next.ID == l.cfg.Self.ID || next.ID == from.ID {
		l.refuse(from, in, Unknown, refusal(chord.NotFound, "no such node"))
		return
	}
	h := in.header
	h.TTL--
	h.To = destinations(to)
	if request {
		if len(h.Via) >= reload.MaxDestinations {
			l.drop(Malformed, "forward: via list too long")
			return
		}
		h.Via = append(h.Via[:len(h.Via):len(h.Via)], reload.Node(from.ID))
	}
	l.send(next, &outgoing{header: h, payload: in.msg.Raw})
}

func (l *Link) connected(id overlay.ID) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.conns[id] != nil
}
