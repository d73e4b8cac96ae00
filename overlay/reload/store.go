package reload

import (
	"golang.org/x/crypto/cryptobyte"

	"chordophone/overlay"
)

// StoreReq stores values at one resource. // RFC 6940, section 7.4.1.1
type StoreReq struct {
	Resource []byte
	Replica  uint8 // 0: the writer's own; else the number of the copy
	Kinds    []KindData
}

// StoreAns answers it. // RFC 6940, section 7.4.1.2
type StoreAns struct{ Kinds []StoreKindResponse }

// StoreKindResponse says how one Kind was stored.
type StoreKindResponse struct {
	Kind       Kind
	Generation uint64
	Replicas   []overlay.ID
}

func (StoreReq) Code() Code { return CodeStoreReq }
func (r StoreReq) add(b *cryptobyte.Builder) {
	opaque8(b, r.Resource)
	b.AddUint8(r.Replica)
	add32(b, func(b *cryptobyte.Builder) {
		for _, k := range r.Kinds {
			k.add(b)
		}
	})
}

func readStoreReq(s *cryptobyte.String, r *StoreReq) (err error) {
	var v cryptobyte.String
	if !read8(s, &r.Resource) || !s.ReadUint8(&r.Replica) || !read32(s, &v) {
		return malformed("store request")
	}
	r.Kinds, err = readKinds(v, func(k *KindData) Kind { return k.Kind }, readKindData)
	return err
}

func (StoreAns) Code() Code { return CodeStoreAns }
func (r StoreAns) add(b *cryptobyte.Builder) {
	b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
		for _, k := range r.Kinds {
			b.AddUint32(uint32(k.Kind))
			b.AddUint64(k.Generation)
			addIDs(b, k.Replicas)
		}
	})
}

func readStoreAns(s *cryptobyte.String, r *StoreAns) (ok bool) {
	var v cryptobyte.String
	if !s.ReadUint16LengthPrefixed(&v) {
		return false
	}
	r.Kinds, ok = list(v, maxKinds, func(s *cryptobyte.String, k *StoreKindResponse) bool {
		return s.ReadUint32((*uint32)(&k.Kind)) && s.ReadUint64(&k.Generation) && readIDs(s, &k.Replicas)
	})
	return ok
}
