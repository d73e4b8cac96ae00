package firmware

import (
	"context"
	"slices"
	"time"

	"chordophone/overlay"
	"chordophone/overlay/chord"
)

// rememberEvery is how often at most the peers are written to disk.
const rememberEvery = 5 * time.Second

// rememberPeers keeps on disk where the rest of the ring was last seen, for the
// next start.
func (a *appliance) rememberPeers(ctx context.Context) error {
	last, err := a.db.Peers()
	if err != nil {
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case v := <-a.ring:
			peers := neighbours(v)
			if len(peers) == 0 || slices.Equal(peers, last) {
				continue
			}
			if err := a.db.SavePeers(peers); err != nil {
				a.log.Warn("peers not remembered", "err", err)
				continue
			}
			last = peers
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(rememberEvery):
		}
	}
}

// neighbours are the nodes of a view, each once, in the order of their IDs.
func neighbours(v chord.View) []overlay.Peer {
	peers := slices.Concat(v.Succ, v.Fingers)
	if v.Pred.Addr.IsValid() {
		peers = append(peers, v.Pred)
	}
	slices.SortFunc(peers, func(a, b overlay.Peer) int { return a.ID.Compare(b.ID) })
	return slices.CompactFunc(peers, func(a, b overlay.Peer) bool { return a.ID == b.ID })
}
