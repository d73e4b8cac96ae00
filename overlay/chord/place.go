package chord

import (
	"time"

	"chordophone/overlay"
)

// Place starts a node as a settled member of a ring that is whole: for
// simulations of rings that take too long to grow. before are the nodes before
// it and after those that follow it, nearest first; all says that after names
// everybody else. fingers[i] is 2^(127-i) to 2^(128-i) clockwise; the zero Peer
// where there is none.
func (n *Node) Place(now time.Time, before, after []overlay.Peer, all bool, fingers []overlay.Peer) {
	if n.state != idle {
		panic("BUG: a node is placed that was started")
	}
	n.now = now
	n.state = joined
	n.ring.set(after, all)
	if len(before) > 0 {
		n.ring.pred = before[0]
		n.setBefore(before[1:])
	}
	n.fingers = fingers
	n.calm = calmRounds
	n.arcFrom = n.ring.pred.ID
	n.nextRound = now.Add(time.Duration(n.rng.Int64N(int64(n.cfg.SettledRound))))
	n.nextAnti = now.Add(time.Duration(n.rng.Int64N(int64(n.cfg.AntiEntropy))))
	n.nextOwn = now.Add(n.jitter(n.cfg.OwnCheck))
	for _, p := range n.ring.succ {
		n.remember(p, n.cfg.FingerCheck)
	}
}
