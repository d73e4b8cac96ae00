package reload

import (
	"net/netip"

	"golang.org/x/crypto/cryptobyte"
)

// Attach is the body of both AttachReq and AttachAns: AttachReqAns.
// RFC 6940, section 6.5.1
type Attach struct {
	Ufrag, Password []byte // of ICE; empty without it
	Role            []byte // "passive" in a request, "active" in an answer
	Candidates      []Candidate
	SendUpdate      bool
}

// AttachReq asks for a connection, AttachAns agrees.
type (
	AttachReq Attach
	AttachAns Attach
)

// Candidate is an IceCandidate: where a node can be reached.
type Candidate struct {
	Addr       netip.AddrPort
	Link       uint8 // LinkTLSTCPFHNoICE
	Foundation []byte
	Priority   uint32
	Type       uint8          // CandHost
	Related    netip.AddrPort // for CandSrflx and CandRelay
	Extensions []CandidateExtension
}

// CandidateExtension is an IceExtension.
type CandidateExtension struct{ Name, Value []byte }

func (AttachReq) Code() Code                  { return CodeAttachReq }
func (r AttachReq) add(b *cryptobyte.Builder) { Attach(r).add(b) }
func (AttachAns) Code() Code                  { return CodeAttachAns }
func (r AttachAns) add(b *cryptobyte.Builder) { Attach(r).add(b) }

func (r Attach) add(b *cryptobyte.Builder) {
	opaque8(b, r.Ufrag)
	opaque8(b, r.Password)
	opaque8(b, r.Role)
	addCandidates(b, r.Candidates)
	addBool(b, r.SendUpdate)
}

func readAttach(s *cryptobyte.String, r *Attach) bool {
	return read8(s, &r.Ufrag) && read8(s, &r.Password) && read8(s, &r.Role) &&
		readCandidates(s, &r.Candidates) && readBool(s, &r.SendUpdate)
}

// AppAttach is the body of both AppAttachReq and AppAttachAns.
// RFC 6940, section 6.5.2
type AppAttach struct {
	Ufrag, Password []byte
	Application     uint16 // 5060 SIP, 5061 SIP over TLS
	Role            []byte
	Candidates      []Candidate
}

// AppAttachReq asks for a connection of an application, AppAttachAns agrees.
type (
	AppAttachReq AppAttach
	AppAttachAns AppAttach
)

func (AppAttachReq) Code() Code                  { return CodeAppAttachReq }
func (r AppAttachReq) add(b *cryptobyte.Builder) { AppAttach(r).add(b) }
func (AppAttachAns) Code() Code                  { return CodeAppAttachAns }
func (r AppAttachAns) add(b *cryptobyte.Builder) { AppAttach(r).add(b) }

func (r AppAttach) add(b *cryptobyte.Builder) {
	opaque8(b, r.Ufrag)
	opaque8(b, r.Password)
	b.AddUint16(r.Application)
	opaque8(b, r.Role)
	addCandidates(b, r.Candidates)
}

func readAppAttach(s *cryptobyte.String, r *AppAttach) bool {
	return read8(s, &r.Ufrag) && read8(s, &r.Password) && s.ReadUint16(&r.Application) && read8(s, &r.Role) &&
		readCandidates(s, &r.Candidates)
}

func addCandidates(b *cryptobyte.Builder, list []Candidate) {
	b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
		for _, c := range list {
			addAddr(b, c.Addr)
			b.AddUint8(c.Link)
			opaque8(b, c.Foundation)
			b.AddUint32(c.Priority)
			b.AddUint8(c.Type)
			if c.Type == CandSrflx || c.Type == CandRelay {
				addAddr(b, c.Related)
			}
			b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
				for _, e := range c.Extensions {
					opaque16(b, e.Name)
					opaque16(b, e.Value)
				}
			})
		}
	})
}

func readCandidates(s *cryptobyte.String, out *[]Candidate) (ok bool) {
	var v cryptobyte.String
	if !s.ReadUint16LengthPrefixed(&v) {
		return false
	}
	*out, ok = list(v, MaxDestinations, readCandidate)
	return ok
}

func readCandidate(s *cryptobyte.String, c *Candidate) (ok bool) {
	var v cryptobyte.String
	if !readAddr(s, &c.Addr) || !s.ReadUint8(&c.Link) || !read8(s, &c.Foundation) ||
		!s.ReadUint32(&c.Priority) || !s.ReadUint8(&c.Type) {
		return false
	}
	switch c.Type {
	case CandHost:
	case CandSrflx, CandRelay:
		if !readAddr(s, &c.Related) {
			return false
		}
	default:
		return false
	}
	if !s.ReadUint16LengthPrefixed(&v) {
		return false
	}
	c.Extensions, ok = list(v, MaxExtensions, func(s *cryptobyte.String, e *CandidateExtension) bool {
		return read16(s, &e.Name) && read16(s, &e.Value)
	})
	return ok
}
