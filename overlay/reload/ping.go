package reload

import "golang.org/x/crypto/cryptobyte"

// PingReq tests a path; its padding finds the largest packet.
// RFC 6940, section 6.5.3
type PingReq struct{ Padding []byte }

// PingAns answers it.
type PingAns struct {
	ResponseID uint64 // random
	Time       uint64 // milliseconds since 1970
}

func (PingReq) Code() Code                  { return CodePingReq }
func (r PingReq) add(b *cryptobyte.Builder) { opaque16(b, r.Padding) }
func (PingAns) Code() Code                  { return CodePingAns }
func (r PingAns) add(b *cryptobyte.Builder) {
	b.AddUint64(r.ResponseID)
	b.AddUint64(r.Time)
}

// ProbeReq asks for information by type. // RFC 6940, section 6.4.2.5
type ProbeReq struct{ Types []byte }

// ProbeAns gives it, in the order asked for.
type ProbeAns struct{ Info []ProbeInfo }

// ProbeInfo is one ProbeInformation.
type ProbeInfo struct {
	Type  uint8
	Value []byte // four octets for the types of RFC 6940
}

func (ProbeReq) Code() Code                  { return CodeProbeReq }
func (r ProbeReq) add(b *cryptobyte.Builder) { opaque8(b, r.Types) }
func (ProbeAns) Code() Code                  { return CodeProbeAns }
func (r ProbeAns) add(b *cryptobyte.Builder) {
	b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
		for _, i := range r.Info {
			b.AddUint8(i.Type)
			opaque8(b, i.Value)
		}
	})
}

func readProbeReq(s *cryptobyte.String, r *ProbeReq) bool { return read8(s, &r.Types) }

func readProbeAns(s *cryptobyte.String, r *ProbeAns) (ok bool) {
	var v cryptobyte.String
	if !s.ReadUint16LengthPrefixed(&v) {
		return false
	}
	r.Info, ok = list(v, MaxEntries, func(s *cryptobyte.String, i *ProbeInfo) bool {
		return s.ReadUint8(&i.Type) && read8(s, &i.Value)
	})
	return ok
}
