package identity

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"chordophone/overlay"
)

func found(t testing.TB, office string) *Identity {
	t.Helper()
	id, err := Found(office, 0)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// enrolled is a phone enrolled by another, without the network.
func enrolled(t testing.TB, by *Identity, ext int) *Identity {
	t.Helper()
	i, err := by.issuer()
	if err != nil {
		t.Fatal(err)
	}
	key, _ := newKey()
	chain, err := i.leaf(&key.PublicKey, ext)
	if err != nil {
		t.Fatal(err)
	}
	enroller, err := i.enroller(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	id, err := assemble(key, nil, by.root, chain, enroller)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func wantErr(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: got %v, want %v", what, err, want)
		return
	}
	var h interface{ Hint() string }
	if want != nil && (!errors.As(err, &h) || h.Hint() == "") {
		t.Errorf("%s: no hint for people in %v", what, err)
	}
}

func TestFound(t *testing.T) {
	id := found(t, "acme")
	if id.User() != "101@acme" || id.Extension() != 101 || id.Office() != "acme" || !id.Founder() || len(id.Chain()) != 1 {
		t.Errorf("founder is %s, %d, %s, %v, chain of %d", id.User(), id.Extension(), id.Office(), id.Founder(), len(id.Chain()))
	}
	leaf, err := x509.ParseCertificate(id.Chain()[0])
	if err != nil {
		t.Fatal(err)
	}
	// RFC 6940, section 11.3: "The subject distinguished name in the certificate MUST
	// be empty."
	if len(leaf.Subject.Names) != 0 {
		t.Errorf("subject %v", leaf.Subject)
	}
	// RFC 6940, section 14.15: destination 0x01 (node), 0x10 (length), the Node-ID.
	if want := "reload://0110" + id.ID().String() + "@acme/"; leaf.URIs[0].String() != want {
		t.Errorf("URI %s, want %s", leaf.URIs[0], want)
	}
	if leaf.EmailAddresses[0] != "101@acme" {
		t.Errorf("user name %s", leaf.EmailAddresses[0])
	}
	if leaf.NotBefore.After(time.Unix(0, 0)) || leaf.NotAfter.Year() != 9999 {
		t.Errorf("valid from %v to %v", leaf.NotBefore, leaf.NotAfter)
	}
	if other := found(t, "acme"); other.ID() == id.ID() || bytes.Equal(other.Root(), id.Root()) {
		t.Error("two offices are the same")
	}
}

func TestOfficeNames(t *testing.T) {
	for _, good := range []string{"a", "acme", "paris.acme", "a-b.c9", "3com", strings.Repeat("a", 63)} {
		if err := CheckOffice(good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for _, bad := range []string{"", "Acme", "a b", "-a", "a-", ".a", "a.", "a..b", "büro", "a@b", "a/b", "10.0.0.1", "7",
		"a\x00", strings.Repeat("a", 64)} {
		wantErr(t, bad, CheckOffice(bad), ErrOfficeName)
		if _, err := Found(bad, 0); err == nil {
			t.Errorf("office %q was founded", bad)
		}
	}
}

// A chain grows by one with each generation, up to overlay.MaxChain, and fits
// into a record even with the longest name.
func TestGenerations(t *testing.T) {
	id := found(t, strings.Repeat("a", 63))
	first := id
	for n := 1; n <= overlay.MaxChain; n++ {
		id = enrolled(t, id, 999900+n)
		if len(id.Chain()) != n {
			t.Fatalf("generation %d has a chain of %d", n, len(id.Chain()))
		}
		if m, err := first.verify(id.Chain()); err != nil || m.user != id.User() {
			t.Fatalf("generation %d: %v", n, err)
		}
	}
	r := MemberRecord(id.ID(), id.Chain())
	if len(r.Value) > overlay.MaxValue {
		t.Errorf("the longest chain has %d octets", len(r.Value))
	}
	if err := id.SignRecord(&r); err != nil {
		t.Error(err)
	}
	_, err := id.issuer()
	wantErr(t, "one more generation", err, ErrTooDeep)
	t.Logf("chains of 1 and %d: %d and %d octets", overlay.MaxChain, len(AppendChain(nil, first.Chain())), len(r.Value))
}

func TestSaveAndLoad(t *testing.T) {
	founder := found(t, "acme")
	second := enrolled(t, founder, 102)
	for _, id := range []*Identity{founder, second, enrolled(t, second, 103)} {
		dir := filepath.Join(t.TempDir(), "not there yet")
		_, err := Load(dir)
		wantErr(t, "nothing there", err, ErrNone)
		if err := id.Save(dir); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(filepath.Join(dir, File))
		if err != nil || info.Mode() != 0o600 {
			t.Errorf("mode %v, %v", info.Mode(), err)
		}
		if names, _ := os.ReadDir(dir); len(names) != 1 {
			t.Errorf("%d files, want one", len(names))
		}
		got, err := Load(dir)
		if err != nil {
			t.Fatal(err)
		}
		if got.ID() != id.ID() || got.User() != id.User() || got.Founder() != id.Founder() || !got.key.Equal(id.key) {
			t.Errorf("loaded %s, saved %s", got.User(), id.User())
		}
		enrolled(t, got, 104) // it can still enrol

		wantErr(t, "save again", founder.Save(dir), ErrExists)
		if again, err := Load(dir); err != nil || again.ID() != id.ID() {
			t.Error("an identity was overwritten")
		}
	}
}

func TestDamagedFileIsLeftAlone(t *testing.T) {
	founder := found(t, "acme")
	second := enrolled(t, enrolled(t, founder, 102), 103)
	good, err := second.file()
	if err != nil {
		t.Fatal(err)
	}
	founders, err := founder.file()
	if err != nil {
		t.Fatal(err)
	}
	other, err := enrolled(t, found(t, "acme"), 103).file()
	if err != nil {
		t.Fatal(err)
	}
	blocks := func(file []byte) (all []*pem.Block) {
		for b, rest := pem.Decode(file); b != nil; b, rest = pem.Decode(rest) {
			all = append(all, b)
		}
		return all
	}
	join := func(all ...*pem.Block) (file []byte) {
		for _, b := range all {
			file = append(file, pem.EncodeToMemory(b)...)
		}
		return file
	}
	g, f, o := blocks(good), blocks(founders), blocks(other)
	broken := *g[1]
	broken.Bytes = bytes.Clone(broken.Bytes)
	broken.Bytes[len(broken.Bytes)-1] ^= 1
	files := map[string][]byte{
		"empty":            {},
		"text":             []byte("my notes\n"),
		"binary":           bytes.Repeat([]byte{0xFF, 0}, 999),
		"long":             append(bytes.Clone(good), make([]byte, maxFile)...),
		"text after":       append(bytes.Clone(good), "my notes\n"...),
		"no key":           join(g[1:]...),
		"another's key":    join(append([]*pem.Block{o[0]}, g[1:]...)...),
		"another's leaf":   join(append([]*pem.Block{g[0], o[1]}, g[2:]...)...),
		"another's root":   join(append(append([]*pem.Block{}, g[:len(g)-1]...), o[len(o)-1])...),
		"broken leaf":      join(append([]*pem.Block{g[0], &broken}, g[2:]...)...),
		"foreign root key": join(f[0], o[0], f[2], f[3], f[4]),
		"key last":         join(append(append([]*pem.Block{}, g[1:]...), g[0])...),
		"other block":      join(append(append([]*pem.Block{}, g...), &pem.Block{Type: "NOTE"})...),
	}
	for i := range g[1:] {
		files[fmt.Sprint("without certificate ", i)] = join(append(append([]*pem.Block{}, g[:i+1]...), g[i+2:]...)...)
	}
	for i := 0; i < len(good)-1; i += len(good) / 20 {
		files[fmt.Sprint("cut at ", i)] = good[:i]
	}
	for name, file := range files {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, File)
			if err := os.WriteFile(path, file, 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := Load(dir)
			wantErr(t, "load", err, ErrDamaged)
			wantErr(t, "save", second.Save(dir), ErrExists)
			if after, _ := os.ReadFile(path); !bytes.Equal(after, file) {
				t.Error("the file was changed")
			}
		})
	}
}

func TestChainOctets(t *testing.T) {
	id := enrolled(t, enrolled(t, found(t, "acme"), 102), 103)
	b := AppendChain(nil, id.Chain())
	got, err := ParseChain(b)
	if err != nil || len(got) != 2 || !bytes.Equal(got[1], id.Chain()[1]) {
		t.Error(got, err)
	}
	for i := 1; i < len(b); i++ {
		if c, err := ParseChain(b[:i]); err == nil && len(c) != 1 {
			t.Fatalf("%d of %d octets are a chain of %d", i, len(b), len(c))
		}
	}
	if _, err := ParseChain(bytes.Repeat([]byte{0, 1, 0}, overlay.MaxChain+1)); err == nil {
		t.Error("a chain that is too long was accepted")
	}
}

func TestSign(t *testing.T) {
	founder := found(t, "acme")
	second := enrolled(t, founder, 102)
	msg := []byte("message")
	s, err := second.Sign(msg)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time from memory
		if got, err := founder.Verify(msg, s); got != second.ID() || err != nil {
			t.Errorf("signed by %v, %v", got, err)
		}
	}
	_, err = founder.Verify([]byte("massage"), s)
	wantErr(t, "other message", err, ErrSignature)
	_, err = founder.Verify(msg, overlay.Signature{Chain: founder.Chain(), Sig: s.Sig})
	wantErr(t, "other signer", err, ErrSignature)
	_, err = founder.Verify(msg, overlay.Signature{Sig: s.Sig})
	wantErr(t, "no chain", err, ErrUntrusted)
	_, err = found(t, "acme").Verify(msg, s)
	wantErr(t, "other office of that name", err, ErrUntrusted)
	// What was verified must not vouch for a chain that other nodes would refuse.
	_, err = founder.Verify(msg, overlay.Signature{Chain: append(second.Chain(), second.Chain()[0]), Sig: s.Sig})
	wantErr(t, "chain with more in it", err, ErrUntrusted)

	founder.Refuse([]Revocation{{Node: second.ID()}})
	_, err = founder.Verify(msg, s)
	wantErr(t, "revoked", err, ErrRevoked)
	founder.Refuse(nil)
	if _, err = founder.Verify(msg, s); err != nil {
		t.Error(err)
	}
}

func TestMemoryOfChainsIsBounded(t *testing.T) {
	id := found(t, "acme")
	for i := range maxVerified + 10 {
		id.remember([32]byte{byte(i), byte(i >> 8), 1}, member{})
	}
	if len(id.verified) != maxVerified || len(id.order) != maxVerified {
		t.Errorf("%d chains remembered", len(id.verified))
	}
	if _, err := id.verify(id.Chain()); err != nil { // forgotten, proved again
		t.Error(err)
	}
}

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

func FuzzParseFile(f *testing.F) {
	id := enrolled(f, found(f, "acme"), 102)
	good, _ := id.file()
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Fuzz(func(t *testing.T, data []byte) {
		if id, err := parseFile(data); err == nil {
			again, err := id.file()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := parseFile(again); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func FuzzMessages(f *testing.F) {
	id := enrolled(f, found(f, "acme"), 102)
	q, _ := newRequest(id.key, nil, make([]byte, confirmLen), 7)
	a, _ := answer{confirm: make([]byte, confirmLen), root: id.Root(), enroller: id.enroller[0], chain: id.chain}.marshal()
	f.Add(q)
	f.Add(a)
	f.Fuzz(func(t *testing.T, data []byte) {
		if q, err := parseRequest(data); err == nil {
			if b, err := q.marshal(); err != nil || !bytes.Equal(b, data) {
				t.Fatalf("request %x is %x, %v", data, b, err)
			}
			provenKey(nil, q)
		}
		if a, err := parseAnswer(data); err == nil {
			if b, err := a.marshal(); err != nil || !bytes.Equal(b, data) {
				t.Fatalf("answer %x is %x, %v", data, b, err)
			}
			accept(id.key, a, id.chain)
		}
		readMessage(bytes.NewReader(data), msgAnswer, maxMessage)
	})
}

func BenchmarkVerify(b *testing.B) {
	id := enrolled(b, found(b, "acme"), 102)
	msg := make([]byte, 500)
	s, _ := id.Sign(msg)
	b.Run("known", func(b *testing.B) {
		for b.Loop() {
			id.Verify(msg, s)
		}
	})
	b.Run("new", func(b *testing.B) {
		for b.Loop() {
			clear(id.verified)
			id.order = nil
			id.Verify(msg, s)
		}
	})
}
