package chord

import (
	"net/netip"

	"chordophone/overlay"
)

// Message is one RELOAD message as the state machine sees it: link turns it into
// octets and back.
//
// A request travels along To and collects the nodes it passed in Via; its answer
// goes the same way back. // RFC 6940, section 6.1.2 (symmetric recursive routing)
type Message struct {
	Tx   uint64       // transaction-ID: chosen by the requester, repeated in the answer
	From overlay.Peer // who made and signed it; Addr may be unknown when it came over other nodes
	To   []Dest       // destination list: the next one first
	Via  []overlay.ID // via list: the maker first; the node a message is received from is not in it
	TTL  uint8        // hops left
	Body Body

	// Raw is what From signed, as it stood on the wire. Link sets it, and needs it
	// to pass a message of another node on with its signature whole; it ignores
	// Raw when From is the node itself. Forward a message with its Raw as it is.
	Raw []byte
}

// Dest is one entry of a destination list.
type Dest struct {
	ID       overlay.ID
	Resource bool // deliver to whoever is responsible for ID, not to the node ID itself
}

// Body is what a Message says: one of the types below.
type Body interface{ body() }

// Table is a node's neighbours: the nodes before it and after it on the ring,
// nearest first. Zave's rules use one predecessor; RELOAD keeps more. Addr is
// where the node itself listens, for those who got the table over other nodes;
// it may be unknown.
type Table struct {
	Pred []overlay.Peer
	Succ []overlay.Peer
	Addr netip.AddrPort
}

// Requests. Each is answered by the type named, or by an Error.
type (
	// Ping asks for a node's Table (answer Pong). Routed to a Resource it finds
	// the node responsible. It is "query" in Zave's rules. Seen is the digest of
	// the Table that the asker last had from that node; 0: none.
	Ping struct{ Seen uint64 }

	// Join asks the node responsible for the joining node's ID to hand over the
	// records in its arc before it answers (answer Joined).
	Join struct{ Joining overlay.Peer }

	// Update tells the receiver that the sender takes it for its successor:
	// "notify" in Zave's rules (answer Ack).
	Update struct{ Table Table }

	// Leave says that the sender leaves, and who its neighbours were (answer
	// Ack).
	Leave struct{ Table Table }

	// Store hands records over (answer Stored). Replica 0 is to the node
	// responsible, which replicates; a greater number is to a holder of that
	// copy, which does not.
	Store struct {
		Replica uint8
		Records []overlay.Record
	}

	// Fetch asks for the records of one Resource and of the Kinds named (answer
	// Fetched). Seen is the digest of those that the asker holds; 0: none.
	Fetch struct {
		Resource overlay.ID
		Kinds    []overlay.Kind
		Seen     uint64
	}

	// Stat asks which records the receiver holds of the arc (After, Upto]
	// (answer Versions): what anti-entropy compares. Seen is the digest of what
	// the asker itself holds there; 0: it asks for the list.
	Stat struct {
		After, Upto overlay.ID
		Seen        uint64
	}
)

// Answers.
type (
	// Pong is this node's Table. Same says, instead, that it is the one whose
	// digest the Ping named.
	Pong struct {
		Table Table
		Same  bool
	}
	Joined struct{ Table Table }
	Ack    struct{ Of AckOf } // to an Update or a Leave

	// Stored says how many nodes have the records on disk, the answerer
	// included.
	Stored struct{ Copies uint8 }

	// Fetched is the records, tombstones included. Same says, instead, that they
	// are those of which the Fetch gave the digest.
	Fetched struct {
		Records []overlay.Record
		Same    bool
	}

	// Versions is what the answerer holds. Same says, instead, that it is what
	// the Stat gave the digest of.
	Versions struct {
		Held []Held
		Same bool
	}

	// Error is RELOAD's ErrorResponse. // RFC 6940, section 6.3.3.1
	Error struct {
		Code Code
		Info string
	}
)

// Held is one record's name and version. Sum tells two records with the same of
// these apart: it is the beginning of a hash over all that the writer signed, and
// the signature.
type Held struct {
	overlay.Slot
	Version overlay.Version
	Sum     uint64
}

// AckOf tells an Ack what it acknowledges.
type AckOf uint8

const (
	AckUpdate AckOf = iota + 1
	AckLeave
)

// Code is RELOAD's error code. // RFC 6940, section 14.9
type Code uint16

const (
	Forbidden          Code = 2
	NotFound           Code = 3
	RequestTimeout     Code = 4
	GenerationTooLow   Code = 5
	IncompatibleConfig Code = 6
	UnsupportedForward Code = 7
	DataTooLarge       Code = 8
	DataTooOld         Code = 9 // Error.Info holds the version that stands, in decimal
	TTLExceeded        Code = 10
	MessageTooLarge    Code = 11
	UnknownKind        Code = 12
	UnknownExtension   Code = 13
	ResponseTooLarge   Code = 14
	ConfigTooOld       Code = 15
	ConfigTooNew       Code = 16
	InProgress         Code = 17
	InvalidMessage     Code = 20
)

func (Ping) body()     {}
func (Pong) body()     {}
func (Join) body()     {}
func (Joined) body()   {}
func (Update) body()   {}
func (Leave) body()    {}
func (Ack) body()      {}
func (Store) body()    {}
func (Stored) body()   {}
func (Fetch) body()    {}
func (Fetched) body()  {}
func (Stat) body()     {}
func (Versions) body() {}
func (Error) body()    {}
