package reload

// Limits of this profile.
const (
	MaxMessage      = 1 << 20 // octets of one message; "max-message-size" (RFC 6940, section 11.1), default 5000
	MaxTTL          = 100     // RFC 6940, section 6.3.2
	MaxDestinations = 128     // entries of a via or destination list
	MaxOptions      = 8
	MaxExtensions   = 16
	MaxCertificates = 256
	MaxEntries      = 4096 // of any other list
)

const (
	token      = 0xd2454c4f // "RELO" with the high bit set
	version    = 0x0a       // 1.0
	unbroken   = 0xc0000000 // the only fragment, at offset 0
	headerSize = 38         // octets up to the lists
)

// NoConfig is the configuration_sequence that every node accepts in a
// ConfigUpdate. // RFC 6940, section 6.3.2.1
const NoConfig = 65535

// Code is a message code. Requests are odd, the answer is the next one.
// RFC 6940, section 14.8
type Code uint16

const (
	CodeProbeReq        Code = 0x01
	CodeProbeAns        Code = 0x02
	CodeAttachReq       Code = 0x03
	CodeAttachAns       Code = 0x04
	CodeStoreReq        Code = 0x07
	CodeStoreAns        Code = 0x08
	CodeFetchReq        Code = 0x09
	CodeFetchAns        Code = 0x0a
	CodeFindReq         Code = 0x0d
	CodeFindAns         Code = 0x0e
	CodeJoinReq         Code = 0x0f
	CodeJoinAns         Code = 0x10
	CodeLeaveReq        Code = 0x11
	CodeLeaveAns        Code = 0x12
	CodeUpdateReq       Code = 0x13
	CodeUpdateAns       Code = 0x14
	CodeRouteQueryReq   Code = 0x15
	CodeRouteQueryAns   Code = 0x16
	CodePingReq         Code = 0x17
	CodePingAns         Code = 0x18
	CodeStatReq         Code = 0x19
	CodeStatAns         Code = 0x1a
	CodeAppAttachReq    Code = 0x1d
	CodeAppAttachAns    Code = 0x1e
	CodeConfigUpdateReq Code = 0x21
	CodeConfigUpdateAns Code = 0x22
	CodePathTrackReq    Code = 0x27 // RFC 7851, section 9.3
	CodePathTrackAns    Code = 0x28
	CodeError           Code = 0xffff
)

// IsRequest reports whether an answer is due.
func (c Code) IsRequest() bool { return c&1 == 1 && c < 0x8000 }

// DestinationType is the type of an entry of a via or destination list.
// RFC 6940, section 6.3.2.2
type DestinationType uint8

const (
	DestNode     DestinationType = 1
	DestResource DestinationType = 2
	DestOpaque   DestinationType = 3
	DestShort    DestinationType = 0x80 // not on the wire: two octets, the top bit set, without type and length
)

// Kind is a Kind-ID. // RFC 6940, section 14.6; RFC 7904, section 9.1
type Kind uint32

const (
	KindSIPRegistration   Kind = 0x1
	KindTURNService       Kind = 0x2
	KindCertificateByNode Kind = 0x3
	KindCertificateByUser Kind = 0x10
	KindPrivate           Kind = 0xf0000001 // the first of those for private use, up to
	KindPrivateLast       Kind = 0xfffffffd
)

// Model is the data model of a Kind. // RFC 6940, section 7.2
type Model uint8

const (
	Single Model = iota + 1
	Array
	Dictionary
)

// Model of a Kind; all private Kinds of this profile are dictionaries.
func (k Kind) Model() (Model, error) {
	switch {
	case k == KindSIPRegistration, k >= KindPrivate && k <= KindPrivateLast:
		return Dictionary, nil
	case k == KindTURNService:
		return Single, nil
	case k == KindCertificateByNode, k == KindCertificateByUser:
		return Array, nil
	}
	return 0, UnknownKindError(k)
}

// Algorithms of TLS 1.2. // RFC 5246, section 7.4.1.4.1
const (
	HashNone   = 0
	HashSHA256 = 4

	SigAnonymous = 0
	SigRSA       = 1 // RSASSA-PKCS1-v1_5
	SigECDSA     = 3
)

// X509 is the certificate type of a GenericCertificate. // RFC 6091
const X509 = 0

// IdentityType tells how a signature names its signer. // RFC 6940, section 6.3.4
type IdentityType uint8

const (
	CertHash       IdentityType = 1 // hash of the certificate
	CertHashNodeID IdentityType = 2 // hash of Node-ID || certificate
	NoIdentity     IdentityType = 3 // of values that do not exist
)

// Types of information that a Probe asks for. // RFC 6940, section 6.4.2.5
const (
	ProbeResponsibleSet = 1 // parts per billion
	ProbeNumResources   = 2
	ProbeUptime         = 3 // seconds

	// Of this profile; the registry (section 14.13) has no range for private use.
	ProbeOfficeTime = 0xf1
)

// Overlay link types and candidate types. // RFC 6940, section 6.5.1.1
const (
	LinkDTLSUDPSR      = 1
	LinkDTLSUDPSRNoICE = 3
	LinkTLSTCPFHNoICE  = 4

	CandHost  = 1
	CandSrflx = 2
	CandRelay = 4
)

// UpdateType says what a CHORD-RELOAD Update holds. // RFC 6940, section 10.7
type UpdateType uint8

const (
	PeerReady UpdateType = 1
	Neighbors UpdateType = 2
	Full      UpdateType = 3
)

// LeaveType says which neighbour leaves. // RFC 6940, section 10.9
type LeaveType uint8

const (
	FromSucc LeaveType = 1 // sent by a successor; holds its successors
	FromPred LeaveType = 2 // sent by a predecessor; holds its predecessors
)

// ConfigUpdateType. // RFC 6940, section 6.5.4.1
const (
	ConfigDocument = 1
	ConfigKinds    = 2
)

// Extensions of this profile: PROFILE.md describes them. RFC 6940, section
// 14.14, sets no range aside for private use; these stand at the far end.
const (
	ExtAddress    = 0xff01 // OFFICE-ADDRESS
	ExtNeighbours = 0xff02 // OFFICE-NEIGHBOURS
	ExtArc        = 0xff03 // OFFICE-ARC
	ExtVersions   = 0xff04 // OFFICE-VERSIONS
	ExtCopies     = 0xff05 // OFFICE-COPIES
	ExtResource   = 0xff06 // OFFICE-RESOURCE
	ExtStores     = 0xff07 // OFFICE-STORES
	ExtDigest     = 0xff08 // OFFICE-DIGEST
)
