package chord

import (
	"errors"
	"time"
)

// Errors in the actions that answer Find, Get and Put.
var (
	ErrTooOld    = errors.New("chord: the ring has a newer version")
	ErrTimeout   = errors.New("chord: no answer from the ring")
	ErrNotJoined = errors.New("chord: not in the ring")
	ErrRefused   = errors.New("chord: the responsible node refused")
	ErrBusy      = errors.New("chord: too many requests at once")
)

// Config holds what can be chosen about a node. All nodes of a ring should use
// the same Successors, Mesh and Copies;
// where lists are of two lengths, as during an update, everything is found, but none of
// the long lists closes and not everybody keeps everything.
type Config struct {
	Successors   int // length of the successor list: Zave's r
	Predecessors int // how many nodes before it a node tells others of
	Mesh         int // up to so many nodes every node keeps every record
	Copies       int // beyond that, the owner's included

	JoinTimeout    time.Duration // without an answer from any known node: a ring of its own
	RequestTimeout time.Duration // for an answer from a neighbour, before it is suspected
	RouteTimeout   time.Duration // for an answer over other nodes, before it is tried again
	OpTimeout      time.Duration // for Find, Get and Put in all

	Round        time.Duration // between stabilisations while something changes
	SettledRound time.Duration // and when nothing did for a while
	FingerCheck  time.Duration // how often each finger is looked up anew
	HoldDown     time.Duration // from a change of neighbours to new replicas
	AntiEntropy  time.Duration // between comparisons with one replica, in turn
	OwnCheck     time.Duration // how often a node looks whether the ring still has its records
	Tombstone    time.Duration // how long a removal is remembered at least
	DeadTime     time.Duration // how long what others say of a dead node is not believed

	MaxRecords  int // kept by this node
	MaxPerOwner int // of one writer
	MaxStore    int // octets of records in one Store
}

// LAN is the preset for phones on one local network.
func LAN() Config {
	return Config{
		Successors:   64,
		Predecessors: 8,
		Mesh:         64,
		Copies:       12,

		JoinTimeout:    700 * time.Millisecond,
		RequestTimeout: 500 * time.Millisecond,
		RouteTimeout:   1500 * time.Millisecond,
		OpTimeout:      5 * time.Second,

		Round: time.Second,
		// A silent death is known to its predecessor after one settled round
		// and one suspicion, to all another suspicion later: below ten seconds.
		SettledRound: 6 * time.Second,
		FingerCheck:  time.Minute,
		HoldDown:     time.Second,
		AntiEntropy:  30 * time.Second,
		OwnCheck:     time.Minute,
		Tombstone:    time.Hour,
		DeadTime:     10 * time.Second,

		MaxRecords:  32768,
		MaxPerOwner: 2048, // one phone may serve a thousand others
		MaxStore:    16000,
	}
}

// Replicas is how many nodes after the owner hold copies in a ring of so many
// nodes: all of a small office, because half of it may lose power at once.
func (c Config) Replicas(nodes int) int {
	if nodes <= c.Mesh {
		return nodes - 1
	}
	return max(2, c.Copies-1)
}

// Sim is LAN with what thousands of nodes in one process need: shorter lists.
func Sim() Config {
	c := LAN()
	c.Successors = 16
	c.Mesh = 16
	c.RouteTimeout = 3 * time.Second
	return c
}

// Bounds that are no matter of taste.
const (
	maxTTL       = 32   // hops; a request that needs more is lost
	maxKnown     = 64   // addresses at which the rest of the ring may be found
	maxContacts  = 192  // nodes of which something is remembered
	maxOps       = 1024 // Find, Get and Put under way
	maxCalls     = 2048
	maxWays      = 24        // by which one request is sent
	maxForwarded = 32        // requests passed on lately, to send them elsewhere when a neighbour breaks
	maxRecent    = 64        // requests handled lately, to drop duplicates
	maxAsking    = 32        // nodes heard of that are being asked
	maxTable     = 128       // nodes that are looked at in a table from outside
	maxHeld      = 2048      // entries of a Versions
	maxFetched   = 800 << 10 // octets of records in a Fetched: a members' list of 500 phones
)
