package link

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"chordophone/overlay"
	"chordophone/overlay/chord"
	"chordophone/overlay/reload"
)

// errProfile is the error for what is good RELOAD but not of this profile.
var errProfile = errors.New("link: not of this profile")

// errNoCertificate is the error for a signature whose certificate is missing;
// errKeepers, when it ought to be here from an earlier message.
var (
	errNoCertificate = errors.New("link: certificate missing")
	errKeepers       = errors.New("link: the two sides do not keep the same certificates")
)

// decoder says in chord's words what contents say. Slices in the result share no
// memory with the contents.
type decoder struct {
	maker overlay.Peer // with the address it gave
	bag   *bag         // the certificates at hand
}

func (d decoder) body(c reload.Contents) (chord.Body, error) {
	body, err := reload.ParseBody(c.Code, c.Body)
	if err != nil {
		return nil, err
	}
	switch b := body.(type) {
	case reload.PingReq:
		seen, err := seen(c)
		return chord.Ping{Seen: seen}, err
	case reload.PingAns:
		if _, same := c.Extension(reload.ExtDigest); same {
			return chord.Pong{Same: true}, nil
		}
		t, err := table(c, nil, nil)
		return chord.Pong{Table: t}, err
	case reload.JoinReq:
		joining := overlay.Peer{ID: b.Joining}
		if b.Joining == d.maker.ID {
			joining.Addr = d.maker.Addr
		}
		return chord.Join{Joining: joining}, nil
	case reload.JoinAns:
		t, err := table(c, nil, nil)
		return chord.Joined{Table: t}, err
	case reload.UpdateReq:
		t, err := table(c, b.Pred, b.Succ)
		return chord.Update{Table: t}, err
	case reload.UpdateAns:
		return chord.Ack{Of: chord.AckUpdate}, nil
	case reload.LeaveReq:
		if b.Leaving != d.maker.ID {
			return nil, fmt.Errorf("%w: leave of another node", errProfile)
		}
		pred, succ := b.Neighbors, []overlay.ID(nil)
		if b.Type == reload.FromSucc {
			pred, succ = succ, pred
		}
		t, err := table(c, pred, succ)
		return chord.Leave{Table: t}, err
	case reload.LeaveAns:
		return chord.Ack{Of: chord.AckLeave}, nil
	case reload.StoreReq:
		return d.store(c, b)
	case reload.StoreAns:
		v, ok := c.Extension(reload.ExtCopies)
		if !ok {
			return chord.Stored{Copies: 1}, nil
		}
		n, err := reload.ParseCopies(v)
		return chord.Stored{Copies: n}, err
	case reload.FetchReq:
		return fetch(c, b)
	case reload.FetchAns:
		return d.fetched(c, b)
	case reload.StatReq:
		v, ok := c.Extension(reload.ExtArc)
		if !ok {
			return nil, fmt.Errorf("%w: stat of one resource", errProfile)
		}
		after, upto, err := reload.ParseArc(v)
		if err != nil {
			return nil, err
		}
		seen, err := seen(c)
		return chord.Stat{After: after, Upto: upto, Seen: seen}, err
	case reload.StatAns:
		return versions(c)
	case reload.ErrorResponse:
		return chord.Error{Code: chord.Code(b.ErrorCode), Info: string(b.Info)}, nil
	}
	return nil, fmt.Errorf("%w: %T", errProfile, body)
}

// checkExtensions refuses critical extensions that we do not know, which is a
// matter of the node where a message ends. // RFC 6940, section 6.3.3
func checkExtensions(c reload.Contents) error {
	for _, e := range c.Extensions {
		if e.Critical && (e.Type < reload.ExtAddress || e.Type > reload.ExtDigest) {
			return refusal(chord.UnknownExtension, fmt.Sprintf("extension %#x", e.Type))
		}
	}
	return nil
}

// address is what OFFICE-ADDRESS gives.
func address(c reload.Contents) (netip.AddrPort, error) {
	v, ok := c.Extension(reload.ExtAddress)
	if !ok {
		return netip.AddrPort{}, nil
	}
	a, err := reload.ParseAddress(v)
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()), err
}

// seen is what OFFICE-DIGEST gives in a request.
func seen(c reload.Contents) (uint64, error) {
	v, ok := c.Extension(reload.ExtDigest)
	if !ok {
		return 0, nil
	}
	return reload.ParseDigest(v)
}

// table is what OFFICE-NEIGHBOURS gives, else the nodes without their addresses.
func table(c reload.Contents, pred, succ []overlay.ID) (t chord.Table, err error) {
	if v, ok := c.Extension(reload.ExtNeighbours); ok {
		t.Pred, t.Succ, err = reload.ParseNeighbours(v)
		return t, err
	}
	return chord.Table{Pred: peers(pred), Succ: peers(succ)}, nil
}

func peers(ids []overlay.ID) []overlay.Peer {
	var out []overlay.Peer
	for _, id := range ids {
		out = append(out, overlay.Peer{ID: id})
	}
	return out
}

func (d decoder) store(c reload.Contents, first reload.StoreReq) (chord.Body, error) {
	s := chord.Store{Replica: first.Replica}
	stores := []reload.StoreReq{first}
	if v, ok := c.Extension(reload.ExtStores); ok {
		more, err := reload.ParseStores(v)
		if err != nil {
			return nil, err
		}
		stores = append(stores, more...)
	}
	for _, q := range stores {
		for _, k := range q.Kinds {
			d.bag.fillFromValues(k)
		}
	}
	for _, q := range stores {
		if len(q.Resource) != len(overlay.ID{}) || q.Replica != s.Replica {
			return nil, fmt.Errorf("%w: store", errProfile)
		}
		var err error
		if s.Records, err = d.records(s.Records, overlay.ID(q.Resource), q.Kinds); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (d decoder) fetched(c reload.Contents, ans reload.FetchAns) (chord.Body, error) {
	if _, same := c.Extension(reload.ExtDigest); same {
		return chord.Fetched{Same: true}, nil
	}
	var f chord.Fetched
	for _, k := range ans.Kinds {
		d.bag.fillFromValues(k)
	}
	v, ok := c.Extension(reload.ExtResource)
	if !ok {
		if len(ans.Kinds) > 0 {
			return nil, fmt.Errorf("%w: values of an unnamed resource", errProfile)
		}
		return f, nil
	}
	resource, err := reload.ParseResource(v)
	if err != nil {
		return nil, err
	}
	f.Records, err = d.records(nil, resource, ans.Kinds)
	return f, err
}

func fetch(c reload.Contents, q reload.FetchReq) (chord.Body, error) {
	if len(q.Resource) != len(overlay.ID{}) {
		return nil, fmt.Errorf("%w: resource of %d octets", errProfile, len(q.Resource))
	}
	seen, err := seen(c)
	if err != nil {
		return nil, err
	}
	f := chord.Fetch{Resource: overlay.ID(q.Resource), Seen: seen}
	for _, sp := range q.Specifiers {
		f.Kinds = append(f.Kinds, overlay.Kind(sp.Kind))
	}
	return f, nil
}

func versions(c reload.Contents) (chord.Body, error) {
	if _, same := c.Extension(reload.ExtDigest); same {
		return chord.Versions{Same: true}, nil
	}
	v, ok := c.Extension(reload.ExtVersions)
	if !ok {
		return nil, fmt.Errorf("%w: stat of one resource", errProfile)
	}
	held, err := reload.ParseVersions(v)
	if err != nil {
		return nil, err
	}
	var out chord.Versions
	for _, h := range held {
		out.Held = append(out.Held, chord.Held{
			Slot:    overlay.Slot{Resource: h.Resource, Kind: overlay.Kind(h.Kind), Key: string(h.Key)},
			Version: overlay.Version(h.Time),
			Sum:     h.Sum,
		})
	}
	return out, nil
}

// records appends the values as records. Their chains are complete, their owners
// those that the certificates name; nothing is verified.
func (d decoder) records(out []overlay.Record, resource overlay.ID, kinds []reload.KindData) ([]overlay.Record, error) {
	for _, k := range kinds {
		if m, err := k.Kind.Model(); err != nil || m != reload.Dictionary {
			return nil, fmt.Errorf("%w: kind %#x is no dictionary", errProfile, uint32(k.Kind))
		}
		for _, v := range k.Values {
			sig, owner, err := d.bag.signature(v.Signature)
			if err != nil {
				return nil, err
			}
			r := overlay.Record{
				Resource:  resource,
				Kind:      overlay.Kind(k.Kind),
				Key:       bytes.Clone(v.Value.Key),
				Version:   overlay.Version(v.Time),
				Lifetime:  time.Duration(v.Lifetime) * time.Second,
				Removed:   !v.Value.Exists,
				Value:     bytes.Clone(v.Value.Value),
				Owner:     owner,
				Signature: sig,
			}
			if err := r.CheckSize(); err != nil {
				return nil, err
			}
			out = append(out, r)
		}
	}
	return out, nil
}

// leafSum is the hash that names the signer, if it is of the one form we use.
func leafSum(s reload.Signature) (sum [sha256.Size]byte, err error) {
	if s.Hash != reload.HashSHA256 || s.Algorithm != reload.SigECDSA || s.Signer.Type != reload.CertHash ||
		s.Signer.Hash != reload.HashSHA256 || len(s.Signer.Sum) != len(sum) {
		return sum, fmt.Errorf("%w: signature algorithm %d/%d", errProfile, s.Hash, s.Algorithm)
	}
	return [sha256.Size]byte(s.Signer.Sum), nil
}
