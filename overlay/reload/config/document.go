package config

import (
	"errors"
	"net/netip"
	"time"

	"chordophone/overlay"
	"chordophone/overlay/reload"
)

// Errors of Parse, Verify and Update.
var (
	ErrMalformed   = errors.New("config: malformed document")
	ErrUnsupported = errors.New("config: asks for what this program cannot do")
	ErrOffice      = errors.New("config: document of another office")
	ErrSigner      = errors.New("config: not signed by one who may")
	ErrSequence    = errors.New("config: not newer than the document in force")
	ErrKind        = errors.New("config: unknown kind")
)

// Document is one overlay's configuration. Names are those of RFC 6940, section
// 11.1.
type Document struct {
	Office     string // instance-name
	Sequence   uint16 // 0 to 65534
	Expiration time.Time

	RootCerts  [][]byte         // DER
	Bootstrap  []netip.AddrPort // bootstrap-node
	MaxMessage int              // max-message-size, octets
	InitialTTL int

	Reliability    time.Duration // overlay-reliability-timer, whole milliseconds
	UpdateInterval time.Duration // chord-update-interval, whole seconds
	PingInterval   time.Duration // chord-ping-interval, whole seconds
	Reactive       bool          // chord-reactive

	ConfigSigners []overlay.ID // configuration-signer
	KindSigners   []overlay.ID // kind-signer
	BadNodes      []overlay.ID // bad-node
	Kinds         []Kind       // required-kinds

	signed   []byte // the configuration element as it stood
	security *reload.Security
}

// Kind is one kind-block.
type Kind struct {
	ID              reload.Kind
	Model           reload.Model
	Access          string // access-control
	MaxCount        int    // values at one resource
	MaxSize         int    // octets of a value
	MaxNodeMultiple int    // for NODE-MULTIPLE

	signed   []byte // the kind element as it stood
	security *reload.Security
}

// same reports whether two say the same, whoever signed it.
func (k Kind) same(o Kind) bool {
	return k.ID == o.ID && k.Model == o.Model && k.Access == o.Access &&
		k.MaxCount == o.MaxCount && k.MaxSize == o.MaxSize && k.MaxNodeMultiple == o.MaxNodeMultiple
}

// Access control models. // RFC 6940, section 7.3; RFC 7904, section 8
const (
	UserMatch     = "USER-MATCH"
	NodeMatch     = "NODE-MATCH"
	UserNodeMatch = "USER-NODE-MATCH"
	NodeMultiple  = "NODE-MULTIPLE"

	// OfficeChain is that of OFFICE-MEMBER: any member may store a member's
	// certificate chain, for it proves itself; only the member may remove it.
	OfficeChain = "OFFICE-CHAIN"

	// OfficeRevocation is that of REVOCATION: any member may store one of its own
	// and nobody may remove it.
	OfficeRevocation = "OFFICE-REVOCATION"
)

// names are the Kinds that go by name: those registered with IANA.
var names = []struct {
	id   reload.Kind
	name string
}{
	{reload.KindSIPRegistration, "SIP-REGISTRATION"},
	{reload.KindTURNService, "TURN-SERVICE"},
	{reload.KindCertificateByNode, "CERTIFICATE_BY_NODE"},
	{reload.KindCertificateByUser, "CERTIFICATE_BY_USER"},
}

// Kinds are those of this profile.
func Kinds() []Kind {
	return []Kind{
		{ID: reload.KindSIPRegistration, Model: reload.Dictionary, Access: UserNodeMatch, MaxCount: 64, MaxSize: overlay.MaxValue},
		{ID: reload.Kind(overlay.OfficeMember), Model: reload.Dictionary, Access: OfficeChain, MaxCount: reload.MaxEntries, MaxSize: overlay.MaxValue},
		{ID: reload.Kind(overlay.Revocation), Model: reload.Dictionary, Access: OfficeRevocation, MaxCount: reload.MaxEntries, MaxSize: overlay.MaxValue},
	}
}

// supported reports whether this program has such a Kind. Model and access
// control are part of what a Kind is; the limits may be chosen, below ours.
func supported(k Kind) bool {
	for _, ours := range Kinds() {
		if ours.ID == k.ID {
			return k.Model == ours.Model && k.Access == ours.Access && k.MaxCount <= ours.MaxCount && k.MaxSize <= ours.MaxSize
		}
	}
	return false
}

// never is when an office's document expires: no phone needs a clock.
var never = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)

// New is the first document of an office: the founder signs it and those to come.
func New(office string, founder overlay.ID, root []byte) *Document {
	return &Document{
		Office: office, Sequence: 1, Expiration: never,
		RootCerts:  [][]byte{root},
		MaxMessage: reload.MaxMessage, InitialTTL: reload.MaxTTL,
		Reliability: 500 * time.Millisecond, UpdateInterval: 15 * time.Second, PingInterval: time.Minute, Reactive: true,
		ConfigSigners: []overlay.ID{founder}, KindSigners: []overlay.ID{founder},
		Kinds: Kinds(),
	}
}
