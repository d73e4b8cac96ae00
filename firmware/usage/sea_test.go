package usage

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"chordophone/overlay"
	"chordophone/overlay/chord"
	"chordophone/overlay/identity"
	"chordophone/sip/location"
)

// sea is a ring without nodes: one place where the newest version of each slot
// is, as chord has it.
type sea struct {
	mu      sync.Mutex
	records map[overlay.Slot]overlay.Record
	expires map[overlay.Slot]time.Time
	gets    map[overlay.Kind]int
	puts    map[overlay.Kind]int
	revoked map[overlay.ID]bool
	err     error // of everything
	before  func(overlay.Record)
}

func newSea() *sea {
	return &sea{
		records: make(map[overlay.Slot]overlay.Record), expires: make(map[overlay.Slot]time.Time),
		gets: make(map[overlay.Kind]int), puts: make(map[overlay.Kind]int), revoked: make(map[overlay.ID]bool),
	}
}

func (s *sea) Find(_ context.Context, key overlay.ID) (overlay.Peer, []overlay.ID, error) {
	return overlay.Peer{ID: key, Addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, key[15]}), overlay.Port)}, nil, nil
}

func (s *sea) Get(_ context.Context, resource overlay.ID, kinds ...overlay.Kind) (out []overlay.Record, hops int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range kinds {
		s.gets[k]++
	}
	for slot, r := range s.records {
		left := time.Until(s.expires[slot])
		if slot.Resource == resource && slices.Contains(kinds, slot.Kind) && !r.Removed && left > 0 {
			r.Lifetime = left.Truncate(time.Second)
			out = append(out, r)
		}
	}
	return out, 0, s.err
}

// Held answers like the node that is responsible for everything.
func (s *sea) Held(resource overlay.ID, kinds ...overlay.Kind) ([]overlay.Record, bool) {
	out, _, err := s.Get(context.Background(), resource, kinds...)
	return out, err == nil
}

func (s *sea) Put(_ context.Context, r overlay.Record) (int, overlay.Version, error) {
	if s.before != nil {
		s.before(r)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.puts[r.Kind]++
	if s.err != nil {
		return 0, 0, s.err
	}
	slot := r.Slot()
	if old, ok := s.records[slot]; ok && s.expires[slot].After(time.Now()) && old.Supersedes(r) {
		return 0, old.Version, chord.ErrTooOld
	}
	s.records[slot], s.expires[slot] = r, time.Now().Add(r.Lifetime)
	return 2, 0, nil
}

// count takes note of how often the ring was used meanwhile.
func (s *sea) count(do func()) (gets, puts map[overlay.Kind]int) {
	s.mu.Lock()
	clear(s.gets)
	clear(s.puts)
	s.mu.Unlock()
	do()
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.gets), maps.Clone(s.puts)
}

// boat is a phone on the sea: an identity without keys.
type boat struct {
	id       overlay.ID
	ext      int
	sea      *sea // nil: it knows of no revocations
	writer   *Writer
	changes  *Changes
	members  *Members
	places   *Registrations
	accounts *Accounts
	clients  *Clients
	mailbox  *Mailbox
	contacts *Contacts
}

func (b *boat) SignRecord(r *overlay.Record) error { r.Owner = b.id; return nil }
func (b *boat) ID() overlay.ID                     { return b.id }
func (b *boat) User() string                       { return fmt.Sprintf("%d@office", b.ext) }
func (b *boat) Chain() [][]byte                    { return [][]byte{[]byte(b.User()), b.id[:]} }
func (b *boat) ParseMember(value []byte) (identity.Member, error) {
	chain, err := identity.ParseChain(value)
	if err != nil {
		return identity.Member{}, err
	}
	ext, _, _ := strings.Cut(string(chain[0]), "@")
	n, err := strconv.Atoi(ext)
	node := nodeOf(n)
	if len(chain) > 1 {
		node = overlay.ID(chain[1])
	}
	if b.sea != nil && b.sea.revoked[node] {
		return identity.Member{}, identity.ErrRevoked
	}
	return identity.Member{Node: node, User: string(chain[0]), Extension: n}, err
}

// The seal of a boat is the node of who may break it.
func (b *boat) SealTo(chain [][]byte, info, text []byte) ([]byte, error) {
	return slices.Concat(chain[1], info, text), nil
}

func (b *boat) Unseal(info, sealed []byte) ([]byte, error) {
	text, ok := strings.CutPrefix(string(sealed), string(b.id[:])+string(info))
	if !ok {
		return nil, identity.ErrSealed
	}
	return []byte(text), nil
}

func nodeOf(ext int) (id overlay.ID) {
	id[14], id[15] = byte(ext>>8), byte(ext)
	return id
}

// launch makes telephone ext of the office, with its boot epoch.
func launch(s Ring, ext int, epoch uint32) *boat { return launchAs(s, nodeOf(ext), ext, epoch) }

// launchAs is launch with a node that is not the one of the extension.
func launchAs(s Ring, node overlay.ID, ext int, epoch uint32) *boat {
	b := &boat{id: node, ext: ext}
	b.sea, _ = s.(*sea)
	b.writer = NewWriter(s, b, epoch)
	b.changes = NewChanges(s, b.writer, b.id, slog.New(slog.DiscardHandler))
	b.members = NewMembers(s, b.writer, b, b.changes)
	b.places = NewRegistrations(s, b.writer, b.id, 5061)
	b.accounts = NewAccounts(s, b.writer, b.members, b.changes, "office")
	b.clients = NewClients(s, b.writer, b.places, b.members, b.accounts, b.id)
	b.mailbox = NewMailbox(s, b.writer, b.members, b.accounts, b.clients, b.changes, b)
	b.contacts = NewContacts(s, b.writer, b.changes)
	return b
}

// fleet is n telephones from 101 on, their Changes running, in a bubble.
func fleet(t *testing.T, n int) (*sea, []*boat) {
	t.Helper()
	s := newSea()
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
	var boats []*boat
	for i := range n {
		// Epochs far apart: who was started less often counts from below.
		b := launch(s, 101+i, uint32(1+10*(n-i)))
		if err := b.members.Keep(ctx); err != nil {
			t.Fatal(err)
		}
		running.Go(func() { b.changes.Run(ctx) })
		boats = append(boats, b)
	}
	time.Sleep(5 * time.Second)
	synctest.Wait()
	return s, boats
}

// contact is a client's binding as the registrar of b makes it.
func (b *boat) contact(uri string, expires time.Duration, cseq uint32) location.Binding {
	return location.Binding{
		Contact: uri, Expires: expires, CallID: uri, CSeq: cseq, Q: 1000, Node: b.User(),
		Server: netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(b.ext)}), 5061),
	}
}

func contactsOf(list []location.Binding) string {
	var out []string
	for _, b := range list {
		out = append(out, b.Contact)
	}
	return strings.Join(out, " ")
}

// checkInBubble is rapid.Check with a bubble for each try.
func checkInBubble(t *testing.T, property func(t *rapid.T)) {
	t.Helper()
	rapid.Check(t, func(r *rapid.T) {
		var failed any
		synctest.Test(t, func(*testing.T) {
			defer func() { failed = recover() }() // rapid ends a try by a panic
			property(r)
		})
		if failed != nil {
			panic(failed)
		}
	})
}
