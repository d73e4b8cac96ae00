package link

import (
	"context"
	"crypto/tls"
	"errors"
	"iter"
	"log/slog"
	"net/netip"
	"time"

	"chordophone/overlay"
	"chordophone/overlay/chord"
	"chordophone/overlay/reload"
)

// EnrolALPN is the application protocol of a phone that has no certificate yet
// and asks for one. Connections that negotiate it carry no RELOAD.
const EnrolALPN = "chordophone-enrol/1"

// UpdateALPN is the application protocol by which members hand each other releases.
const UpdateALPN = "chordophone-update/1"

// Bounds on what the other side may cost.
const (
	dialTimeout      = 1 * time.Second // TCP and TLS together
	handshakeTimeout = 3 * time.Second // for those who dial us
	frameTimeout     = 5 * time.Second // from the first octet of a frame to its last, and for each write
	drainTimeout     = 5 * time.Second // from close_notify to the end
	enrolTimeout     = 60 * time.Second
	idleTimeout      = 2 * time.Minute // without a message in either direction

	maxConns        = 256 // active connections; beyond, the longest idle one is drained
	maxDials        = 64
	maxHandshakes   = 64 // of those who dial us, and of one address:
	maxHandshakesIP = 16
	maxEnrol        = 4
	maxQueue        = 256 // messages that wait for one peer
	maxQueueOctets  = reload.MaxMessage * 5 / 4
	maxUnacked      = 256 // frames sent and not acknowledged
	maxEvents       = 256 // that the node, busy with its disk, has not taken yet
	messageRate     = 500 // per second and connection, sustained; the rest has to wait
	messageBurst    = 1000

	minAckTimeout = 2 * time.Second // the other side may be at its disk
	maxAckTimeout = 6 * time.Second
)

// Errors of Listen.
var (
	ErrAddrInUse = errors.New("link: address in use")
	ErrConfig    = errors.New("link: incomplete configuration")
)

// Config is what a Link needs to know of the world.
type Config struct {
	Self   overlay.Peer // our Node-ID and the address we listen at
	Office string       // overlay name

	// TLS makes the configuration for dialling a peer. It must refuse a
	// certificate that does not name that Node-ID; the zero ID stands for any
	// member of the office.
	TLS func(peer overlay.ID) *tls.Config

	// ServerTLS is for those who dial us: mutual TLS 1.3. It may offer EnrolALPN
	// to those who have no certificate.
	ServerTLS *tls.Config

	// NodeOf is the Node-ID that PeerCertificates[0] names. It is asked about
	// verified connections, and about certificates that Verify or VerifyRecord
	// sees afterwards.
	NodeOf func(tls.ConnectionState) (overlay.ID, error)

	// Sign signs octets as this node; Verify checks a signature with its chain
	// and says whose it is.
	Sign   func(msg []byte) (overlay.Signature, error)
	Verify func(msg []byte, s overlay.Signature) (overlay.ID, error)

	// VerifyRecord checks a record's signature, that Owner is the signer, and that
	// it may write there. Nil checks the first two with Verify.
	VerifyRecord func(overlay.Record) error

	// Ring is the ring as this node sees it, Records a walk over what it keeps
	// for the ring. Both are for answers to Probe, RouteQuery, Find and PathTrack;
	// without Ring those are refused, and so is what is to be passed on to a
	// resource. Both may be nil.
	Ring    func() chord.View
	Records iter.Seq[overlay.Slot]

	// Time is what the clock here says, for answers to Probe. Nil: nothing.
	Time func() reload.OfficeTime

	// Configuration is the document in force. Nil stands for one with sequence
	// number 1 that never changes.
	Configuration Configuration

	// Tap is told of every frame. Nil: nobody.
	Tap Tap

	// Version is what PathTrack tells of this program; none when it is empty.
	Version string

	// Enrol serves a connection that negotiated EnrolALPN and closes it. Nil
	// refuses them.
	Enrol func(ctx context.Context, c *tls.Conn)

	// Update serves a connection of a member that negotiated UpdateALPN and closes
	// it, in time and not too many at once. Nil refuses them.
	Update func(ctx context.Context, c *tls.Conn, from overlay.ID)

	// ShutOut is told of members whom this node has dialled and who will not have its
	// certificate: they know it revoked. One of them alone may lie. Nil: nobody.
	ShutOut func(by overlay.Peer)

	Log *slog.Logger // nil: none
}

// Configuration is the overlay's configuration document.
// RFC 6940, sections 6.3.2.1 and 6.5.4
type Configuration interface {
	// Sequence is the document's sequence number, 0 to 65534.
	Sequence() uint16

	// Document is what brings a node with an older one up to date; nil: nothing.
	Document() []byte

	// Update judges a new document, or new Kinds, which a node sends, and takes
	// over what is good. A reload.Refusal is what the node is answered with, any
	// other error Error_Invalid_Message.
	Update(from overlay.ID, req reload.ConfigUpdateReq) error
}

// Tap is told of every frame that goes over a connection, as it is inside TLS.
// RFC 6940, section 6.6.2
type Tap interface {
	// Frame must not block, and must not keep or change the frame.
	Frame(at time.Time, from, to netip.AddrPort, frame []byte)
}

func (c Config) check() error {
	switch {
	case c.Self.ID.IsZero(), !c.Self.Addr.IsValid(), c.Office == "", c.TLS == nil, c.ServerTLS == nil,
		c.NodeOf == nil, c.Sign == nil, c.Verify == nil:
		return ErrConfig
	}
	return nil
}
