package overlay

import (
	"crypto/sha256"
	"encoding/hex"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func anyRecord(t *rapid.T) Record {
	bytes := func(limit int, label string) []byte { return rapid.SliceOfN(rapid.Byte(), 0, limit).Draw(t, label) }
	return Record{
		Resource: anyID(t, "resource"),
		Kind:     Kind(rapid.Uint32().Draw(t, "kind")),
		Key:      bytes(20, "key"),
		Version:  Version(rapid.Uint64().Draw(t, "version")),
		Lifetime: time.Duration(rapid.Uint32().Draw(t, "lifetime")) * time.Second,
		Removed:  rapid.Bool().Draw(t, "removed"),
		Value:    bytes(40, "value"),
		Owner:    anyID(t, "owner"),
		Signature: Signature{
			Chain: [][]byte{bytes(30, "leaf"), bytes(30, "issuer")},
			Sig:   bytes(72, "sig"),
		},
	}
}

func TestRecordAtRest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := anyRecord(t)
		data, err := r.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		var back Record
		if err := back.UnmarshalBinary(data); err != nil {
			t.Fatal(err)
		}
		if string(back.SignedBytes()) != string(r.SignedBytes()) || back.Lifetime != r.Lifetime ||
			back.Owner != r.Owner || string(back.Sig) != string(r.Sig) || len(back.Chain) != 2 || string(back.Chain[1]) != string(r.Chain[1]) {
			t.Fatalf("came back as %+v", back)
		}
		for n := range data {
			if new(Record).UnmarshalBinary(data[:n]) == nil {
				t.Fatalf("accepted the first %d of %d octets", n, len(data))
			}
		}
		if new(Record).UnmarshalBinary(append(data, 0)) == nil {
			t.Fatal("accepted an octet too many")
		}
	})
}

func FuzzRecord(f *testing.F) {
	seed, _ := Record{Key: []byte("k"), Value: []byte("v"), Signature: Signature{Chain: [][]byte{{1}}, Sig: []byte{2}}}.MarshalBinary()
	f.Add(seed)
	f.Fuzz(func(t *testing.T, data []byte) {
		var r Record
		if r.UnmarshalBinary(data) != nil {
			return
		}
		again, err := r.MarshalBinary()
		if err != nil {
			t.Fatalf("read but cannot be written: %v", err)
		}
		var back Record
		if err := back.UnmarshalBinary(again); err != nil || !reflect.DeepEqual(r, back) {
			t.Fatalf("%+v came back as %+v, %v", r, back, err)
		}
	})
}

// RFC 6940, section 7.1: the signature covers resource_id || kind ||
// storage_time || StoredDataValue || SignerIdentity.
func TestSignedBytes(t *testing.T) {
	r := Record{
		Resource:  ID{0xaa, 15: 0xbb},
		Kind:      SIPRegistration,
		Key:       []byte{0x01, 0x02},
		Version:   MakeVersion(3, 4),
		Value:     []byte("x"),
		Signature: Signature{Chain: [][]byte{[]byte("certificate")}},
	}
	hash := sha256.Sum256([]byte("certificate"))
	want := "10" + "aa0000000000000000000000000000bb" + // opaque ResourceId<0..2^8-1>
		"00000001" + // KindId
		"0000000300000004" + // storage_time
		"0002" + "0102" + "01" + "00000001" + "78" + // DictionaryEntry: key, exists, value
		"01" + "0022" + "04" + "20" + hex.EncodeToString(hash[:]) // cert_hash, SHA-256
	if got := hex.EncodeToString(r.SignedBytes()); got != want {
		t.Errorf("signed bytes\n got %s\nwant %s", got, want)
	}
}

// Whatever the order in which versions of a record meet, the same one stays.
func TestSupersedesIsAnOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// Few versions and values, so that they often tie.
		records := make([]Record, 5)
		for i := range records {
			records[i] = Record{
				Version:   Version(rapid.IntRange(1, 2).Draw(t, "version")),
				Removed:   rapid.Bool().Draw(t, "removed"),
				Value:     []byte{rapid.ByteRange(0, 1).Draw(t, "value")},
				Owner:     point(rapid.ByteRange(0, 1).Draw(t, "owner")),
				Signature: Signature{Sig: []byte{rapid.ByteRange(0, 3).Draw(t, "sig")}},
			}
		}
		merge := func() Record {
			best := records[0]
			for _, r := range records[1:] {
				if r.Supersedes(best) {
					best = r
				}
			}
			return best
		}
		first := merge()
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		rng.Shuffle(len(records), func(i, j int) { records[i], records[j] = records[j], records[i] })
		if second := merge(); !reflect.DeepEqual(first, second) {
			t.Fatalf("%+v or %+v", first, second)
		}
		if first.Supersedes(first) {
			t.Fatal("a record supersedes itself")
		}
	})
}

func TestLimits(t *testing.T) {
	for name, r := range map[string]Record{
		"value":       {Value: make([]byte, MaxValue+1)},
		"key":         {Key: make([]byte, MaxKey+1)},
		"chain":       {Signature: Signature{Chain: make([][]byte, MaxChain+1)}},
		"certificate": {Signature: Signature{Chain: [][]byte{make([]byte, MaxCert+1)}}},
	} {
		if _, err := r.MarshalBinary(); err == nil {
			t.Errorf("a %s beyond the limit was written", name)
		}
	}
}

func TestSlotText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := anyRecord(t).Slot()
		text, err := s.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		var back Slot
		if err := back.UnmarshalText(text); err != nil || back != s {
			t.Fatalf("%+v is %s and came back as %+v, %v", s, text, back, err)
		}
	})
	id := ID{}.String()
	for _, text := range []string{"", id, id + "/1", id + "/-1/00", id + "/4294967296/00", id + "/1/0", id + "/1/00/00", id[1:] + "/1/00"} {
		if err := new(Slot).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q was taken for a slot", text)
		}
	}
}
