package link

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"fmt"
	"slices"
	"time"

	"chordophone/overlay"
	"chordophone/overlay/chord"
	"chordophone/overlay/reload"
)

// outgoing is a message that waits to be sent.
type outgoing struct {
	header   reload.Header
	contents reload.Contents // ours to sign, but for OFFICE-ADDRESS
	address  []byte          // what that says; none when it is not known
	certs    [][]byte        // of the records in them
	inValues [][]byte        // certificates that stand in the contents themselves
	payload  []byte          // or another node's, signed
	direct   bool            // ours, for the node it is sent to and no further
	trusting bool            // the other side is taken to know the certificates of the records
}

func (o *outgoing) size() int {
	n := len(o.contents.Body) + len(o.payload)
	for _, e := range o.contents.Extensions {
		n += len(e.Value)
	}
	return n
}

// seal makes a message ready but for its signature, which the connection's own
// goroutine adds.
func (l *Link) seal(to overlay.Peer, m chord.Message) (*outgoing, error) {
	o := &outgoing{header: reload.Header{
		Overlay: l.overlay, Config: l.sequence(), TTL: m.TTL, Tx: m.Tx,
		Via: nodes(m.Via), To: destinations(m.To),
	}}
	if m.From.ID != l.cfg.Self.ID {
		if len(m.Raw) == 0 {
			return nil, errUnsigned
		}
		o.payload = m.Raw
		return o, nil
	}
	c, certs, err := contentsOf(m, to.ID, time.Since(l.started))
	if err != nil {
		return nil, err
	}
	if err := l.fill(o, to.ID, c); err != nil {
		return nil, err
	}
	o.certs, o.inValues = certs.signers, certs.values
	switch m.Body.(type) {
	case chord.Store, chord.Fetched:
		o.trusting = o.direct
	}
	return o, nil
}

// fill gives a message of ours its contents.
func (l *Link) fill(o *outgoing, to overlay.ID, c reload.Contents) (err error) {
	o.contents = c
	if a := l.advertised(); a.IsValid() {
		if o.address, err = reload.AppendAddress(nil, a); err != nil {
			return err
		}
	}
	o.direct = len(o.header.Via) == 0 && len(o.header.To) == 1 &&
		o.header.To[0].Type == reload.DestNode && overlay.ID(o.header.To[0].ID) == to
	return nil
}

// sequence is that of the configuration document in force.
func (l *Link) sequence() uint16 {
	if l.cfg.Configuration == nil {
		return 1
	}
	return l.cfg.Configuration.Sequence()
}

// finish is the message on the wire. It leaves out what the other side has had
// already, see keeper. to is the node at the other end.
func (l *Link) finish(o *outgoing, to overlay.ID, sent *keeper) ([]byte, error) {
	payload := o.payload
	if payload == nil {
		contents, err := o.octets(sent)
		if err != nil {
			return nil, err
		}
		sig, err := l.sign(o.header, contents)
		if err != nil {
			return nil, err
		}
		sec := reload.Security{Signature: signatureOf(sig)}
		seen := make(map[[sha256.Size]byte]bool, len(sig.Chain)+len(o.certs))
		for _, der := range o.inValues {
			seen[sha256.Sum256(der)] = true
		}
		for _, der := range sig.Chain { // must not hang on the contents
			delete(seen, sha256.Sum256(der))
		}
		trusted := false
		add := func(der []byte, trust bool) {
			sum := sha256.Sum256(der)
			if seen[sum] || sent.has(sum) {
				return
			}
			seen[sum] = true
			if trust {
				trusted = true
				return
			}
			sec.Certificates = append(sec.Certificates, reload.Certificate{Type: reload.X509, Data: der})
			sent.keep(sum, nil)
		}
		for _, der := range sig.Chain {
			add(der, false)
		}
		for _, der := range o.certs {
			add(der, o.trusting)
		}
		if trusted {
			l.trusts.add(to, o)
		}
		if payload, err = sec.Append(contents); err != nil {
			return nil, err
		}
	}
	out, err := o.header.Append(make([]byte, 0, 128+len(payload)), len(payload))
	return append(out, payload...), err
}

// octets are the contents of a message of ours. The node at the other end is told
// our address once.
func (o *outgoing) octets(sent *keeper) ([]byte, error) {
	c := o.contents
	if len(o.address) > 0 && !(o.direct && bytes.Equal(sent.address, o.address)) {
		c.Extensions = append(slices.Clip(c.Extensions), reload.Extension{Type: reload.ExtAddress, Value: o.address})
		sent.address = o.address
	}
	return c.Append(nil)
}

// sign signs a message of ours. The signature covers the hash of our
// certificate, which only signing tells.
func (l *Link) sign(h reload.Header, contents []byte) (overlay.Signature, error) {
	for range 2 {
		leaf := *l.leaf.Load()
		input, err := reload.AppendSigned(nil, h.Overlay, h.Tx, contents, signerOf(leaf))
		if err != nil {
			return overlay.Signature{}, err
		}
		sig, err := l.cfg.Sign(input)
		if err != nil || len(sig.Chain) == 0 {
			return sig, fmt.Errorf("link: sign: %w", cmp.Or(err, errNoCertificate))
		}
		now := sha256.Sum256(sig.Chain[0])
		if now == leaf {
			return sig, nil
		}
		l.leaf.Store(&now) // a new certificate since the last time
	}
	return overlay.Signature{}, fmt.Errorf("link: sign: %w", errNoCertificate)
}
