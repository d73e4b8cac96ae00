package config

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"chordophone/overlay"
	"chordophone/overlay/reload"
)

// Current is the document in force. It is what a link wants to know of it
// (link.Configuration), and safe for concurrent use.
type Current struct {
	verify VerifyFunc
	force  atomic.Pointer[force] // who reads it does not wait for an Update and its disk

	mu      sync.Mutex // guards what follows, and is held while force is replaced
	changed func(*Document, []byte)
}

// force is a document in force; it is not changed.
type force struct {
	doc    *Document
	octets []byte // as they were signed
}

// Open takes a document that was kept, or that enrolment brought, into force. It
// must be signed by one of its own configuration-signers, which any member could
// see to: the caller vouches for where it comes from.
func Open(octets []byte, office string, verify VerifyFunc) (*Current, error) {
	d, err := Parse(octets, office)
	if err != nil {
		return nil, err
	}
	if err := d.Verify(verify, nil); err != nil {
		return nil, err
	}
	c := &Current{verify: verify}
	c.force.Store(&force{d, bytes.Clone(octets)})
	return c, nil
}

// OnChange has f called with each document that comes into force, for it to be
// kept and obeyed. f must not call Update.
func (c *Current) OnChange(f func(d *Document, octets []byte)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.changed = f
}

// Get is the document in force; it must not be changed.
func (c *Current) Get() *Document { return c.force.Load().doc }

// Sequence is the sequence number of the document in force.
func (c *Current) Sequence() uint16 { return c.Get().Sequence }

// Document is the document in force as it was signed.
func (c *Current) Document() []byte { return c.force.Load().octets }

// Update takes a new document, or new Kinds, into force if they are good. The
// error is a reload.Refusal. // RFC 6940, section 6.5.4.2
func (c *Current) Update(_ overlay.ID, req reload.ConfigUpdateReq) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if req.Type == reload.ConfigKinds {
		return c.updateKinds(req.Kinds)
	}
	previous := c.Get()
	d, err := Parse(req.Document, previous.Office)
	if err == nil {
		err = d.Verify(c.verify, previous)
	}
	if err != nil {
		return refusal(err)
	}
	c.replace(force{d, bytes.Clone(req.Document)})
	return nil
}

// replace puts a document in force. The caller holds mu.
func (c *Current) replace(f force) {
	c.force.Store(&f)
	if c.changed != nil {
		c.changed(f.doc, f.octets)
	}
}

// updateKinds takes kind-blocks over, all or none. Those that say what is in
// force already are good; of others only the limits may be new.
func (c *Current) updateKinds(blocks [][]byte) error {
	d := *c.Get()
	d.Kinds = slices.Clone(d.Kinds)
	var unknown []byte
	for _, b := range blocks {
		e, err := read(b, base)
		if err != nil {
			return refusal(err)
		}
		p := parser{octets: b}
		k := p.kindBlock(e)
		if p.err != nil {
			return refusal(p.err)
		}
		if err := d.signedBy(c.verify, k.signed, k.security, d.KindSigners); err != nil {
			return refusal(err)
		}
		i := slices.IndexFunc(d.Kinds, func(o Kind) bool { return o.ID == k.ID })
		switch {
		case !supported(k):
			unknown = binary.BigEndian.AppendUint32(unknown, uint32(k.ID))
		case i < 0:
			d.Kinds = append(d.Kinds, k)
		case !bytes.Equal(d.Kinds[i].security.Signature.Signer.Sum, k.security.Signature.Signer.Sum):
			// "if the Kind update conflicts with an existing known Kind (i.e., it is
			// signed by a different signer), then it should be rejected"
			return refusal(fmt.Errorf("%w: kind %#x is another's", ErrSigner, uint32(k.ID)))
		case !d.Kinds[i].same(k):
			d.Kinds[i] = k
		}
	}
	if len(unknown) > 0 && len(unknown) < 256 { // KindId unknown_kinds<0..2^8-1>
		return reload.Refusal{ErrorCode: unknownKind, Info: string(append([]byte{byte(len(unknown))}, unknown...))}
	}
	c.replace(force{&d, c.Document()})
	return nil
}

// Error codes. // RFC 6940, section 14.9
const (
	forbidden      = 2
	incompatible   = 6
	unknownKind    = 12
	configTooOld   = 15
	invalidMessage = 20
)

// refusal says which of RELOAD's errors goes with an error.
func refusal(err error) error {
	code := uint16(invalidMessage)
	switch {
	case errors.Is(err, ErrSigner):
		code = forbidden
	case errors.Is(err, ErrSequence):
		code = configTooOld
	case errors.Is(err, ErrOffice), errors.Is(err, ErrUnsupported), errors.Is(err, ErrKind):
		code = incompatible
	}
	return fmt.Errorf("%w (%w)", reload.Refusal{ErrorCode: code, Info: err.Error()}, err)
}
