package usage_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"chordophone/firmware/usage"
	"chordophone/overlay"
	"chordophone/overlay/chord"
	"chordophone/overlay/identity"
	"chordophone/overlay/node"
	"chordophone/overlay/node/nodetest"
	"chordophone/sip/location"
	"chordophone/sip/message"
)

// phone is a node of a real ring on an in-memory network, with what usage makes
// of it.
type phone struct {
	t        testing.TB
	identity *identity.Identity
	peer     overlay.Peer
	wire     *nodetest.Transport
	store    *nodetest.Store
	ring     *node.Node
	stop     context.CancelFunc
	ended    chan struct{}
	writer   *usage.Writer
	members  *usage.Members
	places   *usage.Registrations
	changes  *usage.Changes
	accounts *usage.Accounts
	clients  *usage.Clients
	mailbox  *usage.Mailbox
	contacts *usage.Contacts
}

// boot starts a phone that has an identity.
func boot(t testing.TB, wires *nodetest.Net, i int, id *identity.Identity, epoch uint32, known ...overlay.Peer) *phone {
	t.Helper()
	p := &phone{t: t, identity: id, ended: make(chan struct{})}
	p.peer = overlay.Peer{ID: id.ID(), Addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}), overlay.Port)}
	p.wire = wires.Attach(p.peer)
	p.store = new(nodetest.Store)
	ring := node.New(node.Config{
		Self: p.peer, Chord: chord.LAN(), Known: known, Transport: p.wire, Store: p.store,
		Verify: id.VerifyRecord,
		Seed:   [2]uint64{uint64(i), 1},
		Log:    slog.New(slog.DiscardHandler),
	})
	p.ring = ring
	ctx, stop := context.WithCancel(context.Background())
	p.stop = stop
	p.writer = usage.NewWriter(ring, id, epoch)
	p.changes = usage.NewChanges(ring, p.writer, id.ID(), slog.New(slog.DiscardHandler))
	p.members = usage.NewMembers(ring, p.writer, id, p.changes)
	p.places = usage.NewRegistrations(ring, p.writer, id.ID(), 5061)
	p.accounts = usage.NewAccounts(ring, p.writer, p.members, p.changes, id.Office())
	p.clients = usage.NewClients(ring, p.writer, p.places, p.members, p.accounts, id.ID())
	p.mailbox = usage.NewMailbox(ring, p.writer, p.members, p.accounts, p.clients, p.changes, id)
	p.contacts = usage.NewContacts(ring, p.writer, p.changes)
	go func() {
		defer close(p.ended)
		var changes sync.WaitGroup
		changes.Go(func() { p.changes.Run(ctx) })
		if err := ring.Run(ctx); err != nil {
			t.Error(err)
		}
		changes.Wait()
	}()
	time.Sleep(2 * time.Second)
	return p
}

// enrol has a newcomer join the office through p.
func (p *phone) enrol(wish int) (*identity.Identity, error) {
	const code = "314159"
	door := identity.NewEnroller(p.identity, p.members.Claim, slog.New(slog.DiscardHandler))
	if err := door.Open(code, 0); err != nil {
		return nil, err
	}
	near, far := net.Pipe()
	served := make(chan struct{})
	go func() {
		defer close(served)
		door.Serve(context.Background(), tls.Server(far, p.identity.ServerTLS()))
	}()
	id, _, err := identity.EnrolOver(context.Background(), near, code, wish)
	<-served
	return id, err
}

func (p *phone) off() {
	p.wire.Off()
	p.stop()
	<-p.ended
}

func (p *phone) bind(expires time.Duration) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	err := p.places.Bind(ctx, "sip:"+p.identity.User(), []location.Binding{{Contact: "sip:unused", Expires: expires}})
	if err != nil {
		p.t.Fatalf("%s binds: %v", p.identity.User(), err)
	}
}

func (p *phone) lookup(aor string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	found, err := p.clients.Lookup(ctx, aor)
	if len(found) == 0 {
		return "", err
	}
	return found[0].Contact, err
}

// office is n phones, each enrolled through the one before.
func office(t *testing.T, n int) []*phone {
	t.Helper()
	wires := new(nodetest.Net)
	founder, err := identity.Found("office", 0)
	if err != nil {
		t.Fatal(err)
	}
	phones := []*phone{boot(t, wires, 1, founder, 1)}
	for i := 1; i < n; i++ {
		id, err := phones[i-1].enrol(0)
		if err != nil {
			t.Fatal(err)
		}
		phones = append(phones, boot(t, wires, i+1, id, 1, phones[0].peer))
	}
	return phones
}

func closeAll(phones []*phone) {
	for _, p := range phones {
		p.stop()
	}
	for _, p := range phones {
		<-p.ended
	}
}

func TestEveryPhoneIsFoundByAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		phones := office(t, 3)
		defer closeAll(phones)
		for _, p := range phones {
			p.bind(time.Hour)
		}
		for i, p := range phones {
			aor := fmt.Sprintf("sip:%d@office", 101+i)
			want := fmt.Sprintf("sip:%d@%v:5061;transport=tls", 101+i, p.peer.Addr.Addr())
			for _, other := range phones {
				if got, err := other.lookup(aor); got != want || err != nil {
					t.Errorf("%s finds %s at %q, %v; want %q", other.identity.User(), aor, got, err, want)
				}
			}
		}
	})
}

// RFC 3261, section 16.5: a number that nobody has is 404, one that cannot be
// reached now is 480; the location service tells them apart.
func TestUnknownAndUnreachable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		phones := office(t, 3)
		defer closeAll(phones)
		for _, p := range phones {
			p.bind(time.Hour)
		}
		if got, err := phones[0].lookup("sip:999@office"); !errors.Is(err, location.ErrNotFound) {
			t.Errorf("999, which nobody has: %q, %v", got, err)
		}
		phones[2].off()
		time.Sleep(15 * time.Second) // until the ring has closed over it
		if got, err := phones[0].lookup("sip:103@office"); got != "" || err != nil {
			t.Errorf("103, which is off: %q, %v; want nothing and no error", got, err)
		}
		if _, err := phones[0].lookup("tel:103"); err == nil {
			t.Error("something that is no address of record was looked up")
		}
	})
}

func TestRegistrationExpiresAndIsRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		phones := office(t, 3)
		defer closeAll(phones)
		phones[1].bind(time.Minute)
		if got, err := phones[0].lookup("sip:102@office"); got == "" || err != nil {
			t.Fatalf("102 is at %q, %v", got, err)
		}
		time.Sleep(61 * time.Second)
		if got, err := phones[0].lookup("sip:102@office"); got != "" || err != nil {
			t.Errorf("after it expired 102 is at %q, %v", got, err)
		}
		phones[1].bind(time.Hour)
		if err := phones[1].places.Bind(context.Background(), "sip:102@office", nil); err != nil {
			t.Fatal(err)
		}
		if got, err := phones[0].lookup("sip:102@office"); got != "" || err != nil {
			t.Errorf("after it was removed 102 is at %q, %v", got, err)
		}
		phones[1].bind(time.Hour)
		if got, err := phones[0].lookup("sip:102@office"); got == "" || err != nil {
			t.Errorf("registered again, 102 is at %q, %v", got, err)
		}
	})
}

// A phone cannot write another one's registration.
func TestOnlyOneWriter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		phones := office(t, 3)
		defer closeAll(phones)
		err := phones[1].places.Bind(context.Background(), "sip:101@office", []location.Binding{{Expires: time.Hour}})
		if !errors.Is(err, identity.ErrPolicy) {
			t.Errorf("102 registers as 101: %v, want %v", err, identity.ErrPolicy)
		}
	})
}

// A phone whose disk was lost begins again with a low epoch, while the ring
// remembers greater versions of its records.
func TestWriterThatLostItsMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wires := new(nodetest.Net)
		founder, err := identity.Found("office", 0)
		if err != nil {
			t.Fatal(err)
		}
		first := boot(t, wires, 1, founder, 1)
		id, err := first.enrol(0)
		if err != nil {
			t.Fatal(err)
		}
		before := boot(t, wires, 2, id, 9, first.peer)
		before.bind(time.Hour)
		before.off()
		time.Sleep(15 * time.Second)

		after := boot(t, wires, 3, id, 1, first.peer)
		after.bind(time.Hour)
		defer closeAll([]*phone{first, after})
		want := fmt.Sprintf("sip:102@%v:5061;transport=tls", after.peer.Addr.Addr())
		if got, err := first.lookup("sip:102@office"); got != want || err != nil {
			t.Errorf("found at %q, %v; want %q", got, err, want)
		}
	})
}

func TestExtensions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		phones := office(t, 3)
		defer closeAll(phones)
		if id, err := phones[2].enrol(200); err != nil || id.Extension() != 200 {
			t.Errorf("a newcomer that wishes 200: %v, %v", id, err)
		}
		if id, err := phones[1].enrol(102); !errors.Is(err, identity.ErrTaken) {
			t.Errorf("a newcomer that wishes 102: %v, %v; want %v", id, err, identity.ErrTaken)
		}
		if id, err := phones[0].enrol(0); err != nil || id.Extension() != 104 {
			t.Errorf("the next newcomer: %v, %v; want 104", id, err)
		}
		list, err := phones[1].members.List(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		var got []int
		for _, m := range list {
			got = append(got, m.Extension)
		}
		if fmt.Sprint(got) != "[101 102 103 104 200]" {
			t.Errorf("members are %v", got)
		}
	})
}

// A phone that is revoked on one phone is barred by all within ten seconds, and
// those that it enrolled stay.
func TestRevocation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		phones := office(t, 4) // each enrolled through the one before
		defer closeAll(phones)
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		barred := make([]sync.Map, len(phones)) // of Node-IDs
		var all []*usage.Revocations
		for i, p := range phones {
			cut := func(nodes ...overlay.ID) {
				for _, n := range nodes {
					barred[i].Store(n, true)
				}
			}
			r := usage.NewRevocations(p.ring, p.writer, p.members, p.identity, cut, nil, slog.New(slog.DiscardHandler))
			all = append(all, r)
			go r.Run(ctx)
		}
		stolen := phones[1].identity
		if err := all[3].Revoke(ctx, overlay.ResourceID("nobody")); !errors.Is(err, usage.ErrNoMember) {
			t.Errorf("revoking a stranger: %v", err)
		}
		if err := all[3].Revoke(ctx, stolen.ID()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		for i, p := range phones {
			if _, ok := barred[i].Load(stolen.ID()); !ok || !all[i].Has(stolen.ID()) {
				t.Errorf("after ten seconds %s has not barred it", p.identity.User())
			}
			if i == 1 {
				continue
			}
			if p.members.Telephone("102") || !p.members.Telephone("103") {
				t.Errorf("at %s 102 is a telephone still, or 103 is not", p.identity.User())
			}
			if _, err := p.identity.Verify([]byte("x"), sign(t, stolen)); !errors.Is(err, identity.ErrRevoked) {
				t.Errorf("%s on a message of the revoked phone: %v", p.identity.User(), err)
			}
			if _, err := p.identity.Verify([]byte("x"), sign(t, phones[2].identity)); err != nil {
				t.Errorf("%s on a message of one that it had enrolled: %v", p.identity.User(), err)
			}
		}
		// A phone that was off knows it from its disk.
		var onDisk []overlay.Record
		phones[2].store.Load(func(r overlay.Record) error {
			onDisk = append(onDisk, r)
			return nil
		})
		again := usage.NewRevocations(phones[2].ring, phones[2].writer, phones[2].members, phones[2].identity,
			func(...overlay.ID) {}, onDisk, slog.New(slog.DiscardHandler))
		if !again.Has(stolen.ID()) {
			t.Error("forgotten by a restart")
		}
	})
}

func sign(t *testing.T, id *identity.Identity) overlay.Signature {
	t.Helper()
	s, err := id.Sign([]byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// register has a client register at p.
func (p *phone) register(user string, n int) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_, err := p.clients.Register(ctx, "sip:"+user+"@office", []location.Binding{{
		Contact: fmt.Sprintf("sip:%s@198.51.100.1:%d", user, n), Expires: time.Hour, CallID: fmt.Sprint(n), CSeq: 1, Q: 1000,
		Server: netip.AddrPortFrom(p.peer.Addr.Addr(), 5061), Node: p.identity.User(),
	}})
	return err
}

// An account that is made at one phone, a client that registers at a second and a
// message that a third keeps: all phones know of all.
func TestClientsOfARealRing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		phones := office(t, 3)
		defer closeAll(phones)
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if _, _, err := phones[0].accounts.Add(ctx, "alice", "", ""); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Second)
		for _, p := range phones {
			if _, ok := p.accounts.Lookup("alice"); !ok {
				t.Errorf("%s does not know the account", p.identity.User())
			}
			if got, err := p.lookup("sip:alice@office"); got != "" || err != nil {
				t.Errorf("not registered: %q, %v", got, err)
			}
		}
		if err := phones[1].register("alice", 5060); err != nil {
			t.Fatal(err)
		}
		for _, to := range []string{"alice@office", "102@office"} {
			if err := phones[2].mailbox.Put(ctx, message.Message{From: "103@office", To: to, Body: []byte("hello " + to)}); err != nil {
				t.Fatal(err)
			}
		}
		for i, p := range phones {
			if got, err := p.lookup("sip:alice@office"); got != "sip:alice@198.51.100.1:5060" || err != nil {
				t.Errorf("%s finds %q, %v", p.identity.User(), got, err)
			}
			if ok, err := p.clients.Delivers(ctx, "sip:alice@office"); ok != (i == 1) || err != nil {
				t.Errorf("%s delivers: %v, %v", p.identity.User(), ok, err)
			}
			if list, err := p.mailbox.Waiting(ctx, "alice@office"); len(list) != 1 || err != nil {
				t.Errorf("%s reads %v, %v", p.identity.User(), list, err)
			}
			if list, err := p.mailbox.Waiting(ctx, "102@office"); len(list) == 1 != (i == 1) || err != nil {
				t.Errorf("%s reads of 102's %v, %v", p.identity.User(), list, err)
			}
		}
		// The phone that serves the client dies: another takes the client over.
		phones[1].off()
		if err := phones[2].register("alice", 5060); err != nil {
			t.Fatal(err)
		}
		if ok, err := phones[2].clients.Delivers(ctx, "sip:alice@office"); !ok || err != nil {
			t.Errorf("103 delivers: %v, %v", ok, err)
		}
	})
}

// BenchmarkRegisterRing has many clients register at one phone of three at once,
// each with a contact of its own.
func BenchmarkRegisterRing(b *testing.B) {
	for _, contacts := range []int{1, 8} {
		b.Run(fmt.Sprint(contacts, "-contacts-each"), func(b *testing.B) {
			wires := new(nodetest.Net)
			founder, err := identity.Found("office", 0)
			if err != nil {
				b.Fatal(err)
			}
			var phones []*phone
			for i := range 3 {
				id := founder
				if i > 0 {
					if id, err = phones[0].enrol(0); err != nil {
						b.Fatal(err)
					}
				}
				var known []overlay.Peer
				if i > 0 {
					known = append(known, phones[0].peer)
				}
				phones = append(phones, boot(b, wires, i+1, id, 1, known...))
			}
			defer closeAll(phones)
			b.ReportAllocs()
			b.ResetTimer()
			var next atomic.Int64
			var failed atomic.Int64
			b.SetParallelism(50)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					n := int(next.Add(1))
					if phones[0].register(fmt.Sprint("user", n/contacts), n) != nil {
						failed.Add(1)
					}
				}
			})
			b.ReportMetric(float64(failed.Load()), "failed")
		})
	}
}
