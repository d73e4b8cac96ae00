package chord

import (
	"chordophone/overlay"
)

// Event is what happens to a node: one of the types below.
type Event interface{ event() }

type (
	// Start begins the life of the node with what its disk held. It joins
	// through one of the known peers; when none of them answers it is a ring of
	// its own and goes on looking for the others.
	Start struct {
		Known   []overlay.Peer
		Records []overlay.Record
	}

	// Stop makes it leave: it hands its records over, tells its neighbours, and
	// then says Left.
	Stop struct{}

	// Receive is a message that came over the connection to the node From. Its
	// signature, and those of the records in it, were verified before.
	Receive struct {
		From overlay.Peer
		Msg  Message
	}

	// Lost says that a node cannot be reached: the connection broke or was
	// refused.
	Lost struct{ Peer overlay.ID }

	// Heard gives addresses at which other nodes of the office may be: from
	// discovery, configuration or memory.
	Heard struct{ Peers []overlay.Peer }

	// Find looks for the node responsible for Key (answer Found).
	Find struct {
		Ref uint64
		Key overlay.ID
	}

	// Get looks for the records of a Resource (answer Got).
	Get struct {
		Ref      uint64
		Resource overlay.ID
		Kinds    []overlay.Kind
	}

	// Put stores a signed record of this node's user (answer Kept).
	Put struct {
		Ref    uint64
		Record overlay.Record
	}

	// Forget drops records whose signatures count no longer: their signer was
	// revoked.
	Forget struct{ Slots []overlay.Slot }

	// Ask sends a request to one node, for those who look after the ring from
	// outside: audits, consoles (answer Replied).
	Ask struct {
		Ref  uint64
		To   overlay.Peer
		Body Body
	}

	// Tick says that the time Next asked for has come.
	Tick struct{}
)

// Action is what the node wants done, in the order given: what must be durable
// stands before the message that promises it.
type Action interface{ action() }

type (
	// Send sends a message to a neighbour. Its Addr is unknown when there is
	// a connection to it already.
	Send struct {
		To  overlay.Peer
		Msg Message
	}

	// Save makes a record durable before the next action is carried out.
	Save struct{ Record overlay.Record }

	// Drop forgets one.
	Drop struct{ Slot overlay.Slot }

	// Found answers Find. The node is responsible for the key, but need not
	// have it as its ID.
	Found struct {
		Ref  uint64
		Peer overlay.Peer
		Path []overlay.ID // the way there, the node itself last; none when it is this one
		Err  error
	}

	// Replied answers Ask. Body is nil when nothing came.
	Replied struct {
		Ref  uint64
		Body Body
	}

	// Got answers Get with the newest version of each record, without
	// tombstones and what has expired.
	Got struct {
		Ref     uint64
		Records []overlay.Record
		Hops    int
		Err     error
	}

	// Kept answers Put: the record is on the disks of Copies nodes.
	Kept struct {
		Ref    uint64
		Copies int
		Err    error // ErrTooOld when the ring has a newer version: see Newer
		Newer  overlay.Version
	}

	// Ring says that the node's view of the ring changed.
	Ring struct{ View View }

	// Left says that a node that was told to Stop may be switched off.
	Left struct{}
)

// View is the ring as one node sees it.
type View struct {
	Self    overlay.Peer
	Joined  bool
	Pred    overlay.Peer // zero when unknown
	Succ    []overlay.Peer
	Fingers []overlay.Peer
	Size    int // estimate of the number of nodes, this one included
}

func (Start) event()   {}
func (Stop) event()    {}
func (Receive) event() {}
func (Lost) event()    {}
func (Heard) event()   {}
func (Find) event()    {}
func (Get) event()     {}
func (Put) event()     {}
func (Ask) event()     {}
func (Forget) event()  {}
func (Tick) event()    {}

func (Send) action()    {}
func (Save) action()    {}
func (Drop) action()    {}
func (Found) action()   {}
func (Got) action()     {}
func (Kept) action()    {}
func (Replied) action() {}
func (Ring) action()    {}
func (Left) action()    {}
