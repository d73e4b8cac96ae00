package reload

import (
	"golang.org/x/crypto/cryptobyte"
)

// StoredData is one stored value. // RFC 6940, section 7
//
//	uint32 length; uint64 storage_time; uint32 lifetime; StoredDataValue value; Signature signature;
type StoredData struct {
	Time      uint64 // storage_time
	Lifetime  uint32 // seconds
	Value     Value
	Signature Signature
}

// Value is a StoredDataValue. // RFC 6940, section 7.2
//
//	Single                                      exists, value<0..2^32-1>
//	Array       index, 32 bits                  exists, value<0..2^32-1>
//	Dictionary  key<0..2^16-1>                  exists, value<0..2^32-1>
type Value struct {
	Index  uint32 // Array
	Key    []byte // Dictionary
	Exists bool
	Value  []byte
}

// KindData is the values of one Kind in a Store or in the answer to a Fetch.
type KindData struct {
	Kind       Kind
	Generation uint64
	Values     []StoredData
}

func (v Value) add(b *cryptobyte.Builder, m Model) {
	switch m {
	case Array:
		b.AddUint32(v.Index)
	case Dictionary:
		opaque16(b, v.Key)
	}
	addBool(b, v.Exists)
	opaque32(b, v.Value)
}

func readValue(s *cryptobyte.String, m Model, v *Value) bool {
	switch m {
	case Array:
		if !s.ReadUint32(&v.Index) {
			return false
		}
	case Dictionary:
		if !read16(s, &v.Key) {
			return false
		}
	}
	return readBool(s, &v.Exists) && read32(s, (*cryptobyte.String)(&v.Value))
}

func (d StoredData) add(b *cryptobyte.Builder, m Model) {
	add32(b, func(b *cryptobyte.Builder) {
		b.AddUint64(d.Time)
		b.AddUint32(d.Lifetime)
		d.Value.add(b, m)
		d.Signature.add(b)
	})
}

func readStoredData(s *cryptobyte.String, m Model, d *StoredData) bool {
	var v cryptobyte.String
	return read32(s, &v) && v.ReadUint64(&d.Time) && v.ReadUint32(&d.Lifetime) &&
		readValue(&v, m, &d.Value) && readSignature(&v, &d.Signature) && v.Empty()
}

func (k KindData) add(b *cryptobyte.Builder) {
	addKind(b, k.Kind, k.Generation, k.Values, StoredData.add)
}

// readKindData reads StoreKindData or FetchKindResponse, which have one form.
func readKindData(s *cryptobyte.String, k *KindData) error {
	v, m, err := readKind(s, &k.Kind, &k.Generation)
	if err != nil {
		return err
	}
	var ok bool
	k.Values, ok = list(v, MaxEntries, func(s *cryptobyte.String, d *StoredData) bool { return readStoredData(s, m, d) })
	if !ok {
		return malformed("stored data")
	}
	return nil
}

// addKind adds a StoreKindData, FetchKindResponse or StatKindResponse, which differ in
// their entries only.
//
//	uint32 kind; uint64 generation; entries<0..2^32-1>
//
// RFC 6940, sections 7.4.1.1, 7.4.2.2 and 7.4.3.2
func addKind[T any](b *cryptobyte.Builder, kind Kind, generation uint64, entries []T, add func(T, *cryptobyte.Builder, Model)) {
	m, err := kind.Model()
	if err != nil {
		b.SetError(err)
		return
	}
	b.AddUint32(uint32(kind))
	b.AddUint64(generation)
	add32(b, func(b *cryptobyte.Builder) {
		for _, e := range entries {
			add(e, b, m)
		}
	})
}

// readKind reads what addKind adds, but for the entries, which are of the model.
func readKind(s *cryptobyte.String, kind *Kind, generation *uint64) (entries cryptobyte.String, m Model, err error) {
	if !s.ReadUint32((*uint32)(kind)) || !s.ReadUint64(generation) || !read32(s, &entries) {
		return nil, 0, malformed("data of a kind")
	}
	m, err = kind.Model()
	return entries, m, err
}

// readKinds reads elements of one Kind each; no Kind may come twice.
// RFC 6940, section 7.4.1.1
func readKinds[T any](v cryptobyte.String, kind func(*T) Kind, read func(*cryptobyte.String, *T) error) (out []T, err error) {
	for !v.Empty() {
		var t T
		if len(out) == maxKinds {
			return nil, malformed("too many kinds")
		}
		if err := read(&v, &t); err != nil {
			return nil, err
		}
		for i := range out {
			if kind(&out[i]) == kind(&t) {
				return nil, malformed("kind named twice")
			}
		}
		out = append(out, t)
	}
	return out, nil
}

// maxKinds bounds the Kinds in one message.
const maxKinds = 64
