package identity

import (
	"bytes"
	"crypto/ecdh"
	"crypto/rand"
	"errors"
	"testing"
)

func TestSeal(t *testing.T) {
	founder := found(t, "acme")
	second := enrolled(t, founder, 102)
	info, text := []byte("where it stands"), []byte("meet me at ten")
	sealed, err := founder.SealTo(second.Chain(), info, text)
	if err != nil {
		t.Fatal(err)
	}
	if len(sealed) != len(text)+SealOverhead || bytes.Contains(sealed, text) {
		t.Errorf("%d octets become %d", len(text), len(sealed))
	}
	if got, err := second.Unseal(info, sealed); err != nil || !bytes.Equal(got, text) {
		t.Errorf("its owner reads %q, %v", got, err)
	}
	if got, err := founder.Unseal(info, sealed); !errors.Is(err, ErrSealed) {
		t.Errorf("somebody else reads %q, %v", got, err)
	}
	if got, err := second.Unseal([]byte("elsewhere"), sealed); !errors.Is(err, ErrSealed) {
		t.Errorf("in another place: %q, %v", got, err)
	}
	for i := range sealed {
		bad := bytes.Clone(sealed)
		bad[i] ^= 1
		if got, err := second.Unseal(info, bad); !errors.Is(err, ErrSealed) {
			t.Fatalf("with octet %d changed: %q, %v", i, got, err)
		}
		if got, err := second.Unseal(info, sealed[:i]); !errors.Is(err, ErrSealed) {
			t.Fatalf("cut to %d octets: %q, %v", i, got, err)
		}
	}
	if _, err := founder.SealTo(found(t, "acme").Chain(), info, text); !errors.Is(err, ErrUntrusted) {
		t.Errorf("sealed to a stranger: %v", err)
	}
	key, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if sealed, err = Seal(key.PublicKey(), info, text); err != nil {
		t.Fatal(err)
	}
	if got, err := Unseal(key, info, sealed); err != nil || !bytes.Equal(got, text) {
		t.Errorf("%q, %v", got, err)
	}
}
