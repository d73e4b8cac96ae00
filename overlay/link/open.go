package link

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"chordophone/overlay"
	"chordophone/overlay/chord"
	"chordophone/overlay/reload"
)

// incoming is a message that was received and whose signature is good.
type incoming struct {
	header   reload.Header
	contents reload.Contents
	code     reload.Code
	msg      chord.Message // without Body where chord has no word for it
	body     reload.Body   // of what the link answers itself, and of answers to Ask
	ours     bool          // it ends here
}

// open turns a message on the wire into one for chord, or for the link: parsed,
// and its signature and those of its records verified. from is the node at the
// other end of the connection, remote its IP address, kept what it sent of
// certificates before. With an error in is nil until the signature is verified;
// a refusal among the errors says what to answer. errKeepers says that the
// connection is of no more use.
func (l *Link) open(wire []byte, from overlay.Peer, remote netip.Addr, kept *keeper) (in *incoming, _ Reason, err error) {
	h, payload, err := reload.ParseHeader(wire)
	switch {
	case err != nil:
		return nil, Malformed, err
	case h.Overlay != l.overlay:
		return nil, WrongOverlay, fmt.Errorf("link: overlay %#x", h.Overlay)
	case h.TTL > reload.MaxTTL:
		return nil, TTLTooHigh, fmt.Errorf("link: TTL %d", h.TTL)
	}
	c, sec, signed, err := reload.ParsePayload(payload)
	if err != nil {
		return nil, Malformed, err
	}
	m := chord.Message{Tx: h.Tx, TTL: h.TTL, Raw: payload}
	if m.Via, m.To, err = lists(h); err != nil {
		return nil, Malformed, err
	}
	bag := &bag{nodeOf: l.cfg.NodeOf, cabinet: &l.cabinet, missing: errNoCertificate}
	if err := bag.fill(sec.Certificates); err != nil {
		return nil, Malformed, err
	}
	sent := bag.certs
	// Who passes a message on puts itself on the via list; but for answers.
	first := len(m.Via) == 0
	direct := first && len(m.To) == 1 && m.To[0] == chord.Dest{ID: l.cfg.Self.ID}
	if first {
		bag.certs, bag.missing = slices.Concat(sent, kept.certs), errKeepers
	}
	var chain [][]byte
	if m.From.ID, chain, err = l.verify(h, signed, sec.Signature, bag); err != nil {
		return nil, BadSignature, err
	}
	if first = first && m.From.ID == from.ID; first {
		for _, cert := range sent {
			kept.keep(cert.sum, cert)
		}
	}
	in = &incoming{header: h, contents: c, code: c.Code, ours: l.ours(m.To)}
	if m.From.Addr, err = address(c); err != nil {
		return nil, Malformed, err
	}
	m.From.Addr = reachable(m.From, from.ID, remote)
	if m.From.ID == from.ID && !m.From.Addr.IsValid() {
		m.From.Addr = from.Addr // it said so before
	}
	in.msg = m
	if l.isCut(m.From.ID) {
		return nil, CutOff, errRevoked
	}
	if why, err := l.acceptable(in); err != nil {
		return in, why, err
	}
	if spoken(c) {
		if in.msg.Body, err = (decoder{m.From, bag}).body(c); err != nil {
			switch {
			case direct && (c.Code == reload.CodeStoreReq || c.Code == reload.CodeFetchAns) && errors.Is(err, errKeepers):
				return in, Unknown, refusal(certificateUnknown, "")
			case in.ours || errors.Is(err, errKeepers):
				return in, Malformed, refusalOf(err)
			}
			in.msg.Body = nil // not ours to judge
		}
	}
	if first && !direct {
		if in.msg.Raw, err = complete(signed, sec, chain, in.msg.Body); err != nil {
			return in, Malformed, err
		}
	}
	// What had to come a second time, with its certificates, is no replay.
	if in.ours && !l.replays.fresh(m.From.ID, h.Tx, signed) {
		return nil, Replayed, errReplayed
	}
	if in.msg.Body == nil {
		return in, 0, nil
	}
	switch in.msg.Body.(type) {
	case chord.Update, chord.Leave:
		if m.From.ID != from.ID { // somebody may be playing old ones back
			return nil, Relayed, errRelayed
		}
	}
	if in.msg.Body, err = l.verifyRecords(in.msg.Body); err != nil {
		return in, BadRecord, fmt.Errorf("%w (%w)", refusal(chord.Forbidden, "bad record"), err)
	}
	return in, 0, nil
}

// complete is what follows the header of a message that may go further, with the
// certificates that its maker left out for us: the signature does not cover them.
func complete(signed []byte, sec reload.Security, chain [][]byte, body chord.Body) ([]byte, error) {
	seen := make(map[[sha256.Size]byte]bool)
	for _, c := range sec.Certificates {
		seen[sha256.Sum256(c.Data)] = true
	}
	add := func(chain [][]byte) {
		for _, der := range chain {
			if sum := sha256.Sum256(der); !seen[sum] {
				seen[sum] = true
				sec.Certificates = append(sec.Certificates, reload.Certificate{Type: reload.X509, Data: der})
			}
		}
	}
	add(chain)
	if s, ok := body.(chord.Store); ok {
		for _, r := range s.Records {
			if r.Kind == overlay.OfficeMember && !r.Removed {
				for _, der := range chainIn(r.Value) {
					seen[sha256.Sum256(der)] = true
				}
			}
		}
		for _, r := range s.Records {
			add(r.Chain)
		}
	}
	return sec.Append(slices.Clip(signed))
}

var (
	errReplayed = errors.New("link: message came before")
	errRelayed  = errors.New("link: a message for neighbours came over another node")
)

// acceptable refuses requests by what surrounds them.
func (l *Link) acceptable(in *incoming) (Reason, error) {
	if !in.code.IsRequest() {
		return 0, nil
	}
	critical := uint8(reload.ForwardCritical)
	if in.ours {
		critical = reload.DestinationCritical
	}
	for _, o := range in.header.Options { // RFC 6940, section 6.3.2.3
		if o.Flags&critical != 0 {
			return Unsupported, refusal(chord.UnsupportedForward, fmt.Sprintf("forwarding option %d", o.Type))
		}
	}
	if !in.ours {
		return 0, nil
	}
	// RFC 6940, section 6.3.2.1
	theirs, mine := in.header.Config, l.sequence()
	if theirs != mine && !(theirs == reload.NoConfig && in.code == reload.CodeConfigUpdateReq) {
		if reload.ConfigOlder(theirs, mine) {
			return WrongConfig, refusal(chord.ConfigTooOld, fmt.Sprint(mine))
		}
		return WrongConfig, refusal(chord.ConfigTooNew, fmt.Sprint(mine))
	}
	if err := checkExtensions(in.contents); err != nil {
		return Unsupported, err
	}
	return 0, nil
}

// spoken reports whether chord has a word for what a message says.
func spoken(c reload.Contents) bool {
	switch c.Code {
	case reload.CodePingReq, reload.CodePingAns, reload.CodeJoinReq, reload.CodeJoinAns,
		reload.CodeUpdateReq, reload.CodeUpdateAns, reload.CodeLeaveReq, reload.CodeLeaveAns,
		reload.CodeStoreReq, reload.CodeStoreAns, reload.CodeFetchReq, reload.CodeFetchAns,
		reload.CodeStatReq, reload.CodeStatAns, reload.CodeError:
		return true
	}
	return false
}

// refusalOf says which of RELOAD's errors goes with an error of the decoder.
func refusalOf(err error) error {
	var kind reload.UnknownKindError
	switch {
	case errors.Is(err, errKeepers):
		return err
	case errors.As(err, &kind): // RFC 6940, section 7.4.1.2: KindId unknown_kinds<0..2^8-1>
		info := binary.BigEndian.AppendUint32([]byte{4}, uint32(kind))
		return fmt.Errorf("%w (%w)", refusal(chord.UnknownKind, string(info)), err)
	}
	return fmt.Errorf("%w (%w)", refusal(chord.InvalidMessage, err.Error()), err)
}

// verify says who made a message, and its certificates.
func (l *Link) verify(h reload.Header, signed []byte, s reload.Signature, b *bag) (maker overlay.ID, chain [][]byte, err error) {
	sig, _, err := b.signature(s)
	if err != nil {
		return maker, nil, err
	}
	input, err := reload.AppendSigned(nil, h.Overlay, h.Tx, signed, s.Signer)
	if err != nil {
		return maker, nil, err
	}
	if maker, err = l.cfg.Verify(input, sig); err == nil {
		l.cabinet.prove(sig.Chain)
	}
	return maker, sig.Chain, err
}

// reachable is the address that a maker gave, if it is good for something. One
// that listens at all its addresses does not know which is good for us.
func reachable(maker overlay.Peer, neighbour overlay.ID, remote netip.Addr) netip.AddrPort {
	switch {
	case !maker.Addr.IsValid(), !maker.Addr.Addr().IsUnspecified():
		return maker.Addr
	case maker.ID == neighbour:
		return netip.AddrPortFrom(remote, maker.Addr.Port())
	}
	return netip.AddrPort{}
}

// lists are the via and destination lists, which hold nodes of this profile
// only, and a resource in the last place. // RFC 6940, section 6.3.2.2
func lists(h reload.Header) (via []overlay.ID, to []chord.Dest, err error) {
	for _, d := range h.Via {
		if d.Type != reload.DestNode {
			return nil, nil, fmt.Errorf("%w: via list", errProfile)
		}
		via = append(via, overlay.ID(d.ID))
	}
	for i, d := range h.To {
		resource := d.Type == reload.DestResource
		if d.Type != reload.DestNode && !(resource && i == len(h.To)-1) || len(d.ID) != len(overlay.ID{}) {
			return nil, nil, fmt.Errorf("%w: destination list", errProfile)
		}
		to = append(to, chord.Dest{ID: overlay.ID(d.ID), Resource: resource})
	}
	if len(to) == 0 {
		return nil, nil, fmt.Errorf("%w: no destination", errProfile)
	}
	return via, to, nil
}
