package firmware

import (
	"context"
	"time"

	"chordophone/firmware/phone"
	"chordophone/overlay/chord"
)

// islandSettle is how long the ring must stay as it is until this phone says that it is
// cut off: rings take some seconds to form.
const islandSettle = 15 * time.Second

// cutOff is how many phones are missing if those in sight, this one included, are no more
// than half of the office; 0 if they are more: then those that are missing are off, or
// cut off themselves.
func cutOff(members, inSight int) (missing int) {
	if members < 2 || 2*inSight > members {
		return 0
	}
	return members - inSight
}

// lookForIsland tells the telephone when it is on an island, until ctx is cancelled.
func (a *appliance) lookForIsland(ctx context.Context) error {
	timer := time.NewTimer(islandSettle)
	defer timer.Stop()
	var last chord.View
	told := 0
	for {
		select {
		case <-ctx.Done():
			return nil
		case view := <-a.sight:
			// A ring of one looks for others all the time, and its view is told each time.
			if view.Size != last.Size || view.Joined != last.Joined {
				timer.Reset(islandSettle)
			}
			last = view
			continue
		case <-timer.C:
		}
		view := a.node.View()
		missing := 0
		if view.Joined {
			members, err := a.activeMembers(ctx)
			if err != nil {
				a.log.Debug("members not read", "err", err)
				timer.Reset(islandSettle)
				continue
			}
			missing = cutOff(members, view.Size)
		}
		if missing != told {
			told = missing
			a.events.tell(phone.Island{Missing: missing})
		}
	}
}

// activeMembers is how many phones the office has that were not shut out.
func (a *appliance) activeMembers(ctx context.Context) (n int, err error) {
	ctx, cancel := context.WithTimeout(ctx, registerTimeout)
	defer cancel()
	list, err := a.members.List(ctx)
	for _, m := range list {
		if !a.revocations.Has(m.Node) {
			n++
		}
	}
	return n, err
}
