package firmware

import (
	"context"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"chordophone/firmware/usage"
	"chordophone/overlay"
	"chordophone/overlay/chord"
	"chordophone/sip/proxy"
)

// directoryAgain is how often the list of members is read though nobody has come
// or gone.
const directoryAgain = 30 * time.Second

// directory knows which phone is at which address: those that this phone's node
// knows, and those it knew.
type directory struct {
	self    overlay.Peer
	members *usage.Members
	views   <-chan chord.View
	log     *slog.Logger

	mu      sync.Mutex // guards what follows
	at      map[netip.Addr]string
	here    map[string]netip.Addr // those whose node is in sight, by user
	left    map[string]time.Time  // when the others were last in sight, if they ever were
	changed []func(user string, here bool)
}

func newDirectory(self overlay.Peer, members *usage.Members, views <-chan chord.View, log *slog.Logger) *directory {
	return &directory{
		self: self, members: members, views: views, log: log,
		at: make(map[netip.Addr]string), here: make(map[string]netip.Addr), left: make(map[string]time.Time),
	}
}

// run follows the ring until ctx is cancelled.
func (d *directory) run(ctx context.Context) error {
	var view chord.View
	timer := time.NewTimer(directoryAgain)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case view = <-d.views:
		case <-timer.C:
		}
		again := directoryAgain
		if err := d.read(ctx, view); err != nil && ctx.Err() == nil {
			d.log.Debug("members not read", "err", err)
			again = time.Second
		}
		timer.Reset(again)
	}
}

// read puts names to the nodes in sight.
func (d *directory) read(ctx context.Context, view chord.View) error {
	if !view.Joined {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, registerTimeout)
	defer cancel()
	list, err := d.members.List(ctx)
	if err != nil {
		return err
	}
	users := make(map[overlay.ID]string, len(list))
	for _, m := range list {
		users[m.Node] = m.User
	}
	here := make(map[string]netip.Addr)
	for _, p := range append(neighbours(view), d.self) {
		if user, ok := users[p.ID]; ok {
			here[user] = p.Addr.Addr()
		}
	}
	d.mu.Lock()
	was := d.here
	d.here = here
	for user := range was {
		d.left[user] = time.Now()
	}
	for user := range here {
		delete(d.left, user)
	}
	for user, at := range here {
		d.at[at] = user
	}
	changed := d.changed
	d.mu.Unlock()
	for _, f := range changed {
		for user := range was {
			if _, ok := here[user]; !ok {
				f(user, false)
			}
		}
		for user := range here {
			if _, ok := was[user]; !ok {
				f(user, true)
			}
		}
	}
	return nil
}

// watch has f called, by run, with phones that have come into sight or have gone.
func (d *directory) watch(f func(user string, here bool)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.changed = append(d.changed, f)
}

// Phone is proxy.Phones'.
func (d *directory) Phone(at netip.AddrPort) (proxy.Phone, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	user, ok := d.at[at.Addr()]
	if !ok || at.Port() != sipPort && at.Port() != sipsPort {
		return proxy.Phone{}, false
	}
	return proxy.Phone{User: user, TLS: netip.AddrPortFrom(at.Addr(), sipsPort)}, true
}

// Telephone is proxy.Phones'.
func (d *directory) Telephone(aor string) bool { return d.members.Telephone(aor) }

// has reports whether an address is that of a phone of the office.
func (d *directory) has(at netip.Addr) bool {
	if at == d.self.Addr.Addr() {
		return true
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	_, ok := d.at[at]
	return ok
}

// lastSeen is when a phone that is not in sight was, zero if it was not since this phone
// was started.
func (d *directory) lastSeen(user string) time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.left[user]
}

// phones are those in sight, by user.
func (d *directory) phones() map[string]netip.Addr {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.here
}
