package identity

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"chordophone/overlay"
)

func TestRecordPolicies(t *testing.T) {
	founder := found(t, "acme")
	second := enrolled(t, founder, 102)
	third := enrolled(t, second, 103)
	stranger := enrolled(t, found(t, "acme"), 102)
	registration := func(of *Identity) overlay.Record {
		node := of.ID()
		return overlay.Record{Resource: overlay.ResourceID(of.User()), Kind: overlay.SIPRegistration, Key: node[:],
			Version: 7, Lifetime: time.Hour, Value: []byte("contact")}
	}
	change := func(r overlay.Record, f func(*overlay.Record)) overlay.Record { f(&r); return r }
	memberOf := func(of *Identity) overlay.Record { return MemberRecord(of.ID(), of.Chain()) }

	at := func(kind overlay.Kind, resource overlay.ID, key []byte) overlay.Record {
		return overlay.Record{Resource: resource, Kind: kind, Key: key, Version: 7, Lifetime: time.Hour, Value: []byte("value")}
	}
	alice, thirdID := overlay.ResourceID("alice@acme"), third.ID()

	// RFC 6940, section 7.3.3 (USER-NODE-MATCH): "a given value MUST be written (or
	// overwritten) if and only if the signer's certificate has a user name which hashes
	// ... to the Resource-ID for the resource. In addition, the dictionary key MUST be
	// equal to the Node-ID in the certificate".
	for name, c := range map[string]struct {
		r    overlay.Record
		by   *Identity
		want error
	}{
		"own registration":      {registration(second), second, nil},
		"another's":             {registration(second), third, ErrPolicy},
		"by the founder":        {registration(second), founder, ErrPolicy},
		"own name, other node":  {change(registration(second), func(r *overlay.Record) { r.Key = make([]byte, 16) }), second, ErrPolicy},
		"no key":                {change(registration(second), func(r *overlay.Record) { r.Key = nil }), second, ErrPolicy},
		"removed by its writer": {change(registration(second), func(r *overlay.Record) { r.Removed, r.Value = true, nil }), second, nil},
		"removed by another":    {change(registration(second), func(r *overlay.Record) { r.Removed, r.Value = true, nil }), third, ErrPolicy},
		"own member record":     {memberOf(third), third, nil},
		"a member, by another":  {memberOf(third), founder, nil},
		"a stranger":            {memberOf(stranger), founder, ErrPolicy},
		"a member, wrong key":   {change(memberOf(third), func(r *overlay.Record) { r.Key = make([]byte, 16) }), third, ErrPolicy},
		"a member elsewhere":    {change(memberOf(third), func(r *overlay.Record) { r.Resource[0]++ }), third, ErrPolicy},
		"no chain in it":        {change(memberOf(third), func(r *overlay.Record) { r.Value = []byte("x") }), third, nil},
		"member removed by own": {change(memberOf(third), func(r *overlay.Record) { r.Removed, r.Value = true, nil }), third, nil},
		"removed by founder":    {change(memberOf(third), func(r *overlay.Record) { r.Removed, r.Value = true, nil }), founder, ErrPolicy},
		"account, by any":       {at(overlay.Credential, AccountsResource, []byte("alice")), third, nil},
		"account, elsewhere":    {at(overlay.Credential, alice, []byte("alice")), third, ErrPolicy},
		"account, removed":      {change(at(overlay.Credential, AccountsResource, []byte("alice")), func(r *overlay.Record) { r.Removed, r.Value = true, nil }), second, nil},
		"binding, by any":       {at(overlay.Binding, alice, []byte("a client")), second, nil},
		"message, by any":       {at(overlay.Mailbox, alice, []byte("a message")), third, nil},
		"contact, by any":       {at(overlay.Contacts, alice, []byte("102@acme")), third, nil},
		"own changes":           {at(overlay.Changes, ChangesResource, thirdID[:]), third, nil},
		"own release":           {at(overlay.Release, ReleasesResource, thirdID[:]), third, nil},
		"another's release":     {at(overlay.Release, ReleasesResource, thirdID[:]), second, ErrPolicy},
		"release elsewhere":     {at(overlay.Release, ChangesResource, thirdID[:]), third, ErrPolicy},
		"another's changes":     {at(overlay.Changes, ChangesResource, thirdID[:]), second, ErrPolicy},
		"changes, elsewhere":    {at(overlay.Changes, alice, thirdID[:]), third, ErrPolicy},
		"unknown kind":          {change(registration(second), func(r *overlay.Record) { r.Kind = 99 }), second, ErrKind},
		"too long":              {change(registration(second), func(r *overlay.Record) { r.Value = make([]byte, overlay.MaxValue+1) }), second, nil},
	} {
		r := c.r
		err := c.by.SignRecord(&r)
		if name == "no chain in it" || name == "too long" {
			if err == nil {
				t.Errorf("%s: was signed", name)
			}
		} else if !errors.Is(err, c.want) {
			t.Errorf("%s: SignRecord: %v, want %v", name, err, c.want)
		}
		if err != nil { // what an evil phone would do
			r.Owner, r.Chain = c.by.self.id, c.by.chain
			r.Signature, _ = c.by.Sign(r.SignedBytes())
		}
		for _, judge := range []*Identity{founder, second, third} {
			if got := judge.VerifyRecord(r); (got == nil) != (err == nil) || c.want != nil && !errors.Is(got, c.want) {
				t.Errorf("%s: VerifyRecord: %v, want %v", name, got, c.want)
			}
		}
	}
	m, err := founder.ParseMember(memberOf(third).Value)
	if want := (Member{third.ID(), "103@acme", 103}); m != want || err != nil {
		t.Errorf("member %v, %v; want %v", m, err, want)
	}
}

// Whatever is changed in a record after it was signed, it is refused; but for the
// lifetime, which counts down on its way.
func TestRecordForgery(t *testing.T) {
	founder := found(t, "acme")
	second := enrolled(t, founder, 102)
	node := second.ID()
	r := overlay.Record{Resource: overlay.ResourceID(second.User()), Kind: overlay.SIPRegistration, Key: node[:],
		Version: 7, Lifetime: time.Hour, Value: []byte("contact")}
	if err := second.SignRecord(&r); err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string]func(*overlay.Record){
		"resource": func(r *overlay.Record) { r.Resource[3]++ },
		"kind":     func(r *overlay.Record) { r.Kind = overlay.OfficeMember },
		"key":      func(r *overlay.Record) { r.Key = append(bytes.Clone(r.Key), 0) },
		"version":  func(r *overlay.Record) { r.Version++ },
		"removed":  func(r *overlay.Record) { r.Removed = true },
		"value":    func(r *overlay.Record) { r.Value = []byte("c0ntact") },
		"owner":    func(r *overlay.Record) { r.Owner = founder.ID() },
		"chain":    func(r *overlay.Record) { r.Chain = founder.Chain() },
		"both":     func(r *overlay.Record) { r.Owner, r.Chain = founder.ID(), founder.Chain() },
		"no chain": func(r *overlay.Record) { r.Chain = nil },
		"sig":      func(r *overlay.Record) { r.Sig = bytes.Clone(r.Sig); r.Sig[9]++ },
		"no sig":   func(r *overlay.Record) { r.Sig = nil },
	} {
		forged := r
		f(&forged)
		if err := founder.VerifyRecord(forged); err == nil {
			t.Errorf("%s was changed and accepted", name)
		}
	}
	r.Lifetime -= time.Minute
	if err := founder.VerifyRecord(r); err != nil {
		t.Error(err)
	}
}
