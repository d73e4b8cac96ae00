package identity

import (
	"bytes"
	"crypto/x509"
	"errors"
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
