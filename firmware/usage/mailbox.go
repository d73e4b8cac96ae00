package usage

import (
	"bytes"
	"cmp"
	"context"
	crand "crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"chordophone/overlay"
	"chordophone/overlay/chord"
	"chordophone/overlay/identity"
	"chordophone/sip/location"
	"chordophone/sip/message"
)

// Limits on waiting messages.
const (
	MaxMessages = 100                // for one address
	mailboxLife = 7 * 24 * time.Hour // a message waits at most
)

// Sealer is what Mailbox needs of overlay/identity.
type Sealer interface {
	SealTo(chain [][]byte, info, text []byte) ([]byte, error)
	Unseal(info, sealed []byte) ([]byte, error)
}

// Mailbox keeps messages for addresses that are away: one MAILBOX record each, at
// a point of the ring for each address, for seven days at most. It is the
// message.Box of the office.
//
// A message for a telephone is sealed to that phone's own key: no other phone can
// read it, but the one that took it from its sender. That one seals it anew when
// another phone takes the place of a dead one; if it is gone too, the message is lost,
// and the new telephone says so.
//
// A message for an account is sealed to the account's key, which every phone of the
// office has, for any of them must be able to deliver it: an existing client has no
// key of its own. So it is closed to strangers and to thieves of a disk without the
// accounts, but not to the phones of the office.
//
// The order is that of the records' versions: a message that is put after another
// was accepted has a greater one, whichever phones took the two.
//
// # Once
//
// Who delivers takes the message out afterwards. Of several phones only one may
// deliver: the one for which Clients.Delivers says so. A message may still be
// delivered twice: when the phone dies between the recipient's answer and Remove;
// when a client registers at another phone while the first is about to deliver;
// when two parts of a divided office each reach the recipient; and when a phone
// that was switched off for weeks brings back a message whose removal all others
// have forgotten. Message.ID stays the same.
type Mailbox struct {
	ring     Ring
	writer   *Writer
	members  *Members
	accounts *Accounts
	clients  *Clients
	changes  *Changes
	self     Sealer

	putting [64]chan struct{} // by the first octet of the place, capacity 1: one message is put at a time

	gone func(overlay.ID) bool // whether a phone was shut out
	lost func(n int)           // messages for this telephone

	sealedTo map[string]overlay.ID // what this phone took for an extension, it has sealed to that node; owned by Changes.Run

	mu    sync.Mutex     // guards what follows
	count map[string]int // as it was last told, of those where something waits
}

// NewMailbox makes the mailboxes, as the phone self sees them.
func NewMailbox(ring Ring, writer *Writer, members *Members, accounts *Accounts, clients *Clients, changes *Changes, self Sealer) *Mailbox {
	x := &Mailbox{
		ring: ring, writer: writer, members: members, accounts: accounts, clients: clients, changes: changes, self: self,
		gone: func(overlay.ID) bool { return false }, lost: func(int) {},
		sealedTo: make(map[string]overlay.ID), count: make(map[string]int),
	}
	for i := range x.putting {
		x.putting[i] = make(chan struct{}, 1)
	}
	changes.Watch(overlay.OfficeMember, func(ctx context.Context, _ overlay.ID) error { return x.follow(ctx) })
	return x
}

func mailboxAt(user string) overlay.ID { return overlay.ResourceID("mailbox:" + user) }

// Put keeps a message for m.To until it is removed. It returns when two disks have
// it. One that is there already, by its ID, is not kept twice. The errors are
// location.ErrNotFound, message.ErrTooLong, message.ErrFull, or say what is wrong
// with the ring.
func (x *Mailbox) Put(ctx context.Context, m message.Message) error {
	user, err := bareUser(m.To)
	if err != nil {
		return err
	}
	if m.ID == "" {
		m.ID = crand.Text()
	}
	text, err := appendMessage(nil, m)
	if err != nil {
		return fmt.Errorf("message for %s: %w", user, err)
	}
	r := overlay.Record{Resource: mailboxAt(user), Kind: overlay.Mailbox, Key: messageKey(m.ID), Lifetime: mailboxLife}
	// One after the other, so that they are in the order in which they came.
	one := x.putting[int(r.Resource[0])%len(x.putting)]
	select {
	case one <- struct{}{}:
		defer func() { <-one }()
	case <-ctx.Done():
		return fmt.Errorf("message for %s: %w", user, ctx.Err())
	}
	waiting, _, err := x.ring.Get(ctx, r.Resource, overlay.Mailbox)
	if err != nil {
		return fmt.Errorf("message for %s: %w", user, err)
	}
	var after overlay.Version
	for _, w := range waiting {
		if bytes.Equal(w.Key, r.Key) {
			return nil
		}
		after = max(after, w.Version)
	}
	if len(waiting) >= MaxMessages {
		return fmt.Errorf("message for %s: %w", user, message.ErrFull)
	}
	to, err := x.seal(ctx, user, &r, text)
	if err != nil {
		return fmt.Errorf("message for %s: %w", user, err)
	}
	_, _, err = x.writer.put(ctx, &r, after)
	if errors.Is(err, chord.ErrTooOld) {
		return nil // somebody has put it meanwhile, or it was delivered before
	}
	if err != nil {
		return fmt.Errorf("message for %s: %w", user, err)
	}
	x.changes.Tell(r.Kind, r.Resource)
	if name, _ := cutUser(user); !to.IsZero() && x.members.Node(name) != to {
		return x.reseal(ctx, name) // another took its place meanwhile
	}
	return nil
}

// messageKey is the dictionary key of a message.
func messageKey(id string) []byte {
	h := sha256.Sum256([]byte(id))
	return h[:16]
}

// mailboxInfo binds what is sealed to its place, so that nobody can put it
// elsewhere.
func mailboxInfo(r overlay.Record) []byte {
	return slices.Concat([]byte("chordophone mailbox 1"), r.Resource[:], r.Key)
}

// seal makes the value of a record. It returns the node of the telephone to which it
// is sealed, zero for an account.
func (x *Mailbox) seal(ctx context.Context, user string, r *overlay.Record, text []byte) (to overlay.ID, err error) {
	telephone, account, err := x.clients.known(ctx, user)
	name, _ := cutUser(user)
	switch {
	case telephone:
		is := x.members.telephone(name)
		s, err := sealTwice(x.self, is.node, is.chain, x.members.self.Chain(), mailboxInfo(*r), text)
		if err == nil {
			r.Value, err = s.append(nil)
		}
		return is.node, err
	case account:
		c, _ := x.accounts.get(name)
		key, err := c.key()
		if err != nil {
			return to, err
		}
		value, err := identity.Seal(key.PublicKey(), mailboxInfo(*r), text)
		r.Value = append([]byte{valueFormat}, value...)
		return to, err
	case err == nil:
		err = location.ErrNotFound
	}
	return to, err
}

// open reads a record.
func (x *Mailbox) open(user string, r overlay.Record) (m message.Message, err error) {
	var text []byte
	if user == x.members.self.User() {
		text, err = x.unsealOwn(r)
	} else {
		text, err = x.unseal(user, r)
	}
	if err != nil {
		return m, err
	}
	if m, err = parseMessage(text); err == nil && !bytes.Equal(messageKey(m.ID), r.Key) {
		err = errUnreadable
	}
	m.To = user
	return m, err
}

// unsealOwn is for what is sealed to this telephone.
func (x *Mailbox) unsealOwn(r overlay.Record) ([]byte, error) {
	if len(r.Value) > 0 && r.Value[0] == valueFormat { // of an earlier release
		return x.self.Unseal(mailboxInfo(r), r.Value[1:])
	}
	s, err := parseSealed(r.Value)
	if err != nil {
		return nil, err
	}
	return s.open(x.self, mailboxInfo(r))
}

// unseal is for what is sealed to an account.
func (x *Mailbox) unseal(user string, r overlay.Record) ([]byte, error) {
	name, _ := cutUser(user)
	c, ok := x.accounts.get(name)
	if !ok || len(r.Value) == 0 || r.Value[0] != valueFormat {
		return nil, errUnreadable
	}
	key, err := c.key()
	if err != nil {
		return nil, err
	}
	return identity.Unseal(key, mailboxInfo(r), r.Value[1:])
}

// Waiting lists what waits for an address, oldest first, as far as this phone can
// read it: of telephones only its own. It may list messages that are another
// phone's to deliver.
func (x *Mailbox) Waiting(ctx context.Context, aor string) ([]message.Message, error) {
	user, err := bareUser(aor)
	if err != nil {
		return nil, err
	}
	records, err := x.get(ctx, user)
	if err != nil {
		return nil, err
	}
	var out []message.Message
	for _, r := range records {
		if m, err := x.open(user, r); err == nil {
			out = append(out, m)
		}
	}
	return out, nil
}

// get reads a mailbox, oldest message first.
func (x *Mailbox) get(ctx context.Context, user string) ([]overlay.Record, error) {
	records, _, err := x.ring.Get(ctx, mailboxAt(user), overlay.Mailbox)
	if err != nil {
		return nil, fmt.Errorf("messages for %s: %w", user, err)
	}
	slices.SortFunc(records, func(a, b overlay.Record) int {
		return cmp.Or(cmp.Compare(a.Version, b.Version), bytes.Compare(a.Key, b.Key))
	})
	return records, nil
}

// Remove takes a message out everywhere.
func (x *Mailbox) Remove(ctx context.Context, m message.Message) error {
	user, err := bareUser(m.To)
	if err != nil {
		return err
	}
	r := overlay.Record{
		Resource: mailboxAt(user), Kind: overlay.Mailbox, Key: messageKey(m.ID),
		Removed: true, Lifetime: mailboxLife + tombstoneLife,
	}
	if _, err := x.writer.Put(ctx, r); err != nil {
		return fmt.Errorf("remove message for %s: %w", user, err)
	}
	x.changes.Tell(r.Kind, r.Resource)
	return nil
}

// Count is how many messages wait for an address, whoever can read them; of this
// telephone's own, those that it can read.
func (x *Mailbox) Count(ctx context.Context, aor string) (int, error) {
	user, err := bareUser(aor)
	if err != nil {
		return 0, err
	}
	records, err := x.get(ctx, user)
	if user == x.members.self.User() {
		records, _ = x.divide(records)
	}
	return len(records), err
}

// Watch has changed called, by Changes.Run, when the number of messages that wait
// for one of the addresses has changed. addresses is called for each mailbox that
// somebody wrote to, and is to be quick.
func (x *Mailbox) Watch(addresses func() []string, changed func(aor string, count int)) {
	x.changes.Watch(overlay.Mailbox, func(ctx context.Context, resource overlay.ID) (failed error) {
		for _, aor := range addresses() {
			user, err := bareUser(aor)
			if err != nil || !resource.IsZero() && resource != mailboxAt(user) {
				continue
			}
			records, err := x.get(ctx, user)
			if err != nil {
				failed = errors.Join(failed, err)
				continue
			}
			if user == x.members.self.User() {
				readable, unreadable := x.divide(records)
				records, failed = readable, errors.Join(failed, x.bury(ctx, unreadable))
			}
			if n := len(records); x.counted(user, n) {
				changed(aor, n)
			}
		}
		return failed
	})
}

// Counted is Count without asking the ring, for the addresses that Watch watches.
func (x *Mailbox) Counted(aor string) int {
	user, err := bareUser(aor)
	if err != nil {
		return 0
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.count[user]
}

// counted remembers how many messages wait and reports whether it was another
// number before.
func (x *Mailbox) counted(user string, n int) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	was := x.count[user]
	if x.count[user] = n; n == 0 {
		delete(x.count, user)
	}
	return was != n
}
