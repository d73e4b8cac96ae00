package usage

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"chordophone/overlay"
	"chordophone/overlay/identity"
)

// Members is the list of enrolled phones: one OFFICE-MEMBER record each, all at
// one point of the ring. What must be quick it keeps in memory.
type Members struct {
	ring    Ring
	writer  *Writer
	self    Identity
	changes *Changes

	claiming sync.Mutex // one extension is claimed at a time

	mu         sync.RWMutex         // guards what follows
	telephones map[string]telephone // by extension, nil before they were read
}

// telephone is who has an extension.
type telephone struct {
	node  overlay.ID
	chain [][]byte // certificates
}

// NewMembers makes the list, as the phone self sees it.
func NewMembers(ring Ring, writer *Writer, self Identity, changes *Changes) *Members {
	m := &Members{ring: ring, writer: writer, self: self, changes: changes}
	changes.Watch(overlay.OfficeMember, func(ctx context.Context, _ overlay.ID) error {
		_, err := m.List(ctx)
		return err
	})
	return m
}

// Telephone reports whether a user is a telephone of the office: "102", with or
// without the office's name behind it. It takes no time. A telephone that was
// enrolled just now is known two seconds later.
func (m *Members) Telephone(user string) bool {
	ext, _, _ := strings.Cut(user, "@")
	m.mu.RLock()
	defer m.mu.RUnlock()
	_, ok := m.telephones[ext]
	return ok
}

// Node is the node of the telephone with this extension, zero if nobody has it. It
// takes no time, as Telephone.
func (m *Members) Node(ext string) overlay.ID { return m.telephone(ext).node }

func (m *Members) telephone(ext string) telephone {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.telephones[ext]
}

// extensions are all that somebody has.
func (m *Members) extensions() []string {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return slices.Sorted(maps.Keys(m.telephones))
}

// listed reports whether the list was ever read.
func (m *Members) listed() bool {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.telephones != nil
}

// List is everybody who was enrolled, in the order of extensions.
func (m *Members) List(ctx context.Context) ([]identity.Member, error) {
	records, _, err := m.ring.Get(ctx, identity.MembersResource, overlay.OfficeMember)
	if err != nil {
		return nil, fmt.Errorf("list members: %w", err)
	}
	var out []identity.Member
	values := make(map[overlay.ID][]byte, len(records))
	for _, r := range records {
		if member, err := m.self.ParseMember(r.Value); err == nil {
			out = append(out, member)
			values[member.Node] = r.Value
		}
	}
	slices.SortFunc(out, func(a, b identity.Member) int {
		return cmp.Or(cmp.Compare(a.Extension, b.Extension), a.Node.Compare(b.Node))
	})
	telephones := make(map[string]telephone, len(out))
	for _, member := range slices.Backward(out) { // of two with one extension, the first
		chain, err := identity.ParseChain(values[member.Node])
		if err != nil {
			panic("BUG: a member's chain is verified and cannot be read")
		}
		telephones[strconv.Itoa(member.Extension)] = telephone{member.Node, chain}
	}
	m.mu.Lock()
	m.telephones = telephones
	m.mu.Unlock()
	return out, nil
}

// Has reports whether a phone of this user name was ever enrolled.
func (m *Members) Has(ctx context.Context, user string) (bool, error) {
	list, err := m.List(ctx)
	return slices.ContainsFunc(list, func(m identity.Member) bool { return m.User == user }), err
}

// Claim gives a newcomer an extension: the one it wishes, else the lowest free
// one from identity.FirstExtension under which nobody has left anything. The extension is taken when Claim returns, on the
// disks of several phones. It is an identity.Claim.
func (m *Members) Claim(ctx context.Context, n identity.Newcomer) (ext int, err error) {
	m.claiming.Lock()
	defer m.claiming.Unlock()
	// A founder's first newcomer may come before its own registration.
	if err := m.Keep(ctx); err != nil {
		return 0, err
	}
	list, err := m.List(ctx)
	if err != nil {
		return 0, err
	}
	accounts, err := numbers(ctx, m.ring)
	if err != nil {
		return 0, err
	}
	if ext, err = choose(n.Wish, list, accounts); err != nil {
		return 0, err
	}
	for n.Wish == 0 {
		left, err := m.legacy(ctx, ext)
		if err != nil {
			return 0, err
		}
		if !left {
			break
		}
		accounts = append(accounts, ext)
		if ext, err = choose(0, list, accounts); err != nil {
			return 0, err
		}
	}
	chain, err := n.Issue(ext)
	if err != nil {
		return 0, err
	}
	return ext, m.add(ctx, n.Node, chain)
}

// legacy reports whether contacts or messages of a telephone that was shut out wait
// under an extension: they are for one who is meant to take its place.
func (m *Members) legacy(ctx context.Context, ext int) (bool, error) {
	_, office := cutUser(m.self.User())
	user := strconv.Itoa(ext) + "@" + office
	for _, place := range []overlay.Slot{{Resource: contactsAt(user), Kind: overlay.Contacts}, {Resource: mailboxAt(user), Kind: overlay.Mailbox}} {
		records, _, err := m.ring.Get(ctx, place.Resource, place.Kind)
		if err != nil {
			return false, fmt.Errorf("look what is left of %s: %w", user, err)
		}
		if len(records) > 0 {
			return true, nil
		}
	}
	return false, nil
}

// Keep makes sure that the ring lists this phone: nobody did it for a founder,
// and a ring that lost everything learns it anew.
func (m *Members) Keep(ctx context.Context) error {
	list, err := m.List(ctx)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(list, func(one identity.Member) bool { return one.Node == m.self.ID() }) {
		return nil
	}
	return m.add(ctx, m.self.ID(), m.self.Chain())
}

func (m *Members) add(ctx context.Context, node overlay.ID, chain [][]byte) error {
	r := identity.MemberRecord(node, chain)
	r.Lifetime = memberLife
	if _, err := m.writer.Put(ctx, r); err != nil {
		return err
	}
	m.changes.Tell(overlay.OfficeMember, identity.MembersResource)
	return nil
}

// memberLife is for ever: all that the wire's 32 bits of seconds can say.
const memberLife = math.MaxUint32 * time.Second

// choose finds an extension that neither a phone nor an account has.
func choose(wish int, list []identity.Member, accounts []int) (int, error) {
	taken := func(ext int) bool {
		return slices.Contains(accounts, ext) || slices.ContainsFunc(list, func(m identity.Member) bool { return m.Extension == ext })
	}
	if wish != 0 {
		if taken(wish) {
			return 0, fmt.Errorf("extension %d: %w", wish, identity.ErrTaken)
		}
		return wish, nil
	}
	ext := identity.FirstExtension
	for taken(ext) {
		ext++
	}
	return ext, nil
}
