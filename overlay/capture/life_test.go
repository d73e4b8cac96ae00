//go:build interop

package capture_test

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"chordophone/overlay"
	"chordophone/overlay/capture"
	"chordophone/overlay/chord"
	"chordophone/overlay/identity"
	"chordophone/overlay/link"
	"chordophone/overlay/node"
	"chordophone/overlay/node/nodetest"
	"chordophone/overlay/reload"
	"chordophone/overlay/reload/config"
)

// phone is one live node of the office.
type phone struct {
	*node.Node
	link    *link.Link
	member  *identity.Identity
	store   *nodetest.Store
	config  *config.Current
	off     func() // leaves the ring
	pull    func() // ends the link
	version uint32
}

// life is an office and what its phones said.
type life struct {
	t      *testing.T
	phones []*phone

	mu     sync.Mutex // guards what follows
	hub    capture.Hub
	frames [][]byte // as they went into the hub
	sent   []sent
}

// add enrols a phone with the one before, or founds the office, and switches it
// on.
func (x *life) add() *phone {
	x.t.Helper()
	var (
		addr   = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 77, byte(len(x.phones) + 1)}), overlay.Port)
		member *identity.Identity
		known  []overlay.Peer
		err    error
	)
	if len(x.phones) == 0 {
		member, err = identity.Found("office.example", 0)
	} else {
		last := x.phones[len(x.phones)-1]
		known = []overlay.Peer{{Addr: last.link.Self().Addr}}
		ctx, cancel := context.WithTimeout(x.t.Context(), 10*time.Second)
		defer cancel()
		member, _, err = identity.Enrol(ctx, last.link.Self().Addr, code, 0)
	}
	if err != nil {
		x.t.Fatal(err)
	}
	p := &phone{member: member, store: new(nodetest.Store)}
	number := identity.FirstExtension + len(x.phones) + 1
	enroller := identity.NewEnroller(member, func(_ context.Context, n identity.Newcomer) (int, error) {
		_, err := n.Issue(number)
		return number, err
	}, slog.New(slog.DiscardHandler))
	if err := enroller.Open(code, time.Minute); err != nil {
		x.t.Fatal(err)
	}
	founder := member
	if len(x.phones) > 0 {
		founder = x.phones[0].member
	}
	if p.config, err = config.Open(x.document(founder, 1), member.Office(), member.Verify); err != nil {
		x.t.Fatal(err)
	}
	self := overlay.Peer{ID: member.ID(), Addr: addr}
	var live atomic.Pointer[node.Node]
	p.link, err = link.Listen(link.Config{
		Self: self, Office: member.Office(), TLS: member.ClientTLS, ServerTLS: member.ServerTLS(), NodeOf: identity.NodeOf,
		Sign: member.Sign, Verify: member.Verify, VerifyRecord: member.VerifyRecord,
		Enrol: func(ctx context.Context, nc *tls.Conn) { enroller.Serve(ctx, nc) },
		Tap:   tap{x, addr.Addr()},
		Ring:  func() chord.View { return live.Load().View() },
		Records: func(yield func(overlay.Slot) bool) {
			p.store.Load(func(r overlay.Record) error { yield(r.Slot()); return nil })
		},
		Configuration: p.config, Version: "chordophone/test",
	})
	if err != nil {
		x.t.Fatal(err)
	}
	p.Node = node.New(node.Config{
		Self: self, Chord: chord.LAN(), Known: known, Transport: transport{p.link, x}, Store: p.store, Verify: member.VerifyRecord,
		Seed: [2]uint64{1, uint64(number)}, Log: slog.New(slog.DiscardHandler),
	})
	live.Store(p.Node)
	p.pull = x.start(p.link.Run)
	p.off = x.start(p.Run)
	x.phones = append(x.phones, p)
	return p
}

// start runs something until the function returned is called, or the test ends.
func (x *life) start(run func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			x.t.Error(err)
		}
	})
	x.t.Cleanup(stop)
	return stop
}

// document is the office's n-th configuration document.
func (x *life) document(founder *identity.Identity, n uint16) []byte {
	x.t.Helper()
	d := config.New(founder.Office(), founder.ID(), founder.Root())
	d.Sequence = n
	octets, err := d.Sign(founder)
	if err != nil {
		x.t.Fatal(err)
	}
	return octets
}

func (x *life) eventually(what string, ok func() bool) {
	x.t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			x.t.Fatalf("%s did not happen", what)
		}
	}
}

// put stores a record of a phone and gets it at another.
func (x *life) put(p, at *phone, r overlay.Record) {
	x.t.Helper()
	ctx, cancel := context.WithTimeout(x.t.Context(), 10*time.Second)
	defer cancel()
	p.version++
	r.Version, r.Lifetime = overlay.MakeVersion(1, p.version), time.Hour
	if err := p.member.SignRecord(&r); err != nil {
		x.t.Fatal(err)
	}
	if _, _, err := p.Put(ctx, r); err != nil {
		x.t.Fatal(err)
	}
	if got, _, err := at.Get(ctx, r.Resource, r.Kind); err != nil || len(got) == 0 {
		x.t.Fatalf("%d records of %v, %v", len(got), r.Kind, err)
	}
}

func (x *life) registration(p *phone) overlay.Record {
	id := p.member.ID()
	value, err := reload.SipRegistration{ContactPrefs: []byte("(sip.schemes=SIPS)"), To: []reload.Destination{reload.Node(id)}}.Append(nil)
	if err != nil {
		x.t.Fatal(err)
	}
	return overlay.Record{Resource: overlay.ResourceID(p.member.User()), Kind: overlay.SIPRegistration, Key: id[:], Value: value}
}

// live is a scripted life of an office: four phones are enrolled and join, store
// and fetch, are asked all that can be asked, refuse something, and one leaves.
func (x *life) live() {
	for range 4 {
		x.add()
	}
	x.eventually("one ring", func() bool {
		return !slices.ContainsFunc(x.phones, func(p *phone) bool { return len(p.View().Succ) != len(x.phones)-1 })
	})
	for i, p := range x.phones {
		at := x.phones[(i+1)%len(x.phones)]
		x.put(p, at, x.registration(p))
		x.put(p, at, identity.MemberRecord(p.member.ID(), p.member.Chain()))
	}
	a, b := x.phones[0], x.phones[1]
	now := uint64(time.Now().UnixMilli())
	own := b.member.ID() // which b is responsible for
	somewhere := overlay.ResourceID("somewhere")
	for _, req := range []reload.Body{
		reload.ProbeReq{Types: []byte{reload.ProbeResponsibleSet, reload.ProbeNumResources, reload.ProbeUptime}},
		reload.AttachReq{Role: []byte("passive"), Candidates: []reload.Candidate{link.HostCandidate(a.link.Self().Addr)}, SendUpdate: true},
		reload.RouteQueryReq{To: reload.Resource(somewhere)},
		reload.PathTrackReq{To: reload.Resource(somewhere), Request: reload.DiagnosticsRequest{
			Initiated: now, Expiration: now + 5000, Flags: 1<<reload.DiagRoutingTableSize | 1<<reload.DiagSoftwareVersion | 1<<reload.DiagAppUptime | 1<<reload.DiagMemoryFootprint,
		}},
		reload.FindReq{Resource: own[:], Kinds: []reload.Kind{reload.KindSIPRegistration, reload.KindPrivate}},
		reload.AppAttachReq{Application: 5061, Role: []byte("passive"), Candidates: []reload.Candidate{link.HostCandidate(a.link.Self().Addr)}},
	} {
		ctx, cancel := context.WithTimeout(x.t.Context(), 10*time.Second)
		_, _, err := a.link.Ask(ctx, b.link.Self(), chord.Dest{}, req)
		cancel()
		if _, refused := err.(*link.Error); err != nil && !(refused && req.Code() == reload.CodeAppAttachReq) {
			x.t.Errorf("%T: %v", req, err)
		}
	}
	// A new configuration, first to the others, then to the founder itself.
	update := reload.ConfigUpdateReq{Type: reload.ConfigDocument, Document: x.document(a.member, 2)}
	for _, p := range x.phones[1:] {
		ctx, cancel := context.WithTimeout(x.t.Context(), 10*time.Second)
		_, _, err := a.link.Ask(ctx, p.link.Self(), chord.Dest{}, update)
		cancel()
		if err != nil {
			x.t.Error(err)
		}
	}
	if err := a.config.Update(a.member.ID(), update); err != nil {
		x.t.Error(err)
	}
	for _, p := range x.phones {
		if n := p.config.Sequence(); n != 2 {
			x.t.Errorf("phone %d has configuration %d", p.member.Extension(), n)
		}
	}
	leaver := x.phones[3]
	leaver.off()
	x.eventually("leave", func() bool { return len(a.View().Succ) == len(x.phones)-2 })
	leaver.pull()
}
