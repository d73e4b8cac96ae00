package identity

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"

	"chordophone/overlay"
)

// RevocationsResource is where the REVOCATION records are.
var RevocationsResource = overlay.ResourceID("revocations")

// Revocation bars a phone from the office for ever: RELOAD's bad-node, but
// entered on any phone. // RFC 6940, section 11.1
type Revocation struct {
	Node overlay.ID

	// Spared stay members though their certificates go through that phone.
	// Those that it enrols later, or has enrolled in secret, do not.
	Spared []overlay.ID
}

// maxSpared is as many as a record's value holds.
const maxSpared = overlay.MaxValue / len(overlay.ID{})

// Record is the REVOCATION record that the phone by signs. The caller sets Version
// and Lifetime and has it signed.
func (r Revocation) Record(by overlay.ID) (overlay.Record, error) {
	if len(r.Spared) > maxSpared {
		return overlay.Record{}, fmt.Errorf("identity: revocation spares %d phones: at most %d", len(r.Spared), maxSpared)
	}
	var value []byte
	for _, id := range r.Spared {
		value = append(value, id[:]...)
	}
	return overlay.Record{
		Resource: RevocationsResource,
		Kind:     overlay.Revocation,
		Key:      slices.Concat(r.Node[:], by[:]),
		Value:    value,
	}, nil
}

func parseRevocation(r overlay.Record) (Revocation, error) {
	var out Revocation
	if len(r.Key) != 2*len(out.Node) || len(r.Value)%len(out.Node) != 0 {
		return out, errors.New("not a revocation")
	}
	out.Node = overlay.ID(r.Key[:len(out.Node)])
	for id := range slices.Chunk(r.Value, len(out.Node)) {
		out.Spared = append(out.Spared, overlay.ID(id))
	}
	return out, nil
}

// revocation is the policy of REVOCATION.
func revocation(_ *verifier, signer member, r *overlay.Record) error {
	if r.Resource != RevocationsResource {
		return errors.New("the resource is not that of the revocations")
	}
	if r.Removed {
		return errors.New("a revocation cannot be taken back")
	}
	_, err := parseRevocation(*r)
	if err == nil && !bytes.HasSuffix(r.Key, signer.id[:]) {
		err = errors.New("the key does not name the signer")
	}
	return err
}

// Judge says which of these REVOCATION records hold, the same on every phone
// whatever the order in which it heard of them. When two phones revoke one another
// the senior one prevails: whose certificate is nearer to the root, then whose
// Node-ID is less. All else that a revoked phone signed stands. Records that do not
// verify are left out.
func (id *Identity) Judge(records []overlay.Record) []Revocation {
	type charge struct {
		by member
		r  Revocation
	}
	var charges []charge
	for _, rec := range records {
		by, err := id.prove(rec.Chain)
		if rec.Kind != overlay.Revocation || err != nil || id.VerifyRecord(rec) != nil {
			continue
		}
		if r, err := parseRevocation(rec); err == nil {
			charges = append(charges, charge{by, r})
		}
	}
	slices.SortFunc(charges, func(a, b charge) int {
		return cmp.Or(cmp.Compare(len(a.by.by), len(b.by.by)), a.by.id.Compare(b.by.id), a.r.Node.Compare(b.r.Node))
	})
	var hold []charge
	for _, c := range charges {
		mutual := func(senior charge) bool { return senior.by.id == c.r.Node && senior.r.Node == c.by.id }
		if !slices.ContainsFunc(hold, mutual) {
			hold = append(hold, c)
		}
	}
	var out []Revocation
	for _, c := range hold {
		i := slices.IndexFunc(out, func(r Revocation) bool { return r.Node == c.r.Node })
		if i < 0 {
			out = append(out, c.r)
			continue
		}
		// Several revoked it: spared is who is spared by all.
		out[i].Spared = slices.DeleteFunc(out[i].Spared, func(id overlay.ID) bool { return !slices.Contains(c.r.Spared, id) })
	}
	slices.SortFunc(out, func(a, b Revocation) int { return a.Node.Compare(b.Node) })
	return out
}

// Refuse bars the phones that were revoked, whatever their certificates say, and
// those whose chains go through one of them: a stolen phone could make itself new
// identities. It replaces what an earlier call said. Connections that stand are not
// closed.
func (id *Identity) Refuse(revoked []Revocation) {
	refused := make(map[overlay.ID][]overlay.ID, len(revoked))
	for _, r := range revoked {
		refused[r.Node] = r.Spared
	}
	id.mu.Lock()
	id.refused = refused
	id.mu.Unlock()
}

func (v *verifier) checkRefused(m member) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	_, barred := v.refused[m.id]
	for _, by := range m.by {
		if spared, ok := v.refused[by]; ok && !slices.Contains(spared, m.id) {
			barred = true
		}
	}
	if barred {
		return fmt.Errorf("node %s: %w", m.id.Short(), ErrRevoked)
	}
	return nil
}
