package link

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"chordophone/overlay"
	"chordophone/overlay/chord"
	"chordophone/overlay/reload"
)

// contentsOf says in RELOAD what m says in chord's words, and which certificates
// the records in it need. to is the node it goes to next.
func contentsOf(m chord.Message, to overlay.ID, uptime time.Duration) (reload.Contents, certs, error) {
	var (
		e    = encoder{to: to, maker: m.From.ID, uptime: uptime}
		body = e.body(m.Body)
	)
	if e.err != nil {
		return reload.Contents{}, certs{}, e.err
	}
	c, err := reload.MakeContents(body, e.ext...)
	return c, e.certs, err
}

// encoder collects what goes beside the body.
type encoder struct {
	to, maker overlay.ID
	uptime    time.Duration

	ext   []reload.Extension
	certs certs
	err   error // the first one
}

// certs are the certificates that the records of a message need, and those that
// stand in values of the same message.
type certs struct{ signers, values [][]byte }

func (e *encoder) extend(typ uint16, critical bool) func(value []byte, err error) {
	return func(value []byte, err error) {
		if err != nil && e.err == nil {
			e.err = err
		}
		e.ext = append(e.ext, reload.Extension{Type: typ, Critical: critical, Value: value})
	}
}

func (e *encoder) body(b chord.Body) reload.Body {
	switch b := b.(type) {
	case chord.Ping:
		e.digest(b.Seen)
		return reload.PingReq{}
	case chord.Pong:
		if b.Same {
			e.same()
		} else {
			e.table(b.Table)
		}
		return reload.PingAns{ResponseID: rand.Uint64(), Time: uint64(time.Now().UnixMilli())}
	case chord.Join:
		return reload.JoinReq{Joining: b.Joining.ID}
	case chord.Joined:
		e.table(b.Table)
		return reload.JoinAns{}
	case chord.Update:
		e.table(b.Table)
		return reload.UpdateReq{
			Uptime: uint32(e.uptime / time.Second), Type: reload.Neighbors,
			Pred: ids(b.Table.Pred), Succ: ids(b.Table.Succ),
		}
	case chord.Leave:
		e.table(b.Table)
		// To our successors we are a predecessor. // RFC 6940, section 10.9
		if slices.ContainsFunc(b.Table.Succ, func(p overlay.Peer) bool { return p.ID == e.to }) {
			return reload.LeaveReq{Leaving: e.maker, Type: reload.FromPred, Neighbors: ids(b.Table.Pred)}
		}
		return reload.LeaveReq{Leaving: e.maker, Type: reload.FromSucc, Neighbors: ids(b.Table.Succ)}
	case chord.Ack:
		switch b.Of {
		case chord.AckUpdate:
			return reload.UpdateAns{}
		case chord.AckLeave:
			return reload.LeaveAns{}
		}
		e.err = fmt.Errorf("link: ack of %d", b.Of)
	case chord.Store:
		return e.store(b)
	case chord.Stored:
		e.extend(reload.ExtCopies, false)(reload.AppendCopies(nil, b.Copies), nil)
		return reload.StoreAns{}
	case chord.Fetch:
		e.digest(b.Seen)
		req := reload.FetchReq{Resource: b.Resource[:]}
		for _, k := range b.Kinds {
			req.Specifiers = append(req.Specifiers, reload.Specifier{Kind: reload.Kind(k)})
		}
		return req
	case chord.Fetched:
		if b.Same {
			e.same()
			return reload.FetchAns{}
		}
		return e.fetched(b)
	case chord.Stat:
		// Stat over an arc instead of one resource: whoever does not know the
		// extension must refuse.
		e.extend(reload.ExtArc, true)(reload.AppendArc(nil, b.After, b.Upto), nil)
		e.digest(b.Seen)
		return reload.StatReq{Resource: b.Upto[:]}
	case chord.Versions:
		if b.Same {
			e.same()
			return reload.StatAns{}
		}
		held := make([]reload.Version, len(b.Held))
		for i, h := range b.Held {
			held[i] = reload.Version{Resource: h.Resource, Kind: reload.Kind(h.Kind), Key: []byte(h.Key), Time: uint64(h.Version), Sum: h.Sum}
		}
		e.extend(reload.ExtVersions, false)(reload.AppendVersions(nil, held))
		return reload.StatAns{}
	case chord.Error:
		return reload.ErrorResponse{ErrorCode: uint16(b.Code), Info: []byte(b.Info)}
	default:
		e.err = fmt.Errorf("link: body %T", b)
	}
	return reload.ErrorResponse{}
}

func (e *encoder) table(t chord.Table) {
	e.extend(reload.ExtNeighbours, false)(reload.AppendNeighbours(nil, t.Pred, t.Succ))
}

func (e *encoder) digest(d uint64) {
	if d != 0 {
		e.extend(reload.ExtDigest, false)(reload.AppendDigest(nil, d), nil)
	}
}

// same says that the digest in the question is right; which it was need not be
// repeated.
func (e *encoder) same() { e.extend(reload.ExtDigest, false)(nil, nil) }

func ids(peers []overlay.Peer) []overlay.ID {
	out := make([]overlay.ID, len(peers))
	for i, p := range peers {
		out[i] = p.ID
	}
	return out
}

// store makes one StoreReq for each resource: the first is the body, the others
// an extension.
func (e *encoder) store(s chord.Store) reload.Body {
	var stores []reload.StoreReq
	for _, r := range s.Records {
		i := slices.IndexFunc(stores, func(q reload.StoreReq) bool { return overlay.ID(q.Resource) == r.Resource })
		if i < 0 {
			i = len(stores)
			stores = append(stores, reload.StoreReq{Resource: r.Resource[:], Replica: s.Replica})
		}
		stores[i].Kinds = e.record(stores[i].Kinds, r, uint64(min(s.Replica, 1)))
	}
	if len(stores) == 0 {
		return reload.StoreReq{Resource: make([]byte, len(overlay.ID{})), Replica: s.Replica}
	}
	if len(stores) > 1 {
		e.extend(reload.ExtStores, true)(reload.AppendStores(nil, stores[1:]))
	}
	return stores[0]
}

func (e *encoder) fetched(f chord.Fetched) reload.Body {
	var ans reload.FetchAns
	for _, r := range f.Records {
		if r.Resource != f.Records[0].Resource {
			e.err = errors.New("link: fetched records of different resources")
		}
		ans.Kinds = e.record(ans.Kinds, r, 1)
	}
	if len(f.Records) > 0 {
		e.extend(reload.ExtResource, false)(reload.AppendResource(nil, f.Records[0].Resource), nil)
	}
	return ans
}

// record adds r to the values of its Kind. generation is 0 for a writer's own
// store ("ignore") and must not be 0 for a replica. // RFC 6940, section 7.4.1.1
func (e *encoder) record(kinds []reload.KindData, r overlay.Record, generation uint64) []reload.KindData {
	if err := r.CheckSize(); err != nil {
		e.err = err
		return kinds
	}
	if len(r.Chain) == 0 {
		e.err = errors.New("link: record without certificate")
		return kinds
	}
	e.certs.signers = append(e.certs.signers, r.Chain...)
	if r.Kind == overlay.OfficeMember && !r.Removed {
		e.certs.values = append(e.certs.values, chainIn(r.Value)...)
	}
	i := slices.IndexFunc(kinds, func(k reload.KindData) bool { return k.Kind == reload.Kind(r.Kind) })
	if i < 0 {
		i = len(kinds)
		kinds = append(kinds, reload.KindData{Kind: reload.Kind(r.Kind), Generation: generation})
	}
	kinds[i].Values = append(kinds[i].Values, reload.StoredData{
		Time:      uint64(r.Version),
		Lifetime:  uint32(min(max(r.Lifetime/time.Second, 0), math.MaxUint32)),
		Value:     reload.Value{Key: r.Key, Exists: !r.Removed, Value: r.Value},
		Signature: signatureOf(r.Signature),
	})
	return kinds
}

// signatureOf is s as RELOAD writes it; its chain goes elsewhere.
func signatureOf(s overlay.Signature) reload.Signature {
	return reload.Signature{
		Hash: reload.HashSHA256, Algorithm: reload.SigECDSA,
		Signer: signerOf(sha256.Sum256(s.Chain[0])), Value: s.Sig,
	}
}

func signerOf(leaf [sha256.Size]byte) reload.Identity {
	return reload.Identity{Type: reload.CertHash, Hash: reload.HashSHA256, Sum: leaf[:]}
}

// destinations turns chord's lists into RELOAD's.
func destinations(to []chord.Dest) []reload.Destination {
	out := make([]reload.Destination, len(to))
	for i, d := range to {
		if d.Resource {
			out[i] = reload.Resource(d.ID)
		} else {
			out[i] = reload.Node(d.ID)
		}
	}
	return out
}

func nodes(via []overlay.ID) []reload.Destination {
	out := make([]reload.Destination, len(via))
	for i, id := range via {
		out[i] = reload.Node(id)
	}
	return out
}
