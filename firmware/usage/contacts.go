package usage

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"chordophone/overlay"
)

// MaxContacts is how many entries one list may have.
const MaxContacts = 100

// Contact is one entry of an address's list of contacts.
type Contact struct {
	Owner string // whose list: "101@office"
	AOR   string // who: "alice@office"; one entry for each
	Name  string // what its owner calls it, may be empty
	Order uint16 // place in the list, lowest first
	Lamp  uint8  // on which lamp of a telephone it is shown, 0: on none
}

// Contacts are the lists of contacts: one CONTACTS record for each entry, at a
// point of the ring for each list. So two entries that are set at two phones in
// the same moment are both there.
type Contacts struct {
	ring    Ring
	writer  *Writer
	changes *Changes
}

// NewContacts makes the lists.
func NewContacts(ring Ring, writer *Writer, changes *Changes) *Contacts {
	return &Contacts{ring: ring, writer: writer, changes: changes}
}

func contactsAt(owner string) overlay.ID { return overlay.ResourceID("contacts:" + owner) }

// List is the list of an address of record, in its order. It is empty for one
// that nobody has.
func (c *Contacts) List(ctx context.Context, owner string) ([]Contact, error) {
	owner, err := bareUser(owner)
	if err != nil {
		return nil, err
	}
	records, _, err := c.ring.Get(ctx, contactsAt(owner), overlay.Contacts)
	if err != nil {
		return nil, fmt.Errorf("contacts of %s: %w", owner, err)
	}
	var out []Contact
	for _, r := range records {
		if one, err := parseContact(r.Value); err == nil && one.Owner == owner && one.AOR == string(r.Key) {
			out = append(out, one)
		}
	}
	slices.SortFunc(out, func(a, b Contact) int {
		return cmp.Or(cmp.Compare(a.Order, b.Order), cmp.Compare(a.Name, b.Name), cmp.Compare(a.AOR, b.AOR))
	})
	return out[:min(len(out), MaxContacts)], nil
}

// Set adds an entry to its owner's list or replaces the one of the same address.
// Owner and AOR may be written with their scheme.
func (c *Contacts) Set(ctx context.Context, one Contact) (err error) {
	if one.Owner, err = bareUser(one.Owner); err != nil {
		return err
	}
	if one.AOR, err = bareUser(one.AOR); err != nil {
		return err
	}
	value, err := one.append(nil)
	if err != nil {
		return fmt.Errorf("contact %.60q: %w", one.AOR, err)
	}
	list, err := c.List(ctx, one.Owner)
	if err != nil {
		return err
	}
	is := func(o Contact) bool { return o.AOR == one.AOR }
	if len(list) >= MaxContacts && !slices.ContainsFunc(list, is) {
		return hinted{fmt.Errorf("the list has %d contacts, which is the most", len(list)), "remove one: contacts list"}
	}
	return c.put(ctx, one, overlay.Record{Value: value})
}

// Remove takes the entry of an address out of a list, if it is there.
func (c *Contacts) Remove(ctx context.Context, owner, aor string) error {
	list, err := c.List(ctx, owner)
	if err != nil {
		return err
	}
	if aor, err = bareUser(aor); err != nil {
		return err
	}
	i := slices.IndexFunc(list, func(o Contact) bool { return o.AOR == aor })
	if i < 0 {
		return hinted{fmt.Errorf("%s is no contact", aor), "contacts list shows them"}
	}
	return c.put(ctx, list[i], overlay.Record{Removed: true})
}

func (c *Contacts) put(ctx context.Context, one Contact, r overlay.Record) error {
	r.Resource, r.Kind, r.Key, r.Lifetime = contactsAt(one.Owner), overlay.Contacts, []byte(one.AOR), memberLife
	if _, err := c.writer.Put(ctx, r); err != nil {
		return fmt.Errorf("contact %s: %w", one.AOR, err)
	}
	c.changes.Tell(r.Kind, r.Resource)
	return nil
}

// Watch has changed called when the list of owner may have changed, and once in
// the beginning.
func (c *Contacts) Watch(owner string, changed func(ctx context.Context) error) error {
	owner, err := bareUser(owner)
	if err != nil {
		return err
	}
	at := contactsAt(owner)
	c.changes.Watch(overlay.Contacts, func(ctx context.Context, resource overlay.ID) error {
		if resource != at && !resource.IsZero() {
			return nil
		}
		return changed(ctx)
	})
	return nil
}

// bareUser is userName for what may lack the scheme.
func bareUser(aor string) (string, error) {
	return userName("sip:" + strings.TrimPrefix(aor, "sip:"))
}

// cutUser cuts a RELOAD user name in two.
func cutUser(user string) (name, office string) {
	name, office, _ = strings.Cut(user, "@")
	return name, office
}
