package identity

import (
	"errors"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"chordophone/overlay"
)

// revoke is the record with which by bars node.
func revoke(t *testing.T, by *Identity, node *Identity, spared ...*Identity) overlay.Record {
	t.Helper()
	r := Revocation{Node: node.ID()}
	for _, s := range spared {
		r.Spared = append(r.Spared, s.ID())
	}
	rec, err := r.Record(by.ID())
	if err != nil {
		t.Fatal(err)
	}
	rec.Version = 1
	if err := by.SignRecord(&rec); err != nil {
		t.Fatal(err)
	}
	return rec
}

// Who was enrolled by a phone that was stolen later stays; whom the thief enrols
// does not.
func TestRevokedEnroller(t *testing.T) {
	founder := found(t, "acme")
	stolen := enrolled(t, founder, 102)
	honest := enrolled(t, stolen, 103)
	grandchild := enrolled(t, honest, 104)
	thief := enrolled(t, stolen, 105)

	founder.Refuse(founder.Judge([]overlay.Record{revoke(t, founder, stolen, honest, grandchild)}))
	for name, c := range map[string]struct {
		id   *Identity
		want error
	}{
		"founder": {founder, nil}, "stolen": {stolen, ErrRevoked}, "enrolled before": {honest, nil},
		"by one enrolled before": {grandchild, nil}, "enrolled by the thief": {thief, ErrRevoked},
	} {
		if _, err := founder.verify(c.id.Chain()); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// The verdict does not depend on the order in which records come, and a phone that
// revokes the senior who revokes it does not prevail.
func TestJudge(t *testing.T) {
	founder := found(t, "acme")
	a := enrolled(t, founder, 102)
	b := enrolled(t, a, 103)
	c := enrolled(t, b, 104)
	other := enrolled(t, found(t, "acme"), 105)

	records := []overlay.Record{
		revoke(t, a, b, c),
		revoke(t, b, a), // mutual: a is nearer to the root
		revoke(t, b, c), // of a third: stands, though b is revoked
		revoke(t, founder, b),
		revoke(t, other, founder), // a foreign office's
	}
	forged := records[0]
	forged.Key = append(founder.self.id[:], a.self.id[:]...)
	records = append(records, forged)

	want := []Revocation{{Node: b.ID()}, {Node: c.ID()}} // c is not spared by the founder
	if want[0].Node.Compare(want[1].Node) > 0 {
		want[0], want[1] = want[1], want[0]
	}
	rng := rand.New(rand.NewPCG(1, 1))
	for range 20 {
		rng.Shuffle(len(records), func(i, j int) { records[i], records[j] = records[j], records[i] })
		got := founder.Judge(records)
		for i := range got {
			if len(got[i].Spared) == 0 {
				got[i].Spared = nil
			}
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("judged %v, want %v", got, want)
		}
	}
}

// A revocation stays good when its signer is revoked, so that nobody can undo what
// he did; a registration does not.
func TestRevocationOutlivesItsSigner(t *testing.T) {
	founder := found(t, "acme")
	a := enrolled(t, founder, 102)
	b := enrolled(t, founder, 103)
	rec := revoke(t, a, b)
	founder.Refuse([]Revocation{{Node: a.ID()}})
	if err := founder.VerifyRecord(rec); err != nil {
		t.Error(err)
	}
	rec.Removed = true
	if err := a.SignRecord(&rec); !errors.Is(err, ErrPolicy) {
		t.Errorf("taking it back: %v, want %v", err, ErrPolicy)
	}
	rec.Removed = false
	if err := b.SignRecord(&rec); !errors.Is(err, ErrPolicy) {
		t.Errorf("signing in another's place: %v, want %v", err, ErrPolicy)
	}
}

// What people have entered at a phone outlives its revocation; where its clients
// were reached does not.
func TestRecordsThatOutlive(t *testing.T) {
	founder := found(t, "acme")
	lost := enrolled(t, founder, 102)
	node := lost.ID()
	for kind, stays := range map[overlay.Kind]bool{
		overlay.Credential: true, overlay.Mailbox: true, overlay.Contacts: true,
		overlay.Binding: false, overlay.Changes: false,
	} {
		r := overlay.Record{Resource: overlay.ResourceID("alice@acme"), Kind: kind, Key: node[:], Version: 1, Lifetime: time.Hour}
		switch kind {
		case overlay.Credential:
			r.Resource = AccountsResource
		case overlay.Changes:
			r.Resource = ChangesResource
		}
		founder.Refuse(nil)
		if err := lost.SignRecord(&r); err != nil {
			t.Fatal(kind, err)
		}
		if err := founder.VerifyRecord(r); err != nil {
			t.Fatal(kind, err)
		}
		founder.Refuse([]Revocation{{Node: node}})
		err := founder.VerifyRecord(r)
		if stays && err != nil || !stays && !errors.Is(err, ErrRevoked) {
			t.Errorf("%v of a revoked phone: %v", kind, err)
		}
	}
}
