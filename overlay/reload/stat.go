package reload

import (
	"golang.org/x/crypto/cryptobyte"
)

// StatAns answers a StatReq: what FetchAns would say, without the values.
// RFC 6940, section 7.4.3.2
type StatAns struct{ Kinds []StatKind }

// StatKind is a StatKindResponse.
type StatKind struct {
	Kind       Kind
	Generation uint64
	Values     []MetaData
}

// MetaData is a StoredMetaData with its MetaDataValue.
//
//	uint32 value_length (of what follows); uint64 storage_time; uint32 lifetime;
//	index or key; exists, uint32 value_length, hash_algorithm, hash_value<0..255>
type MetaData struct {
	Time     uint64
	Lifetime uint32
	Index    uint32 // Array
	Key      []byte // Dictionary
	Exists   bool
	Length   uint32 // of the value
	Hash     uint8  // algorithm
	Sum      []byte // hash of the value with its length
}

func (StatAns) Code() Code { return CodeStatAns }
func (r StatAns) add(b *cryptobyte.Builder) {
	add32(b, func(b *cryptobyte.Builder) {
		for _, k := range r.Kinds {
			k.add(b)
		}
	})
}

func (k StatKind) add(b *cryptobyte.Builder) {
	addKind(b, k.Kind, k.Generation, k.Values, MetaData.add)
}

func (d MetaData) add(b *cryptobyte.Builder, m Model) {
	add32(b, func(b *cryptobyte.Builder) {
		b.AddUint64(d.Time)
		b.AddUint32(d.Lifetime)
		switch m {
		case Array:
			b.AddUint32(d.Index)
		case Dictionary:
			opaque16(b, d.Key)
		}
		addBool(b, d.Exists)
		b.AddUint32(d.Length)
		b.AddUint8(d.Hash)
		opaque8(b, d.Sum)
	})
}

func readMetaData(s *cryptobyte.String, m Model, d *MetaData) bool {
	var v cryptobyte.String
	ok := read32(s, &v) && v.ReadUint64(&d.Time) && v.ReadUint32(&d.Lifetime)
	switch m {
	case Array:
		ok = ok && v.ReadUint32(&d.Index)
	case Dictionary:
		ok = ok && read16(&v, &d.Key)
	}
	return ok && readBool(&v, &d.Exists) && v.ReadUint32(&d.Length) && v.ReadUint8(&d.Hash) && read8(&v, &d.Sum) && v.Empty()
}

func readStatAns(s *cryptobyte.String, r *StatAns) (err error) {
	var v cryptobyte.String
	if !read32(s, &v) {
		return malformed("kinds")
	}
	r.Kinds, err = readKinds(v, func(k *StatKind) Kind { return k.Kind }, readStatKind)
	return err
}

func readStatKind(s *cryptobyte.String, k *StatKind) error {
	v, m, err := readKind(s, &k.Kind, &k.Generation)
	if err != nil {
		return err
	}
	var ok bool
	k.Values, ok = list(v, MaxEntries, func(s *cryptobyte.String, d *MetaData) bool { return readMetaData(s, m, d) })
	if !ok {
		return malformed("metadata")
	}
	return nil
}
