package reload

import (
	"fmt"

	"golang.org/x/crypto/cryptobyte"
)

// ConfigUpdateReq carries a new configuration document, or descriptions of
// Kinds. // RFC 6940, section 6.5.4
//
//	type, uint32 length, and then
//	  config_data<0..2^24-1>                       for ConfigDocument
//	  KindDescription<0..2^16-1> kinds<0..2^24-1>  for ConfigKinds
type ConfigUpdateReq struct {
	Type     uint8
	Document []byte   // XML, signed
	Kinds    [][]byte // kind-block productions in XML
}

// ConfigUpdateAns answers it; it is empty.
type ConfigUpdateAns struct{}

func (ConfigUpdateReq) Code() Code { return CodeConfigUpdateReq }
func (r ConfigUpdateReq) add(b *cryptobyte.Builder) {
	b.AddUint8(r.Type)
	add32(b, func(b *cryptobyte.Builder) {
		b.AddUint24LengthPrefixed(func(b *cryptobyte.Builder) {
			switch r.Type {
			case ConfigDocument:
				b.AddBytes(r.Document)
			case ConfigKinds:
				for _, k := range r.Kinds {
					opaque16(b, k)
				}
			default:
				b.SetError(fmt.Errorf("reload: config update of type %d", r.Type))
			}
		})
	})
}
func (ConfigUpdateAns) Code() Code              { return CodeConfigUpdateAns }
func (ConfigUpdateAns) add(*cryptobyte.Builder) {}

func readConfigUpdateReq(s *cryptobyte.String, r *ConfigUpdateReq) (ok bool) {
	var rest, v cryptobyte.String
	if !s.ReadUint8(&r.Type) || !read32(s, &rest) || !rest.ReadUint24LengthPrefixed(&v) || !rest.Empty() {
		return false
	}
	switch r.Type {
	case ConfigDocument:
		r.Document = v
		return true
	case ConfigKinds:
		r.Kinds, ok = list(v, maxKinds, func(s *cryptobyte.String, k *[]byte) bool { return read16(s, k) })
		return ok
	}
	return false
}
