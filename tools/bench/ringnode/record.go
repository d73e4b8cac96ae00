package ringnode

import (
	"fmt"
	"sync"
	"time"

	"chordophone/overlay"
	"chordophone/overlay/identity"
	"chordophone/overlay/reload"
)

// Kind is that of the records of a measurement: the last of the private ones that
// reload.Kind.Model takes for dictionaries.
const Kind = overlay.Kind(reload.KindPrivateLast)

// lifetime is that of a registration.
const lifetime = time.Hour

// rules are the office's, and beside them that any member may write any record
// of Kind.
type rules struct{ member *identity.Identity }

func (r rules) verify(rec overlay.Record) error {
	if rec.Kind != Kind {
		return r.member.VerifyRecord(rec)
	}
	signer, err := r.member.Verify(rec.SignedBytes(), rec.Signature)
	if err != nil {
		return err
	}
	if signer != rec.Owner {
		return fmt.Errorf("record signed by %s, not by its owner %s", signer.Short(), rec.Owner.Short())
	}
	return nil
}

// writer numbers and signs this node's records.
type writer struct {
	member *identity.Identity

	mu      sync.Mutex // guards version
	version overlay.Version
}

func (w *writer) record(name, value string) (overlay.Record, error) {
	w.mu.Lock()
	w.version++
	version := w.version
	w.mu.Unlock()
	r := overlay.Record{
		Resource:  overlay.ResourceID(name),
		Kind:      Kind,
		Key:       []byte("v"),
		Version:   version,
		Lifetime:  lifetime,
		Value:     []byte(value),
		Owner:     w.member.ID(),
		Signature: overlay.Signature{Chain: w.member.Chain()}, // the octets to sign cover it
	}
	if err := r.CheckSize(); err != nil {
		return r, err
	}
	var err error
	r.Signature, err = w.member.Sign(r.SignedBytes())
	return r, err
}
