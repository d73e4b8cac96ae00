package manage

import (
	"time"

	"chordophone/hal"
)

// Progress is how far an installation is.
type Progress struct {
	Stage string `json:"stage"` // what is done now
	Done  int64  `json:"done"`  // octets
	Of    int64  `json:"of"`
}

// Installed is what releases the machine has.
type Installed struct {
	Running  string    `json:"running"`           // version
	Slot     string    `json:"slot"`              // that it runs from
	Phase    string    `json:"phase"`             // what the update does now
	Next     string    `json:"next,omitempty"`    // version that is tried next
	Office   string    `json:"office,omitempty"`  // where the phone is with the release of the others
	Earliest time.Time `json:"earliest,omitzero"` // it starts with that then, if nobody calls
	Problem  string    `json:"problem,omitempty"` // what went wrong last
}

// Version says which program this is.
type Version struct {
	Version string `json:"version"`
	Go      string `json:"go"`
	OS      string `json:"os"`
	Arch    string `json:"arch"`
}

// Status is the phone in a few figures.
type Status struct {
	Extension     string      `json:"extension"`
	Name          string      `json:"name,omitempty"`
	Office        string      `json:"office"`
	Node          string      `json:"node"`
	Address       string      `json:"address"` // IP address
	UptimeS       int64       `json:"uptime_s"`
	Ready         bool        `json:"ready"` // it can call and be called
	Enrolling     bool        `json:"enrolling"`
	Version       string      `json:"version"`
	Calls         int         `json:"calls"`          // in progress
	Sound         hal.Sound   `json:"sound,omitzero"` // how the first of them sounds that is heard
	Registrations int         `json:"registrations"`  // as Registrations lists them
	Records       int         `json:"records"`        // kept on this phone's disk
	Clock         Clock       `json:"clock"`
	Ring          RingSummary `json:"ring"`
	MemoryBytes   uint64      `json:"memory_bytes"` // resident
	Problems      []Problem   `json:"problems"`     // what somebody should see to
}

// What Clock.Source says.
const (
	ClockServer = "server" // a time server
	ClockHand   = "set"    // a person, who has set it on this phone
	ClockAgreed = "agreed" // other phones have the same
	ClockTold   = "told"   // a time server or a person, some time ago, through other phones perhaps
	ClockKept   = "kept"   // nobody: it went on from when the phone was last on
	ClockSystem = "system" // of a machine that others look after
)

// Clock is the time of day, and where that is from.
type Clock struct {
	Time   time.Time `json:"time"`   // in the phone's time zone
	Source string    `json:"source"` // one of those above
	Known  bool      `json:"known"`  // somebody who knew it has told it since the phone was started
	With   int       `json:"with"`   // other phones that have the same, give or take a minute, as far as they were asked
	Text   string    `json:"text"`   // Source as a sentence

	// Voices is on how many phones of the office the time must be set for the others to
	// believe it; 0: nobody has set it now.
	Voices int `json:"voices,omitempty"`

	// AheadS is by how many seconds the phone is ahead of what a person has set now: it
	// runs slower until that is over, and other phones are not told.
	AheadS float64 `json:"ahead_s,omitempty"`
}

// RingSummary is this phone's place in the ring.
type RingSummary struct {
	Size        int      `json:"size"`        // phones, this one included
	Predecessor string   `json:"predecessor"` // "" if none is known
	Successors  []string `json:"successors"`
}

// Problem is something that does not stop the phone from working, but should
// not stay so.
type Problem struct {
	Text string `json:"text"`
	Hint string `json:"hint,omitempty"`
}

// Ring is the ring as this phone sees it. The lists hold Node-IDs, nearest first.
type Ring struct {
	Self         string   `json:"self"`
	Joined       bool     `json:"joined"`
	Size         int      `json:"size"` // estimate, this phone included
	Predecessors []string `json:"predecessors"`
	Successors   []string `json:"successors"`
	Fingers      []string `json:"fingers"`
	Peers        []Peer   `json:"peers"` // each node of the lists once, and this phone
}

// Peer is what is known about a node.
type Peer struct {
	Node      string `json:"node"`
	Extension string `json:"extension,omitempty"`
	Address   string `json:"address,omitempty"` // IP:port of the overlay
}

// Member is a phone that was enrolled.
type Member struct {
	Node      string `json:"node"`
	Extension string `json:"extension"`
	Name      string `json:"name,omitempty"`
	Address   string `json:"address,omitempty"` // if it is known
	Online    bool   `json:"online"`            // it is in the ring now
	Self      bool   `json:"self"`              // it is this phone
	Founder   bool   `json:"founder"`           // it holds the office's root key
	Revoked   bool   `json:"revoked"`
}

// Registration is one place where an address of record is reached.
type Registration struct {
	AOR      string `json:"aor"`
	Contact  string `json:"contact"`
	Node     string `json:"node"` // the phone that serves it
	ExpiresS int64  `json:"expires_s"`
	Client   bool   `json:"client"`          // it is an existing SIP client
	Agent    string `json:"agent,omitempty"` // which, by its own words
}

// Lookup is the answer of the location service.
type Lookup struct {
	AOR      string    `json:"aor"`
	Bindings []Binding `json:"bindings"`
	Hops     int       `json:"hops"`
	MS       float64   `json:"ms"`
}

// Binding is one contact of an address of record.
type Binding struct {
	Contact  string `json:"contact"`
	Node     string `json:"node"` // the phone itself, or the one that serves the client
	ExpiresS int64  `json:"expires_s"`
	Client   bool   `json:"client"`          // it is an existing SIP client
	Agent    string `json:"agent,omitempty"` // which, by its own words
}

// Trace is the way to where an address of record is kept.
type Trace struct {
	AOR      string    `json:"aor"`
	Resource string    `json:"resource"` // its point on the ring
	Hops     []Hop     `json:"hops"`     // the last is the node responsible
	Bindings []Binding `json:"bindings"`
	MS       float64   `json:"ms"`
}

// Hop is a node on that way.
type Hop struct {
	Peer
	MS float64 `json:"ms"` // since the look-up began
}

// Audit is what going round the ring has shown.
type Audit struct {
	OK        bool      `json:"ok"`     // all is well now
	Closed    bool      `json:"closed"` // successors lead once round, through every node
	Nodes     int       `json:"nodes"`
	Records   int       `json:"records"` // different ones
	Copies    int       `json:"copies"`
	Missing   int       `json:"missing"`   // copies
	Differing int       `json:"differing"` // copies
	Repaired  int       `json:"repaired"`  // copies
	Findings  []Finding `json:"findings"`  // the first of them
	MS        float64   `json:"ms"`
}

// Finding is one thing that an audit found wrong.
type Finding struct {
	Node     string `json:"node"`
	Resource string `json:"resource,omitempty"`
	Kind     string `json:"kind,omitempty"`
	Problem  string `json:"problem"`
	Repaired bool   `json:"repaired"`
}

// Enrolment is whether newcomers are let in.
type Enrolment struct {
	Open  bool   `json:"open"`
	Code  string `json:"code,omitempty"`
	LeftS int64  `json:"left_s,omitempty"` // until it closes by itself, 0: never

	Extension string `json:"extension,omitempty"`   // that the one newcomer gets
	Replaces  string `json:"replaces,omitempty"`    // node of the phone whose place it takes
	SeenS     int64  `json:"last_seen_s,omitempty"` // since when that is gone; 0: longer than this phone knows
}

// Account is the account of an existing SIP client.
type Account struct {
	User string `json:"user"`
	AOR  string `json:"aor"`
	Name string `json:"name,omitempty"`
	MD5  bool   `json:"md5"`  // it may authenticate with MD5
	Node string `json:"node"` // the phone at which it was made
}

// NewAccount is an account that was made just now.
type NewAccount struct {
	User     string `json:"user"`
	AOR      string `json:"aor"`
	Name     string `json:"name,omitempty"`
	Realm    string `json:"realm"`
	Password string `json:"password,omitempty"` // if it was made here: it cannot be shown again
	Remark   string `json:"remark,omitempty"`   // what is not good about it
}

// Contact is somebody whom this phone knows by name.
type Contact struct {
	Number string `json:"number"` // an extension or a user name
	Name   string `json:"name,omitempty"`
	Lamp   int    `json:"lamp,omitempty"` // that shows what it does, 0: none
}

// Message is one that waits.
type Message struct {
	ID   string    `json:"id"`
	From string    `json:"from"`
	Name string    `json:"name,omitempty"`
	Sent time.Time `json:"sent"` // by the clock of the phone that took it
	Text string    `json:"text"`
}

// Call is a call in progress or an entry of the call log.
type Call struct {
	State     string    `json:"state"` // dialling, ringing, connected, held, ended
	Start     time.Time `json:"start"` // by this phone's clock
	DurationS float64   `json:"duration_s"`
	Incoming  bool      `json:"incoming"`
	Number    string    `json:"number"`
	Name      string    `json:"name,omitempty"`
	Cause     string    `json:"cause,omitempty"`
	Status    int       `json:"status,omitempty"` // SIP's code for that
	Sound     hal.Sound `json:"sound,omitzero"`   // how it sounds or sounded
}
