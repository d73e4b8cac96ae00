package reload

import (
	"bytes"
	"crypto/sha256"
	"net/netip"
	"os"
	"testing"

	"chordophone/overlay"
)

// sample is one message of a ring's life, and the name it has in
// testdata/golden.txt.
type sample struct {
	name string
	msg  Message
}

func id(b byte) overlay.ID { return overlay.ID(bytes.Repeat([]byte{b}, 16)) }

// samples has a message for every body and every extension of the profile.
// testdata/cert.der is a self-signed P-256 certificate.
func samples(t testing.TB) []sample {
	cert, err := os.ReadFile("testdata/cert.der")
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(cert)
	signature := Signature{HashSHA256, SigECDSA, Identity{CertHash, HashSHA256, sum[:]}, bytes.Repeat([]byte{0x30}, 70)}

	addr := netip.MustParseAddrPort("127.0.0.11:6084")
	addr6 := netip.MustParseAddrPort("[fd00::11]:6084")
	peers := []overlay.Peer{{ID: id(1), Addr: addr}, {ID: id(2)}, {ID: id(3), Addr: addr6}}
	candidates := []Candidate{
		{Addr: addr, Link: LinkTLSTCPFHNoICE, Foundation: []byte("1"), Priority: 0x7effffff, Type: CandHost},
		{Addr: addr6, Link: LinkTLSTCPFHNoICE, Foundation: []byte("2"), Priority: 1, Type: CandSrflx, Related: addr,
			Extensions: []CandidateExtension{{[]byte("generation"), []byte("0")}}},
	}
	resource := id(9)
	registration, err := SipRegistration{ContactPrefs: []byte("(sip.schemes=SIPS)"), To: []Destination{Node(id(7))}}.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	alias, err := SipRegistration{URI: []byte("sip:102@office.example")}.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	key, other := id(7), id(6)
	dictionary := KindData{KindSIPRegistration, 1, []StoredData{
		{Time: 1 << 32, Lifetime: 3600, Value: Value{Key: key[:], Exists: true, Value: registration}, Signature: signature},
		{Time: 1<<32 | 1, Lifetime: 60, Value: Value{Key: other[:]}, Signature: signature},
	}}
	aliases := KindData{KindSIPRegistration, 1, []StoredData{
		{Time: 1 << 32, Lifetime: 3600, Value: Value{Key: key[:], Exists: true, Value: alias}, Signature: signature},
	}}
	private := KindData{KindPrivate, 0, []StoredData{
		{Time: 5, Lifetime: 3600, Value: Value{Key: key[:], Exists: true, Value: []byte("chain")}, Signature: signature},
	}}
	array := KindData{KindCertificateByNode, 2, []StoredData{
		{Time: 6, Lifetime: 3600, Value: Value{Index: 4, Exists: true, Value: cert}, Signature: signature},
	}}
	single := KindData{KindTURNService, 3, []StoredData{{Value: Value{}, Signature: signature}}}
	meta := MetaData{Time: 1, Lifetime: 2, Exists: true, Length: 5, Hash: HashSHA256, Sum: sum[:]}
	dictMeta, arrayMeta := meta, meta
	dictMeta.Key, arrayMeta.Index = key[:], 1

	neighbours, err := AppendNeighbours(nil, peers[:1], peers)
	if err != nil {
		t.Fatal(err)
	}
	extNeighbours := Extension{Type: ExtNeighbours, Value: neighbours}
	versions, err := AppendVersions(nil, []Version{{resource, KindPrivate, key[:], 1 << 32, 7}, {id(8), KindSIPRegistration, key[:], 2, 1 << 63}})
	if err != nil {
		t.Fatal(err)
	}
	stores, err := AppendStores(nil, []StoreReq{{resource[:], 1, []KindData{private}}})
	if err != nil {
		t.Fatal(err)
	}

	var out []sample
	for i, s := range []struct {
		name string
		body Body
		ext  []Extension
	}{
		{"probe-req", ProbeReq{[]byte{ProbeResponsibleSet, ProbeNumResources, ProbeUptime}}, nil},
		{"probe-ans", ProbeAns{[]ProbeInfo{{ProbeResponsibleSet, []byte{5, 0xf5, 0xe1, 0}}, {ProbeUptime, []byte{0, 0, 0, 9}}}}, nil},
		{"attach-req", AttachReq{[]byte("u"), []byte("p"), []byte("passive"), candidates, true}, nil},
		{"attach-ans", AttachAns{nil, nil, []byte("active"), candidates[:1], false}, nil},
		{"store-req", StoreReq{resource[:], 2, []KindData{dictionary, private}}, []Extension{{Type: ExtStores, Critical: true, Value: stores}}},
		{"store-req-models", StoreReq{resource[:], 0, []KindData{array, single}}, nil},
		{"store-ans", StoreAns{[]StoreKindResponse{{KindSIPRegistration, 1, []overlay.ID{id(1), id(2)}}, {KindPrivate, 2, nil}}},
			[]Extension{{Type: ExtCopies, Value: AppendCopies(nil, 3)}}},
		{"fetch-req", FetchReq{resource[:], []Specifier{{Kind: KindPrivate, Generation: 7}, {Kind: KindSIPRegistration}}}, nil},
		{"fetch-req-key", FetchReq{resource[:], []Specifier{{Kind: KindSIPRegistration, Keys: [][]byte{key[:]}}}}, nil},
		{"fetch-req-models", FetchReq{resource[:], []Specifier{{Kind: KindCertificateByUser, Ranges: []Range{{0, -1}}}, {Kind: KindTURNService}}}, nil},
		{"fetch-ans", FetchAns{[]KindData{aliases, private}}, []Extension{{Type: ExtResource, Value: AppendResource(nil, resource)}}},
		{"find-req", FindReq{resource[:], []Kind{KindSIPRegistration, KindPrivate}}, nil},
		{"find-ans", FindAns{[]Found{{KindSIPRegistration, resource[:]}, {KindPrivate, []byte{0}}}}, nil},
		{"join-req", JoinReq{id(7), nil}, []Extension{{Type: ExtAddress, Value: mustAddress(t, addr6)}}},
		{"join-ans", JoinAns{}, []Extension{extNeighbours}},
		{"leave-req-succ", LeaveReq{id(7), FromSucc, []overlay.ID{id(1)}}, []Extension{extNeighbours}},
		{"leave-req-pred", LeaveReq{id(7), FromPred, []overlay.ID{id(1), id(2)}}, nil},
		{"leave-ans", LeaveAns{}, nil},
		{"update-req-ready", UpdateReq{Uptime: 1, Type: PeerReady}, nil},
		{"update-req", UpdateReq{Uptime: 2, Type: Neighbors, Pred: []overlay.ID{id(1)}, Succ: []overlay.ID{id(1), id(2)}}, []Extension{extNeighbours}},
		{"update-req-full", UpdateReq{Uptime: 3, Type: Full, Pred: []overlay.ID{id(1)}, Fingers: []overlay.ID{id(4), id(5)}}, nil},
		{"update-ans", UpdateAns{}, nil},
		{"route-query-req", RouteQueryReq{true, Resource(id(5)), nil}, nil},
		{"route-query-ans", RouteQueryAns{id(6)}, nil},
		{"ping-req", PingReq{make([]byte, 5)}, []Extension{{Type: ExtAddress, Value: mustAddress(t, addr)}}},
		{"ping-ans", PingAns{1, 1700000000000}, []Extension{extNeighbours}},
		{"stat-req", StatReq{resource[:], []Specifier{{Kind: KindSIPRegistration}}}, nil},
		{"stat-ans", StatAns{[]StatKind{{KindSIPRegistration, 1, []MetaData{dictMeta}}, {KindCertificateByNode, 2, []MetaData{arrayMeta}}, {KindTURNService, 1, []MetaData{meta}}}}, nil},
		{"stat-req-arc", StatReq{Resource: resource[:]}, []Extension{{Type: ExtArc, Critical: true, Value: AppendArc(nil, id(1), id(9))}}},
		{"ping-req-digest", PingReq{}, []Extension{{Type: ExtDigest, Value: AppendDigest(nil, 1<<63)}}},
		{"stat-ans-arc", StatAns{}, []Extension{{Type: ExtVersions, Value: versions}}},
		{"app-attach-req", AppAttachReq{nil, nil, 5061, []byte("passive"), candidates[:1]}, nil},
		{"app-attach-ans", AppAttachAns{[]byte("u"), []byte("p"), 5061, []byte("active"), nil}, nil},
		{"config-update-req", ConfigUpdateReq{Type: ConfigDocument, Document: []byte("<overlay/>")}, nil},
		{"config-update-req-kinds", ConfigUpdateReq{Type: ConfigKinds, Kinds: [][]byte{[]byte("<kind-block/>"), {}}}, nil},
		{"config-update-ans", ConfigUpdateAns{}, nil},
		{"path-track-req", PathTrackReq{Resource(id(5)), DiagnosticsRequest{1700000060000, 1700000000000, 1<<DiagAppUptime | 1<<DiagRoutingTableSize, nil}}, nil},
		{"path-track-req-ext", PathTrackReq{Node(id(5)), DiagnosticsRequest{Extensions: []Diagnostic{{0xf000, []byte{1, 2}}, {0xf001, nil}}}}, nil},
		{"path-track-ans", PathTrackAns{Node(id(6)), DiagnosticsResponse{1700000060000, 1700000000000, 1700000000005, 99, []Diagnostic{
			{DiagRoutingTableSize, []byte{0, 0, 0, 7}}, {DiagAppUptime, []byte{0, 0, 0, 0, 0, 0, 1, 0}}, {DiagSoftwareVersion, []byte("phone/1\x00")}}}}, nil},
		{"error", ErrorResponse{9, []byte("4294967296")}, nil},
	} {
		contents, err := MakeContents(s.body, s.ext...)
		if err != nil {
			t.Fatalf("%s: %v", s.name, err)
		}
		m := Message{
			Header: Header{
				Overlay: OverlayHash("office.example"), Config: 1, TTL: 100, Tx: uint64(i) + 1,
				To: []Destination{Node(id(2)), Resource(resource)},
			},
			Contents: contents,
			Security: Security{[]Certificate{{X509, cert}}, signature},
		}
		if i%3 == 0 {
			m.Via = []Destination{Node(id(4)), Node(id(5))}
		}
		out = append(out, sample{s.name, m})
	}
	return out
}

func mustAddress(t testing.TB, a netip.AddrPort) []byte {
	b, err := AppendAddress(nil, a)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
