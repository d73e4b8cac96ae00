package link

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"chordophone/overlay"
	"chordophone/overlay/chord"
	"chordophone/overlay/identity"
)

// runIdentity runs a link with the certificates that phones really have, and
// enrolment open with code.
func runIdentity(t *testing.T, id *identity.Identity, next int, code string) *running {
	enroller := identity.NewEnroller(id, func(_ context.Context, n identity.Newcomer) (int, error) {
		_, err := n.Issue(next)
		return next, err
	}, slog.New(slog.DiscardHandler))
	if err := enroller.Open(code, time.Minute); err != nil {
		t.Fatal(err)
	}
	return run(t, &phone{id: id.ID(), office: new(office)}, func(c *Config) {
		*c = Config{
			Self: overlay.Peer{ID: id.ID(), Addr: netip.MustParseAddrPort("127.0.0.1:0")}, Office: id.Office(),
			TLS: id.ClientTLS, ServerTLS: id.ServerTLS(), NodeOf: identity.NodeOf,
			Sign: id.Sign, Verify: id.Verify, VerifyRecord: id.VerifyRecord,
			Enrol: func(ctx context.Context, nc *tls.Conn) { enroller.Serve(ctx, nc) },
		}
	})
}

// TestOffice: three phones, the third enrolled by the second, whose chain is
// longer; records with chains of all lengths go from each to each.
func TestOffice(t *testing.T) {
	const code = "12345678"
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	first, err := identity.Found("office", 0)
	if err != nil {
		t.Fatal(err)
	}
	ids := []*identity.Identity{first}
	nodes := []*running{runIdentity(t, first, 102, code)}
	for i := range 2 {
		id, _, err := identity.Enrol(ctx, nodes[i].Self().Addr, code, 0)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
		nodes = append(nodes, runIdentity(t, id, 103+i, code))
	}
	var records []overlay.Record
	for _, id := range ids {
		node := id.ID()
		r := identity.MemberRecord(node, id.Chain())
		r.Version, r.Lifetime = 1, time.Hour
		if err := id.SignRecord(&r); err != nil {
			t.Fatal(err)
		}
		records = append(records, r)
	}
	for _, a := range nodes {
		for _, b := range nodes {
			if a == b {
				continue
			}
			for range 2 {
				a.Send(b.Self(), a.to(b.id, chord.Store{Replica: 1, Records: records}))
				if diff := cmp.Diff(records, b.receive().Msg.Body.(chord.Store).Records); diff != "" {
					t.Error(diff)
				}
			}
		}
	}
	for _, n := range nodes {
		if s := n.Stats(); len(s.Dropped) != 0 || s.Conns != 2 {
			t.Errorf("%+v", s)
		}
	}
}
