package link

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"runtime/metrics"
	"slices"
	"time"

	"chordophone/overlay"
	"chordophone/overlay/chord"
	"chordophone/overlay/reload"
)

// What needs no state machine is answered here: Attach, AppAttach, Probe,
// RouteQuery, Find, PathTrack and ConfigUpdate; and what cannot be answered gets
// the error that the RFC has for it.

// refusal is why a request is not answered with success.
func refusal(code chord.Code, info string) reload.Refusal {
	return reload.Refusal{ErrorCode: uint16(code), Info: info}
}

// messageExpired is Error_Message_Expired. // RFC 7851, section 9.4
const messageExpired chord.Code = 0x17

// certificateUnknown answers a Store, or an answer to Fetch, that left out the
// certificates of a record that are not known here. It is sent again with all of
// them.
const certificateUnknown chord.Code = 0xff01

// servePerSecond bounds what is answered here, whoever asks.
const servePerSecond = 100

// handle takes what is not for chord and reports whether it did.
func (l *Link) handle(from overlay.Peer, in *incoming) bool {
	switch e, failed := in.msg.Body.(chord.Error); {
	case in.ours && failed && e.Code == certificateUnknown && l.sendAgain(from, in.header.Tx):
		return true
	case in.ours && !in.code.IsRequest() && l.answered(in):
		return true
	case in.msg.Body != nil && (in.ours || in.code != reload.CodeError):
		return false
	case !in.ours: // errors too: they may answer what chord has not forwarded
		l.forward(from, in)
	case in.code.IsRequest():
		l.serve(from, in)
	case in.code != reload.CodeConfigUpdateAns: // nobody waits for those
		l.drop(Unasked, "answer", "from", in.msg.From)
	}
	return true
}

// refused deals with a message that open found fault with.
func (l *Link) refused(from overlay.Peer, in *incoming, why Reason, err error) {
	var r reload.Refusal
	if in == nil || !errors.As(err, &r) {
		l.drop(why, "message", "peer", from, "err", err)
		return
	}
	if chord.Code(r.ErrorCode) == certificateUnknown { // nothing is lost, and it happens once
		l.reply(from, in, reload.ErrorResponse{ErrorCode: r.ErrorCode})
		return
	}
	l.refuse(from, in, why, r)
	// "if the configuration file in the request is too old, the node MUST generate
	// a ConfigUpdate message to update the requesting node" // RFC 6940, section 6.3.2.1
	if chord.Code(r.ErrorCode) == chord.ConfigTooOld && l.cfg.Configuration != nil {
		if doc := l.cfg.Configuration.Document(); doc != nil && l.serves.take(time.Now(), servePerSecond) {
			h := l.header(rand.Uint64(), answerTo(from, in))
			h.Config = reload.NoConfig
			req := reload.ConfigUpdateReq{Type: reload.ConfigDocument, Document: doc}
			if err := l.say(from, h, req); err != nil {
				l.drop(Unencodable, "configuration", "to", from, "err", err)
			}
		}
	}
}

// answerTo is the destination list of an answer.
func answerTo(from overlay.Peer, in *incoming) []chord.Dest {
	to := append(make([]chord.Dest, 0, len(in.msg.Via)+1), chord.Dest{ID: from.ID})
	for _, id := range slices.Backward(in.msg.Via) {
		to = append(to, chord.Dest{ID: id})
	}
	return to
}

// serve answers a request that ends here.
func (l *Link) serve(from overlay.Peer, in *incoming) {
	if !l.serves.take(time.Now(), servePerSecond) {
		l.drop(Busy, "request", "from", in.msg.From)
		return
	}
	body, err := reload.ParseBody(in.code, in.contents.Body)
	if err != nil && !errors.Is(err, reload.ErrUnknownCode) {
		l.refused(from, in, Malformed, refusalOf(err))
		return
	}
	in.body = body
	ans, after, err := l.answer(in)
	if err != nil {
		var r reload.Refusal
		if !errors.As(err, &r) {
			r = refusal(chord.InvalidMessage, err.Error())
		}
		l.reply(from, in, reload.ErrorResponse{ErrorCode: r.ErrorCode, Info: []byte(r.Info)})
		return
	}
	l.reply(from, in, ans)
	if after != nil {
		after()
	}
}

// answer makes the answer, and what is to be done after it was sent.
func (l *Link) answer(in *incoming) (ans reload.Body, after func(), err error) {
	switch req := in.body.(type) {
	case reload.AttachReq:
		return l.attach(in.msg.From, req)
	case reload.AppAttachReq:
		return nil, nil, refusal(chord.NotFound, "connect to the address in the SIP registration")
	case reload.ProbeReq:
		return l.probe(req), nil, nil
	case reload.RouteQueryReq:
		next, err := l.next(req.To)
		if err == nil && req.SendUpdate {
			after = func() { l.sendUpdate(in.msg.From) }
		}
		return reload.RouteQueryAns{Next: next.ID}, after, err
	case reload.FindReq:
		ans, err := l.find(req)
		return ans, nil, err
	case reload.PathTrackReq:
		ans, err := l.pathTrack(in.header.TTL, req)
		return ans, nil, err
	case reload.ConfigUpdateReq:
		if l.cfg.Configuration == nil {
			return nil, nil, refusal(chord.Forbidden, "this node takes no configuration")
		}
		return reload.ConfigUpdateAns{}, nil, l.cfg.Configuration.Update(in.msg.From.ID, req)
	}
	return nil, nil, refusal(chord.InvalidMessage, fmt.Sprintf("no such method: %#x", uint16(in.code)))
}

// reply sends an answer the way the request came. // RFC 6940, section 6.1.2
func (l *Link) reply(from overlay.Peer, in *incoming, body reload.Body) {
	h := l.header(in.header.Tx, answerTo(from, in))
	for _, o := range in.header.Options {
		if o.Flags&reload.ResponseCopy != 0 { // RFC 6940, section 6.3.2.3
			o.Flags &^= reload.ResponseCopy | reload.ForwardCritical | reload.DestinationCritical
			h.Options = append(h.Options, o)
		}
	}
	if err := l.say(from, h, body); err != nil {
		l.drop(Unencodable, "answer", "to", from, "err", err)
	}
}

// refuse counts a message and, if it is a request, answers it with an error.
func (l *Link) refuse(from overlay.Peer, in *incoming, why Reason, r reload.Refusal) {
	l.drop(why, "message", "peer", from, "maker", in.msg.From.ID.Short(), "err", r)
	if in.code.IsRequest() && l.serves.take(time.Now(), servePerSecond) {
		l.reply(from, in, reload.ErrorResponse{ErrorCode: r.ErrorCode, Info: []byte(r.Info)})
	}
}

// attach answers with the one candidate there is: where this node listens. The
// answerer is the side that connects. // RFC 6940, sections 6.5.1.11 and 6.5.1.13
func (l *Link) attach(from overlay.Peer, req reload.AttachReq) (reload.Body, func(), error) {
	i := slices.IndexFunc(req.Candidates, func(c reload.Candidate) bool {
		return c.Link == reload.LinkTLSTCPFHNoICE && c.Type == reload.CandHost
	})
	if i < 0 {
		return nil, nil, refusal(chord.IncompatibleConfig, "no host candidate for TLS-TCP-FH-NO-ICE")
	}
	self := l.advertised()
	if self.Addr().IsUnspecified() {
		return nil, nil, refusal(chord.NotFound, "this node does not know its own address yet")
	}
	peer := overlay.Peer{ID: from.ID, Addr: req.Candidates[i].Addr}
	ans := reload.AttachAns{Role: []byte("active"), Candidates: []reload.Candidate{HostCandidate(self)}}
	return ans, func() {
		l.connectTo(peer)
		if req.SendUpdate {
			l.sendUpdate(peer)
		}
	}, nil
}

// HostCandidate is the candidate for a node that listens at an address.
func HostCandidate(a netip.AddrPort) reload.Candidate {
	return reload.Candidate{
		Addr: a, Link: reload.LinkTLSTCPFHNoICE, Type: reload.CandHost,
		Foundation: []byte("1"), Priority: 126<<24 | 65535<<8 | 255, // RFC 5245, section 4.1.2.1
	}
}

// sendUpdate tells a node what this one knows of the ring, through the normal
// path. // RFC 6940, section 6.4.2.3
func (l *Link) sendUpdate(to overlay.Peer) {
	v, joined := l.ring()
	if !joined || to.ID == l.cfg.Self.ID {
		return
	}
	t := chord.Table{Succ: v.Succ, Addr: l.advertised()}
	if !v.Pred.ID.IsZero() {
		t.Pred = []overlay.Peer{v.Pred}
	}
	l.Send(to, chord.Message{
		Tx: rand.Uint64(), From: l.cfg.Self, To: []chord.Dest{{ID: to.ID}}, TTL: 1, Body: chord.Update{Table: t},
	})
}

// probe answers what it knows of what is asked. // RFC 6940, section 6.4.2.5
func (l *Link) probe(req reload.ProbeReq) reload.ProbeAns {
	var ans reload.ProbeAns
	add := func(typ uint8, v uint32) {
		ans.Info = append(ans.Info, reload.ProbeInfo{Type: typ, Value: binary.BigEndian.AppendUint32(nil, v)})
	}
	asked := make(map[uint8]bool)
	for _, typ := range req.Types {
		if asked[typ] {
			continue
		}
		asked[typ] = true
		switch typ {
		case reload.ProbeResponsibleSet:
			if v, joined := l.ring(); joined {
				add(typ, responsiblePPB(v))
			}
		case reload.ProbeNumResources:
			if l.cfg.Records != nil {
				resources := make(map[overlay.ID]bool)
				for s := range l.cfg.Records {
					resources[s.Resource] = true
				}
				add(typ, uint32(len(resources)))
			}
		case reload.ProbeUptime:
			add(typ, uint32(time.Since(l.started)/time.Second))
		case reload.ProbeOfficeTime:
			if l.cfg.Time != nil {
				ans.Info = append(ans.Info, l.cfg.Time().Info())
			}
		}
	}
	return ans
}

// next is where a message for d would go from here.
func (l *Link) next(d reload.Destination) (overlay.Peer, error) {
	v, joined := l.ring()
	switch {
	case !joined:
		return overlay.Peer{}, refusal(chord.NotFound, "this node is not in the ring")
	case d.Type != reload.DestNode && d.Type != reload.DestResource || len(d.ID) != len(overlay.ID{}):
		return overlay.Peer{}, refusal(chord.NotFound, "no such destination")
	}
	return nextHop(v, overlay.ID(d.ID)), nil
}

// find gives for each Kind the first resource at or after the one named that
// has a record of it here. // RFC 6940, section 7.4.4
func (l *Link) find(req reload.FindReq) (reload.Body, error) {
	v, joined := l.ring()
	if !joined || len(req.Resource) != len(overlay.ID{}) || nextHop(v, overlay.ID(req.Resource)).ID != v.Self.ID {
		return nil, refusal(chord.NotFound, "not responsible for this resource")
	}
	var (
		start   = overlay.ID(req.Resource)
		ans     reload.FindAns
		closest = make(map[reload.Kind]overlay.ID)
	)
	for _, k := range req.Kinds {
		if _, twice := closest[k]; twice {
			return nil, refusal(chord.InvalidMessage, "kind named twice") // "Each value MUST appear only once."
		}
		closest[k] = overlay.ID{}
	}
	if l.cfg.Records != nil {
		for s := range l.cfg.Records {
			best, asked := closest[reload.Kind(s.Kind)]
			if asked && (best.IsZero() || start.Distance(s.Resource).Compare(start.Distance(best)) < 0) {
				closest[reload.Kind(s.Kind)] = s.Resource
			}
		}
	}
	for _, k := range req.Kinds {
		f := reload.Found{Kind: k, Closest: []byte{0}}
		if id := closest[k]; !id.IsZero() {
			f.Closest = id[:]
		}
		ans.Results = append(ans.Results, f)
	}
	return ans, nil
}

// pathTrack tells the next hop and what is asked about this node. Clocks may be
// wrong here, so the request's own two times are compared with each other only.
// RFC 7851, section 6.3
func (l *Link) pathTrack(ttl uint8, req reload.PathTrackReq) (reload.Body, error) {
	const least, most = 1000, 600_000 // ms // RFC 7851, section 5.1
	r := req.Request
	if life := r.Expiration - r.Initiated; r.Expiration < r.Initiated || life < least || life > most {
		return nil, refusal(messageExpired, "it expires 1 to 600 s after it was initiated")
	}
	next, err := l.next(req.To)
	if err != nil {
		return nil, err
	}
	now := uint64(time.Now().UnixMilli())
	ans := reload.PathTrackAns{Next: reload.Node(next.ID), Response: reload.DiagnosticsResponse{
		Expiration: now + most, Initiated: r.Initiated, Received: now, HopCounter: ttl,
	}}
	add := func(kind uint16, v []byte) {
		if r.Asks(kind) {
			ans.Response.Info = append(ans.Response.Info, reload.Diagnostic{Kind: kind, Contents: v})
		}
	}
	v, _ := l.ring()
	add(reload.DiagRoutingTableSize, binary.BigEndian.AppendUint32(nil, uint32(tableSize(v))))
	if l.cfg.Version != "" {
		add(reload.DiagSoftwareVersion, append([]byte(l.cfg.Version), 0))
	}
	add(reload.DiagAppUptime, binary.BigEndian.AppendUint64(nil, uint64(time.Since(l.started)/time.Second)))
	add(reload.DiagMemoryFootprint, binary.BigEndian.AppendUint64(nil, footprint()))
	return ans, nil
}

// footprint is the memory this process has, in kilobytes.
func footprint() uint64 {
	s := []metrics.Sample{{Name: "/memory/classes/total:bytes"}}
	metrics.Read(s)
	return (s[0].Value.Uint64() + 1023) / 1024
}
