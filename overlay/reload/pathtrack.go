package reload

import (
	"golang.org/x/crypto/cryptobyte"
)

// Diagnostics of RFC 7851: PathTrack asks one node after the other where a
// message would go next and how that node is.

// DiagnosticsRequest says what is asked for. // RFC 7851, section 5.1
//
//	uint64 expiration, timestamp_initiated, dMFlags;
//	uint32 ext_length; DiagnosticExtension diagnostic_extensions_list (of so many octets)
type DiagnosticsRequest struct {
	Expiration uint64 // milliseconds since 1970
	Initiated  uint64 // likewise
	Flags      uint64 // bit n: the Diagnostic n; all ones: all
	Extensions []Diagnostic
}

// DiagnosticsResponse is the answer to it. // RFC 7851, section 5.2
//
//	uint64 expiration, timestamp_initiated, timestamp_received; uint8 hop_counter;
//	uint32 ext_length; DiagnosticInfo diagnostic_info_list (of so many octets)
type DiagnosticsResponse struct {
	Expiration uint64
	Initiated  uint64 // as asked
	Received   uint64
	HopCounter uint8 // TTL with which the request came
	Info       []Diagnostic
}

// Diagnostic is one DiagnosticInfo, or a DiagnosticExtension in a request.
type Diagnostic struct {
	Kind     uint16
	Contents []byte
}

// Diagnostic Kinds of this profile; Kind n is bit n of the flags.
// RFC 7851, sections 9.1 and 9.2
const (
	DiagRoutingTableSize = 0x0002 // 32 bits
	DiagSoftwareVersion  = 0x0006 // text, ends in a zero octet
	DiagAppUptime        = 0x0008 // 64 bits, seconds
	DiagMemoryFootprint  = 0x0009 // 64 bits, kilobytes
)

// Asks reports whether a flag is set.
func (r DiagnosticsRequest) Asks(kind uint16) bool { return kind < 63 && r.Flags&(1<<kind) != 0 }

// PathTrackReq asks where the receiver would send a message for To next.
// RFC 7851, section 4.3.1.1
type PathTrackReq struct {
	To      Destination
	Request DiagnosticsRequest
}

// PathTrackAns answers it. Next is the answering node itself where it is the end
// of the path. // RFC 7851, section 4.3.1.2
type PathTrackAns struct {
	Next     Destination
	Response DiagnosticsResponse
}

func (PathTrackReq) Code() Code { return CodePathTrackReq }
func (r PathTrackReq) add(b *cryptobyte.Builder) {
	addDestination(b, r.To)
	b.AddUint64(r.Request.Expiration)
	b.AddUint64(r.Request.Initiated)
	b.AddUint64(r.Request.Flags)
	addDiagnostics(b, r.Request.Extensions, opaque32)
}

func (PathTrackAns) Code() Code { return CodePathTrackAns }
func (r PathTrackAns) add(b *cryptobyte.Builder) {
	addDestination(b, r.Next)
	b.AddUint64(r.Response.Expiration)
	b.AddUint64(r.Response.Initiated)
	b.AddUint64(r.Response.Received)
	b.AddUint8(r.Response.HopCounter)
	addDiagnostics(b, r.Response.Info, opaque16)
}

func addDiagnostics(b *cryptobyte.Builder, list []Diagnostic, opaque func(*cryptobyte.Builder, []byte)) {
	add32(b, func(b *cryptobyte.Builder) {
		for _, d := range list {
			b.AddUint16(d.Kind)
			opaque(b, d.Contents)
		}
	})
}

func readPathTrackReq(s *cryptobyte.String, r *PathTrackReq) bool {
	return readDestination(s, &r.To) && s.ReadUint64(&r.Request.Expiration) &&
		s.ReadUint64(&r.Request.Initiated) && s.ReadUint64(&r.Request.Flags) &&
		readDiagnostics(s, &r.Request.Extensions, func(s *cryptobyte.String, v *[]byte) bool {
			return read32(s, (*cryptobyte.String)(v))
		})
}

func readPathTrackAns(s *cryptobyte.String, r *PathTrackAns) bool {
	return readDestination(s, &r.Next) && s.ReadUint64(&r.Response.Expiration) &&
		s.ReadUint64(&r.Response.Initiated) && s.ReadUint64(&r.Response.Received) &&
		s.ReadUint8(&r.Response.HopCounter) && readDiagnostics(s, &r.Response.Info, read16)
}

func readDiagnostics(s *cryptobyte.String, out *[]Diagnostic, opaque func(*cryptobyte.String, *[]byte) bool) (ok bool) {
	var v cryptobyte.String
	if !read32(s, &v) {
		return false
	}
	*out, ok = list(v, maxKinds, func(s *cryptobyte.String, d *Diagnostic) bool {
		return s.ReadUint16(&d.Kind) && opaque(s, &d.Contents)
	})
	return ok
}
