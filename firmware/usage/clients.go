package usage

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"chordophone/overlay"
	"chordophone/overlay/chord"
	"chordophone/sip/location"
)

// Limits on the bindings of clients.
const (
	maxBindings = 16            // of one address that are looked at, and changes at once
	maxBinding  = 2 * time.Hour // a binding may hold; not more than what a removal is remembered
	maxOpen     = 96            // Registers that use the ring at once: it refuses beyond 256
	maxLines    = 2048          // addresses whose bindings are remembered
	fresh       = 30 * time.Second
)

// Clients are the bindings of existing clients, kept in the ring: one BINDING
// record for each contact, at the Resource-ID of the user name, where a telephone
// would have its registration, so that one look-up brings both. It is the
// location.Registrar of the office.
//
// Any phone may replace and remove any binding. In each slot the newest version
// holds, so that all phones come to the same. For the same reason a newer binding
// stands when an older REGISTER of the same client comes in late.
//
// A telephone's own address has no such bindings: its registration proves itself,
// while a binding is worth what the phone is that wrote it.
type Clients struct {
	ring     Ring
	writer   *Writer
	places   *Registrations
	members  *Members
	accounts *Accounts
	self     overlay.ID
	open     chan struct{} // capacity maxOpen

	mu    sync.Mutex // guards what follows
	lines map[string]*line
}

// NewClients makes the registrar of the phone self.
func NewClients(ring Ring, writer *Writer, places *Registrations, members *Members, accounts *Accounts, self overlay.ID) *Clients {
	return &Clients{
		ring: ring, writer: writer, places: places, members: members, accounts: accounts, self: self,
		open:  make(chan struct{}, maxOpen),
		lines: make(map[string]*line),
	}
}

// held is a binding in the ring.
type held struct {
	key     string
	version overlay.Version
	node    overlay.ID // the phone that serves it
	until   time.Time
	location.Binding
}

// slotKey is the dictionary key of a binding. // RFC 5626, section 6: instance and
// reg-id tell bindings apart where both are given, the contact otherwise
func slotKey(b location.Binding) string {
	h := sha256.New()
	if b.Instance != "" && b.RegID != 0 {
		h.Write([]byte{'i'})
		h.Write(binary.BigEndian.AppendUint32(nil, b.RegID))
		h.Write([]byte(b.Instance))
	} else {
		h.Write([]byte{'c'})
		h.Write([]byte(b.Contact))
	}
	return string(h.Sum(nil)[:16])
}

// Register is location.Registrar's. A removal that names a Node takes away only
// what that phone serves: of a client that has moved to another meanwhile, nothing.
// Without Node it takes away what is there.
func (c *Clients) Register(ctx context.Context, aor string, changes []location.Binding) ([]location.Binding, error) {
	user, err := userName(aor)
	if err != nil {
		return nil, err
	}
	if len(changes) > maxBindings {
		return nil, fmt.Errorf("register %s: %d bindings at once: %w", aor, len(changes), errTooLarge)
	}
	l, err := c.enter(ctx, user)
	if err != nil {
		return nil, fmt.Errorf("register %s: %w", aor, err)
	}
	defer c.leave(l)
	if err := c.register(ctx, user, l, changes); err != nil {
		l.read = time.Time{} // some of it may be in the ring
		return nil, fmt.Errorf("register %s: %w", aor, err)
	}
	return bindings(l.held), nil
}

func (c *Clients) register(ctx context.Context, user string, l *line, changes []location.Binding) error {
	now := time.Now()
	l.held = slices.DeleteFunc(l.held, func(h held) bool { return !h.until.After(now) })
	// Of what is to go and is not known here, another phone may know.
	strange := func(b location.Binding) bool { return b.Expires <= 0 && find(l.held, slotKey(b)) < 0 }
	if now.Sub(l.read) > fresh || slices.ContainsFunc(changes, strange) {
		list, err := c.fetch(ctx, user)
		if err != nil {
			return err
		}
		l.held, l.read = list, now
	}
	// The newest binding of an address shall have the greatest version, whichever
	// phone wrote it: see Delivers.
	var after overlay.Version
	for _, h := range l.held {
		after = max(after, h.version)
	}
	writes := make([]write, 0, len(changes))
	for i, b := range changes {
		w := write{key: slotKey(b), change: b}
		later := func(o location.Binding) bool { return slotKey(o) == w.key }
		if i+1 < len(changes) && slices.ContainsFunc(changes[i+1:], later) {
			continue // the last word on a slot holds
		}
		if j := find(l.held, w.key); j >= 0 {
			w.replaces = &l.held[j]
		}
		if !w.needless(now) {
			writes = append(writes, w)
		}
	}
	if len(writes) == 1 {
		writes[0].err = c.put(ctx, user, &writes[0], after)
	} else {
		var all sync.WaitGroup
		for i := range writes {
			all.Go(func() { writes[i].err = c.put(ctx, user, &writes[i], after) })
		}
		all.Wait()
	}
	var failed error
	for _, w := range writes {
		if w.err != nil {
			failed = errors.Join(failed, w.err)
			continue
		}
		l.held = slices.DeleteFunc(l.held, func(h held) bool { return h.key == w.key })
		if w.holds != nil {
			l.held = append(l.held, *w.holds)
		}
		if w.surprised {
			l.read = time.Time{}
		}
	}
	sortHeld(l.held)
	return failed
}

// write is one slot that a Register writes.
type write struct {
	key       string
	change    location.Binding
	replaces  *held // as far as this phone knows, nil: nothing
	holds     *held // afterwards
	surprised bool  // another phone has written it since
	err       error
}

// needless reports whether a change would change nothing, or must not.
func (w *write) needless(now time.Time) bool {
	h := w.replaces
	switch gone := w.change.Expires <= 0; {
	case h == nil:
		return gone
	case outranks(h.Binding, w.change):
		return true
	case gone:
		return w.change.Node != "" && w.change.Node != h.Node
	}
	return h.until.Sub(now) >= w.change.Expires && same(h.Binding, w.change)
}

// outranks reports whether a binding was made by a later request of the same
// registration. // RFC 3261, section 10.3, step 7
func outranks(h, b location.Binding) bool {
	return b.CallID != "" && h.CallID == b.CallID && h.CSeq > b.CSeq
}

// same reports whether two bindings differ in nothing but how long they hold.
func same(a, b location.Binding) bool {
	path := slices.Equal(a.Path, b.Path)
	a.Expires, b.Expires, a.Path, b.Path = 0, 0, nil, nil
	return path && a.Contact == b.Contact && a.Server == b.Server && a.Node == b.Node && a.Flow == b.Flow &&
		a.Instance == b.Instance && a.RegID == b.RegID && a.CallID == b.CallID && a.CSeq == b.CSeq &&
		a.Q == b.Q && a.Agent == b.Agent && a.Methods == b.Methods
}

// put writes one slot.
func (c *Clients) put(ctx context.Context, user string, w *write, after overlay.Version) (err error) {
	r := overlay.Record{
		Resource: overlay.ResourceID(user), Kind: overlay.Binding, Key: []byte(w.key),
		Lifetime: tombstoneLife, Removed: w.change.Expires <= 0,
	}
	if !r.Removed {
		r.Lifetime = min(w.change.Expires, maxBinding).Round(time.Second)
		r.Lifetime = max(r.Lifetime, time.Second)
		if r.Value, err = appendBinding(nil, w.change, c.self); err != nil {
			return err
		}
	}
	select {
	case c.open <- struct{}{}:
		defer func() { <-c.open }()
	case <-ctx.Done():
		return ctx.Err()
	}
	began := time.Now()
	for range tries {
		var newer overlay.Version
		if w.replaces != nil && w.change.Expires <= 0 && w.change.Node != "" {
			newer, err = c.writer.take(ctx, &r, w.replaces.version)
		} else {
			_, newer, err = c.writer.put(ctx, &r, after)
		}
		if err == nil {
			if !r.Removed {
				w.holds = &held{w.key, r.Version, c.self, began.Add(r.Lifetime), w.change}
			}
			return nil
		}
		if !errors.Is(err, chord.ErrTooOld) {
			return err
		}
		w.surprised = true
		list, failed := c.fetch(ctx, user)
		if failed != nil {
			return failed
		}
		w.replaces = nil
		if i := find(list, w.key); i >= 0 {
			w.replaces = &list[i]
		}
		if w.needless(began) {
			w.holds = w.replaces
			return nil
		}
		after = newer
	}
	return err
}

// fetch reads the bindings of an address.
func (c *Clients) fetch(ctx context.Context, user string) ([]held, error) {
	records, _, err := c.ring.Get(ctx, overlay.ResourceID(user), overlay.Binding)
	if err != nil {
		return nil, err
	}
	return parseHeld(records, time.Now()), nil
}

// parseHeld reads what is of Kind BINDING among records.
func parseHeld(records []overlay.Record, now time.Time) (out []held) {
	for _, r := range records {
		if r.Kind != overlay.Binding {
			continue
		}
		b, node, err := parseBinding(r.Value)
		if err != nil || slotKey(b) != string(r.Key) {
			continue // signed, but nothing that a registrar would write
		}
		life := min(r.Lifetime, maxBinding) // the lifetime is not under the signature
		out = append(out, held{string(r.Key), r.Version, node, now.Add(life), b})
	}
	sortHeld(out)
	return out[:min(len(out), maxBindings)]
}

// sortHeld puts the preferred first, and all else in an order that is the same at
// every phone.
func sortHeld(list []held) {
	slices.SortFunc(list, func(a, b held) int {
		return cmp.Or(cmp.Compare(b.Q, a.Q), cmp.Compare(a.Contact, b.Contact), cmp.Compare(a.key, b.key))
	})
}

func find(list []held, key string) int {
	return slices.IndexFunc(list, func(h held) bool { return h.key == key })
}

// bindings are what is held, with the time that is left.
func bindings(list []held) []location.Binding {
	now := time.Now()
	out := make([]location.Binding, 0, len(list))
	for _, h := range list {
		h.Expires = h.until.Sub(now)
		out = append(out, h.Binding)
	}
	return out
}
