package reload

import (
	"golang.org/x/crypto/cryptobyte"
)

// Query is the body of both FetchReq and StatReq. // RFC 6940, section 7.4.2.1
type Query struct {
	Resource   []byte
	Specifiers []Specifier
}

// FetchReq asks for values, StatReq for what is known about them.
type (
	FetchReq Query
	StatReq  Query
)

// Specifier is a StoredDataSpecifier: which values of a Kind.
type Specifier struct {
	Kind       Kind
	Generation uint64   // the last one seen; 0: none
	Ranges     []Range  // Array
	Keys       [][]byte // Dictionary; none: all
}

// Range is an ArrayRange; -1 is the last index.
type Range struct{ First, Last int32 }

func (FetchReq) Code() Code                  { return CodeFetchReq }
func (r FetchReq) add(b *cryptobyte.Builder) { Query(r).add(b) }
func (StatReq) Code() Code                   { return CodeStatReq }
func (r StatReq) add(b *cryptobyte.Builder)  { Query(r).add(b) }

func (r Query) add(b *cryptobyte.Builder) {
	opaque8(b, r.Resource)
	b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
		for _, sp := range r.Specifiers {
			sp.add(b)
		}
	})
}

func (sp Specifier) add(b *cryptobyte.Builder) {
	m, err := sp.Kind.Model()
	if err != nil {
		b.SetError(err)
		return
	}
	b.AddUint32(uint32(sp.Kind))
	b.AddUint64(sp.Generation)
	b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
		switch m {
		case Array:
			b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
				for _, r := range sp.Ranges {
					b.AddUint32(uint32(r.First))
					b.AddUint32(uint32(r.Last))
				}
			})
		case Dictionary:
			b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
				for _, k := range sp.Keys {
					opaque16(b, k)
				}
			})
		}
	})
}

func readQuery(s *cryptobyte.String, r *Query) (err error) {
	var v cryptobyte.String
	if !read8(s, &r.Resource) || !s.ReadUint16LengthPrefixed(&v) {
		return malformed("specifiers")
	}
	r.Specifiers, err = readKinds(v, func(sp *Specifier) Kind { return sp.Kind }, readSpecifier)
	return err
}

func readSpecifier(s *cryptobyte.String, sp *Specifier) error {
	var (
		kind uint32
		v, l cryptobyte.String
		ok   = true
	)
	if !s.ReadUint32(&kind) || !s.ReadUint64(&sp.Generation) || !s.ReadUint16LengthPrefixed(&v) {
		return malformed("specifier")
	}
	sp.Kind = Kind(kind)
	m, err := sp.Kind.Model()
	if err != nil {
		return err
	}
	if m != Single && !v.ReadUint16LengthPrefixed(&l) {
		return malformed("model specifier")
	}
	switch m {
	case Array:
		sp.Ranges, ok = list(l, MaxEntries, func(s *cryptobyte.String, r *Range) bool {
			var first, last uint32
			ok := s.ReadUint32(&first) && s.ReadUint32(&last)
			r.First, r.Last = int32(first), int32(last)
			return ok && first <= last
		})
	case Dictionary:
		sp.Keys, ok = list(l, MaxEntries, func(s *cryptobyte.String, k *[]byte) bool { return read16(s, k) })
	}
	if !ok || !v.Empty() {
		return malformed("model specifier")
	}
	return nil
}

// FetchAns answers a FetchReq. // RFC 6940, section 7.4.2.2
type FetchAns struct{ Kinds []KindData }

func (FetchAns) Code() Code { return CodeFetchAns }
func (r FetchAns) add(b *cryptobyte.Builder) {
	add32(b, func(b *cryptobyte.Builder) {
		for _, k := range r.Kinds {
			k.add(b)
		}
	})
}

func readFetchAns(s *cryptobyte.String, r *FetchAns) (err error) {
	var v cryptobyte.String
	if !read32(s, &v) {
		return malformed("kinds")
	}
	r.Kinds, err = readKinds(v, func(k *KindData) Kind { return k.Kind }, readKindData)
	return err
}
