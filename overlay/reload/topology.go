package reload

import (
	"fmt"

	"golang.org/x/crypto/cryptobyte"

	"chordophone/overlay"
)

// JoinReq asks the node responsible for Joining to let it in.
// RFC 6940, section 6.4.2.1
type JoinReq struct {
	Joining overlay.ID
	Data    []byte // overlay-specific; CHORD-RELOAD has none
}

// JoinAns answers it.
type JoinAns struct{ Data []byte }

func (JoinReq) Code() Code { return CodeJoinReq }
func (r JoinReq) add(b *cryptobyte.Builder) {
	b.AddBytes(r.Joining[:])
	opaque16(b, r.Data)
}
func (JoinAns) Code() Code                  { return CodeJoinAns }
func (r JoinAns) add(b *cryptobyte.Builder) { opaque16(b, r.Data) }

func readJoinReq(s *cryptobyte.String, r *JoinReq) bool {
	return readID(s, &r.Joining) && read16(s, &r.Data)
}

// LeaveReq says that a node leaves. // RFC 6940, sections 6.4.2.2 and 10.9
//
//	Node-ID, overlay_specific_data<0..2^16-1>: type, Node-IDs<0..2^16-1>
type LeaveReq struct {
	Leaving   overlay.ID
	Type      LeaveType
	Neighbors []overlay.ID // successors for FromSucc, predecessors for FromPred
}

// LeaveAns answers it; it is empty.
type LeaveAns struct{}

func (LeaveReq) Code() Code { return CodeLeaveReq }
func (r LeaveReq) add(b *cryptobyte.Builder) {
	b.AddBytes(r.Leaving[:])
	b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
		b.AddUint8(uint8(r.Type))
		addIDs(b, r.Neighbors)
	})
}
func (LeaveAns) Code() Code              { return CodeLeaveAns }
func (LeaveAns) add(*cryptobyte.Builder) {}

func readLeaveReq(s *cryptobyte.String, r *LeaveReq) bool {
	var (
		v   cryptobyte.String
		typ uint8
	)
	if !readID(s, &r.Leaving) || !s.ReadUint16LengthPrefixed(&v) || !v.ReadUint8(&typ) ||
		!readIDs(&v, &r.Neighbors) || !v.Empty() {
		return false
	}
	r.Type = LeaveType(typ)
	return r.Type == FromSucc || r.Type == FromPred
}

// UpdateReq tells a neighbour how the sender sees the ring: ChordUpdate.
// RFC 6940, section 10.7
//
//	uptime, type, predecessors<>, successors<> and, for Full, fingers<>
type UpdateReq struct {
	Uptime  uint32 // seconds
	Type    UpdateType
	Pred    []overlay.ID // not for PeerReady
	Succ    []overlay.ID
	Fingers []overlay.ID // for Full only, ascending
}

// UpdateAns answers it; it is empty.
type UpdateAns struct{}

func (UpdateReq) Code() Code { return CodeUpdateReq }
func (r UpdateReq) add(b *cryptobyte.Builder) {
	b.AddUint32(r.Uptime)
	b.AddUint8(uint8(r.Type))
	switch r.Type {
	case PeerReady:
	case Neighbors, Full:
		addIDs(b, r.Pred)
		addIDs(b, r.Succ)
		if r.Type == Full {
			addIDs(b, r.Fingers)
		}
	default:
		b.SetError(fmt.Errorf("reload: update of type %d", r.Type))
	}
}
func (UpdateAns) Code() Code              { return CodeUpdateAns }
func (UpdateAns) add(*cryptobyte.Builder) {}

func readUpdateReq(s *cryptobyte.String, r *UpdateReq) bool {
	var typ uint8
	if !s.ReadUint32(&r.Uptime) || !s.ReadUint8(&typ) {
		return false
	}
	switch r.Type = UpdateType(typ); r.Type {
	case PeerReady:
		return true
	case Neighbors:
		return readIDs(s, &r.Pred) && readIDs(s, &r.Succ)
	case Full:
		return readIDs(s, &r.Pred) && readIDs(s, &r.Succ) && readIDs(s, &r.Fingers)
	}
	return false
}

// RouteQueryReq asks where the receiver would send a message for To next.
// RFC 6940, section 6.4.2.4
type RouteQueryReq struct {
	SendUpdate bool
	To         Destination
	Data       []byte // overlay-specific; CHORD-RELOAD has none
}

// RouteQueryAns answers it. // RFC 6940, section 10.8
type RouteQueryAns struct{ Next overlay.ID }

func (RouteQueryReq) Code() Code { return CodeRouteQueryReq }
func (r RouteQueryReq) add(b *cryptobyte.Builder) {
	addBool(b, r.SendUpdate)
	addDestination(b, r.To)
	opaque16(b, r.Data)
}
func (RouteQueryAns) Code() Code                  { return CodeRouteQueryAns }
func (r RouteQueryAns) add(b *cryptobyte.Builder) { b.AddBytes(r.Next[:]) }

func readRouteQueryReq(s *cryptobyte.String, r *RouteQueryReq) bool {
	return readBool(s, &r.SendUpdate) && readDestination(s, &r.To) && read16(s, &r.Data)
}
