package identity

import "testing"

// What the office's key signs is the office's to every member, also after the
// founder's phone was revoked; what any phone signs is not.
func TestOfficeKey(t *testing.T) {
	founder := found(t, "acme")
	second := enrolled(t, founder, 102)
	third := enrolled(t, second, 103)
	key, err := founder.OfficeKey()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := second.OfficeKey(); err == nil {
		t.Error("the second phone has the office's key")
	}
	msg := []byte("configuration")
	sig, err := key.Sign(msg)
	if err != nil {
		t.Fatal(err)
	}
	third.Refuse([]Revocation{{Node: founder.ID()}})
	for _, id := range []*Identity{founder, second, third} {
		if by, err := id.VerifyOffice(msg, sig); err != nil || by != key.ID() {
			t.Errorf("%s: node %s, %v", id.User(), by.Short(), err)
		}
		_, err := id.VerifyOffice([]byte("another"), sig)
		wantErr(t, "another text", err, ErrSignature)
	}
	// The founder may be asked anew; it is the same key.
	if again, err := founder.OfficeKey(); err != nil || again.ID() != key.ID() || key.ID() == founder.ID() {
		t.Errorf("node %s, %v", again.ID().Short(), err)
	}
	for _, id := range []*Identity{founder, second} {
		sig, err := id.Sign(msg)
		if err != nil {
			t.Fatal(err)
		}
		by, err := second.VerifyOffice(msg, sig)
		wantErr(t, id.User(), err, ErrSignature)
		if !by.IsZero() {
			t.Errorf("%s is called node %s", id.User(), by.Short())
		}
	}
	foreign, err := found(t, "acme").OfficeKey()
	if err != nil {
		t.Fatal(err)
	}
	sig, err = foreign.Sign(msg)
	if err != nil {
		t.Fatal(err)
	}
	_, err = second.VerifyOffice(msg, sig)
	wantErr(t, "another office of that name", err, ErrUntrusted)
}
