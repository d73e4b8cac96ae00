package chord

import (
	"slices"

	"chordophone/overlay"
)

// fixFingers looks up fingers that are missing or old. A finger is any node in
// the right stretch of the circle: RFC 6940, section 10.7.4.2: "the peer SHOULD
// send the Ping to a Node-ID selected randomly from that range."
func (n *Node) fixFingers() {
	if n.complete() {
		if n.fingers != nil {
			n.fingers = nil
			n.viewChanged = true
		}
		return
	}
	// Stretches up to the end of the successor list need no finger.
	last := n.self.ID.Distance(n.ring.succ[len(n.ring.succ)-1].ID)
	count := 0
	for count < 128 && last.Compare(overlay.ID{}.Plus(uint(127-count))) < 0 {
		count++
	}
	n.fingers = slices.Grow(n.fingers, count)[:max(count, len(n.fingers))]
	for i := count; i < len(n.fingers); i++ {
		n.fingers[i] = overlay.Peer{}
	}
	n.fingers = n.fingers[:count]
	for i, f := range n.fingers {
		if f.ID.IsZero() {
			n.findFinger(i)
		}
	}
	if count > 0 {
		rounds := max(1, int(n.cfg.FingerCheck/n.cfg.SettledRound))
		n.nextFinger++
		if n.settled() && n.nextFinger%rounds == 0 {
			n.findFinger(n.nextFinger / rounds % count)
		}
	}
}

func (n *Node) findFinger(i int) {
	power := uint(127 - i)
	target := n.self.ID.Plus(power)
	for bit := range power {
		if n.rng.Uint64()&1 == 0 {
			continue
		}
		target = target.Plus(bit)
	}
	hop := n.nextHop(target)
	if hop.ID == n.self.ID {
		return
	}
	n.route(hop, target, Ping{}, func(a answer) {
		pong, ok := a.body.(Pong)
		if !ok || i >= len(n.fingers) || n.dead(a.from.ID) {
			return
		}
		f := n.where(a.from, pong.Table)
		d := n.self.ID.Distance(f.ID)
		low := overlay.ID{}.Plus(power)
		inside := d.Compare(low) >= 0 && (i == 0 || d.Compare(overlay.ID{}.Plus(power+1)) < 0)
		if !inside || !f.Addr.IsValid() {
			return // the old one, if there is one, is as good as ever
		}
		if n.fingers[i] != f {
			n.fingers[i] = f
			n.viewChanged = true
		}
	})
}
