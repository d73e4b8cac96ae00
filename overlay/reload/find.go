package reload

import "golang.org/x/crypto/cryptobyte"

// FindReq asks for the Resource-ID closest to Resource that holds each Kind.
// RFC 6940, section 7.4.4
type FindReq struct {
	Resource []byte
	Kinds    []Kind
}

// FindAns answers it.
type FindAns struct{ Results []Found }

// Found is a FindKindData.
type Found struct {
	Kind    Kind
	Closest []byte // Resource-ID; one zero octet when there is none
}

func (FindReq) Code() Code { return CodeFindReq }
func (r FindReq) add(b *cryptobyte.Builder) {
	opaque8(b, r.Resource)
	b.AddUint8LengthPrefixed(func(b *cryptobyte.Builder) {
		for _, k := range r.Kinds {
			b.AddUint32(uint32(k))
		}
	})
}

func readFindReq(s *cryptobyte.String, r *FindReq) (ok bool) {
	var v cryptobyte.String
	if !read8(s, &r.Resource) || !s.ReadUint8LengthPrefixed(&v) {
		return false
	}
	r.Kinds, ok = list(v, maxKinds, func(s *cryptobyte.String, k *Kind) bool { return s.ReadUint32((*uint32)(k)) })
	return ok
}

func (FindAns) Code() Code { return CodeFindAns }
func (r FindAns) add(b *cryptobyte.Builder) {
	b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
		for _, f := range r.Results {
			b.AddUint32(uint32(f.Kind))
			opaque8(b, f.Closest)
		}
	})
}

func readFindAns(s *cryptobyte.String, r *FindAns) (ok bool) {
	var v cryptobyte.String
	if !s.ReadUint16LengthPrefixed(&v) {
		return false
	}
	r.Results, ok = list(v, maxKinds, func(s *cryptobyte.String, f *Found) bool {
		return s.ReadUint32((*uint32)(&f.Kind)) && read8(s, &f.Closest)
	})
	return ok
}
