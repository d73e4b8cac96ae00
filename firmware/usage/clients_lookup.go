package usage

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"chordophone/overlay"
	"chordophone/sip/location"
)

// Lookup is location.Service's: the telephone or the clients of an address, with
// one read of the ring. A binding stands though the phone that serves it may be
// dead: its client may be reached without.
func (c *Clients) Lookup(ctx context.Context, aor string) ([]location.Binding, error) {
	places, err := c.Places(ctx, aor)
	var out []location.Binding
	for _, p := range places {
		out = append(out, p.Binding)
	}
	return out, err
}

// Places is Lookup that names the nodes.
func (c *Clients) Places(ctx context.Context, aor string) ([]Place, error) {
	user, err := userName(aor)
	if err != nil {
		return nil, err
	}
	records, _, err := c.ring.Get(ctx, overlay.ResourceID(user), overlay.SIPRegistration, overlay.Binding)
	if err != nil {
		return nil, fmt.Errorf("look up %s: %w", aor, err)
	}
	if slices.ContainsFunc(records, func(r overlay.Record) bool { return r.Kind == overlay.SIPRegistration }) {
		return c.places.telephones(ctx, user, records), nil
	}
	telephone, account, err := c.known(ctx, user)
	if telephone {
		return nil, nil
	}
	list := parseHeld(records, time.Now())
	switch {
	case len(list) > 0: // also of an account that was made this very moment
	case err != nil:
		return nil, fmt.Errorf("look up %s: %w", aor, err)
	case !account:
		return nil, fmt.Errorf("look up %s: %w", aor, location.ErrNotFound)
	}
	out := make([]Place, len(list))
	for i, b := range bindings(list) {
		out[i] = Place{list[i].node, b}
	}
	return out, nil
}

// Known is location.Prompt's: the clients of an account, if this phone's node has the
// word on them. All else must be asked for.
func (c *Clients) Known(aor string) (list []location.Binding, ok bool, err error) {
	user, err := userName(aor)
	if err != nil {
		return nil, true, err
	}
	name, office := cutUser(user)
	if _, account := c.accounts.get(name); !account || office != c.accounts.office || c.members.Telephone(name) {
		return nil, false, nil
	}
	records, ok := c.ring.Held(overlay.ResourceID(user), overlay.SIPRegistration, overlay.Binding)
	if !ok || slices.ContainsFunc(records, func(r overlay.Record) bool { return r.Kind == overlay.SIPRegistration }) {
		return nil, false, nil
	}
	return bindings(parseHeld(records, time.Now())), true, nil
}

// known says what a user is. The error is for one that is neither, as far as can
// be said.
func (c *Clients) known(ctx context.Context, user string) (telephone, account bool, err error) {
	name, office := cutUser(user)
	if office != c.accounts.office {
		return false, false, nil
	}
	if c.members.Telephone(name) {
		return true, false, nil
	}
	if account, err = c.accounts.known(ctx, name); account || err != nil {
		return false, account, err
	}
	if c.members.listed() {
		c.members.changes.Doubt(overlay.OfficeMember)
		return false, false, nil
	}
	telephone, err = c.members.Has(ctx, user)
	return telephone, false, err
}

// Delivers reports whether it is this phone's part to deliver what waits for aor:
// its own telephone's, and that of clients whose newest binding it serves. All
// phones that have read the same come to the same.
func (c *Clients) Delivers(ctx context.Context, aor string) (bool, error) {
	user, err := bareUser(aor)
	if err != nil {
		return false, err
	}
	if name, office := cutUser(user); office == c.accounts.office && c.members.Telephone(name) {
		return user == c.members.self.User(), nil
	}
	list, err := c.fetch(ctx, user)
	if err != nil || len(list) == 0 {
		return false, err
	}
	newest := slices.MaxFunc(list, func(a, b held) int {
		return cmp.Or(cmp.Compare(a.version, b.version), cmp.Compare(a.key, b.key))
	})
	return newest.node == c.self, nil
}
