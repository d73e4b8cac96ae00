package reload

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/crypto/cryptobyte"

	"chordophone/overlay"
)

// The extensions of this profile; PROFILE.md tells what they are for. Each
// AppendX makes the contents of the extension ExtX, each ParseX reads them.

// AppendAddress makes OFFICE-ADDRESS: the IpAddressPort the maker listens at.
func AppendAddress(out []byte, a netip.AddrPort) ([]byte, error) {
	b := cryptobyte.NewBuilder(out)
	addAddr(b, a)
	return b.Bytes()
}

// ParseAddress reads it.
func ParseAddress(octets []byte) (a netip.AddrPort, err error) {
	s := cryptobyte.String(octets)
	if !readAddr(&s, &a) || !s.Empty() {
		return netip.AddrPort{}, malformed("OFFICE-ADDRESS")
	}
	return a, nil
}

// AppendNeighbours makes OFFICE-NEIGHBOURS.
//
//	struct { NodeId id; Boolean known; IpAddressPort address (if known); } Neighbour;
//	Neighbour predecessors<0..2^16-1>; Neighbour successors<0..2^16-1>;
func AppendNeighbours(out []byte, pred, succ []overlay.Peer) ([]byte, error) {
	b := cryptobyte.NewBuilder(out)
	for _, peers := range [...][]overlay.Peer{pred, succ} {
		b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
			for _, p := range peers {
				b.AddBytes(p.ID[:])
				addBool(b, p.Addr.IsValid())
				if p.Addr.IsValid() {
					addAddr(b, p.Addr)
				}
			}
		})
	}
	return b.Bytes()
}

// ParseNeighbours reads it.
func ParseNeighbours(octets []byte) (pred, succ []overlay.Peer, err error) {
	s := cryptobyte.String(octets)
	for _, out := range [...]*[]overlay.Peer{&pred, &succ} {
		var (
			v  cryptobyte.String
			ok bool
		)
		if !s.ReadUint16LengthPrefixed(&v) {
			return nil, nil, malformed("OFFICE-NEIGHBOURS")
		}
		if *out, ok = list(v, MaxDestinations, readNeighbour); !ok {
			return nil, nil, malformed("OFFICE-NEIGHBOURS")
		}
	}
	if !s.Empty() {
		return nil, nil, malformed("OFFICE-NEIGHBOURS")
	}
	return pred, succ, nil
}

func readNeighbour(s *cryptobyte.String, p *overlay.Peer) bool {
	var known bool
	return readID(s, &p.ID) && readBool(s, &known) && (!known || readAddr(s, &p.Addr))
}

// AppendArc makes OFFICE-ARC: the arc (after, upto] of the circle.
func AppendArc(out []byte, after, upto overlay.ID) []byte {
	return append(append(out, after[:]...), upto[:]...)
}

// ParseArc reads it.
func ParseArc(octets []byte) (after, upto overlay.ID, err error) {
	if len(octets) != len(after)+len(upto) {
		return after, upto, malformed("OFFICE-ARC")
	}
	return overlay.ID(octets[:16]), overlay.ID(octets[16:]), nil
}

// Version is one record's name and version.
type Version struct {
	Resource overlay.ID
	Kind     Kind
	Key      []byte
	Time     uint64 // storage_time
	Sum      uint64 // the beginning of a hash of the record
}

// AppendVersions makes OFFICE-VERSIONS.
//
//	struct { NodeId resource; KindId kind; DictionaryKey key; uint64 storage_time; uint64 sum; } Version;
//	Version versions<0..2^32-1>;
func AppendVersions(out []byte, versions []Version) ([]byte, error) {
	if len(versions) > MaxEntries {
		return nil, ErrTooLarge
	}
	b := cryptobyte.NewBuilder(out)
	add32(b, func(b *cryptobyte.Builder) {
		for i := range versions {
			v := &versions[i]
			b.AddBytes(v.Resource[:])
			b.AddUint32(uint32(v.Kind))
			opaque16(b, v.Key)
			b.AddUint64(v.Time)
			b.AddUint64(v.Sum)
		}
	})
	return b.Bytes()
}

// ParseVersions reads it.
func ParseVersions(octets []byte) ([]Version, error) {
	var (
		s = cryptobyte.String(octets)
		v cryptobyte.String
	)
	if read32(&s, &v) && s.Empty() {
		out, ok := list(v, MaxEntries, func(s *cryptobyte.String, v *Version) bool {
			return readID(s, &v.Resource) && s.ReadUint32((*uint32)(&v.Kind)) && read16(s, &v.Key) && s.ReadUint64(&v.Time) && s.ReadUint64(&v.Sum)
		})
		if ok {
			return out, nil
		}
	}
	return nil, malformed("OFFICE-VERSIONS")
}

// AppendDigest makes OFFICE-DIGEST: the digest of what the maker of a PingReq or
// StatReq has, or of what it need not be told again.
func AppendDigest(out []byte, digest uint64) []byte {
	return binary.BigEndian.AppendUint64(out, digest)
}

// ParseDigest reads it.
func ParseDigest(octets []byte) (uint64, error) {
	if len(octets) != 8 {
		return 0, malformed("OFFICE-DIGEST")
	}
	return binary.BigEndian.Uint64(octets), nil
}

// AppendCopies makes OFFICE-COPIES: on how many disks the records are.
func AppendCopies(out []byte, copies uint8) []byte { return append(out, copies) }

// ParseCopies reads it.
func ParseCopies(octets []byte) (uint8, error) {
	if len(octets) != 1 {
		return 0, malformed("OFFICE-COPIES")
	}
	return octets[0], nil
}

// AppendResource makes OFFICE-RESOURCE: the Resource-ID of the values in a
// FetchAns.
func AppendResource(out []byte, id overlay.ID) []byte {
	return append(append(out, byte(len(id))), id[:]...)
}

// ParseResource reads it.
func ParseResource(octets []byte) (id overlay.ID, err error) {
	s := cryptobyte.String(octets)
	var v cryptobyte.String
	if !s.ReadUint8LengthPrefixed(&v) || len(v) != len(id) || !s.Empty() {
		return id, malformed("OFFICE-RESOURCE")
	}
	return overlay.ID(v), nil
}

// AppendStores makes OFFICE-STORES: StoreReqs for further resources, each after
// its length in 32 bits.
func AppendStores(out []byte, stores []StoreReq) ([]byte, error) {
	for _, r := range stores {
		body, err := AppendBody(nil, r)
		if err != nil {
			return nil, err
		}
		out = binary.BigEndian.AppendUint32(out, uint32(len(body)))
		out = append(out, body...)
	}
	return out, nil
}

// ParseStores reads it.
func ParseStores(octets []byte) (stores []StoreReq, err error) {
	s := cryptobyte.String(octets)
	for !s.Empty() {
		var (
			v cryptobyte.String
			r StoreReq
		)
		if len(stores) == MaxEntries || !read32(&s, &v) {
			return nil, malformed("OFFICE-STORES")
		}
		if err := readStoreReq(&v, &r); err != nil {
			return nil, err
		}
		if !v.Empty() {
			return nil, malformed("OFFICE-STORES")
		}
		stores = append(stores, r)
	}
	return stores, nil
}
