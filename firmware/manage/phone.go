package manage

import (
	"context"
	"io"
	"time"

	"chordophone/firmware/backup"
	"chordophone/firmware/config"
	"chordophone/firmware/metrics"
	"chordophone/firmware/phone/selftest"
	"chordophone/hal"
)

// Phone is what the console needs of the rest of the firmware. Its methods may be
// called concurrently, and return soon after ctx is done. An error that has a
// method Hint() string is shown with it. Node-IDs are 32 hexadecimal digits.
type Phone interface {
	Desk
	Ringside
	Office
	Accounts
	Contacts
	Messages
	Recorder
	Keeper
	Configuration
}

// Desk is this one phone.
type Desk interface {
	Status(ctx context.Context) (Status, error)
	Version() Version

	// Clock is the time of day of this phone.
	Clock(ctx context.Context) (Clock, error)

	// SetClock sets it as a person says, forward only.
	SetClock(ctx context.Context, to time.Time) (Clock, error)

	// Calls are those in progress and then the last n of the call log, newest
	// first.
	Calls(ctx context.Context, n int) ([]Call, error)

	// SelfTest is what can be said of the phone's parts without a person.
	SelfTest(ctx context.Context) ([]selftest.Result, error)
}

// Ringside is the ring as seen from this phone.
type Ringside interface {
	Ring(ctx context.Context) (Ring, error)

	// Lookup finds where an address of record ("sip:102@office") is reached.
	// One that nobody in the office has is an error, one that is not
	// registered now has no bindings.
	Lookup(ctx context.Context, aor string) (Lookup, error)

	// Trace is Lookup that names the nodes that were asked on the way.
	Trace(ctx context.Context, aor string) (Trace, error)

	// Audit goes once round the ring, compares all copies of all records, and
	// repairs what it can.
	Audit(ctx context.Context) (Audit, error)
}

// Office is who belongs to it.
type Office interface {
	Members(ctx context.Context) ([]Member, error)
	Registrations(ctx context.Context) ([]Registration, error)

	// Revoke bars the member with this Node-ID from the office for ever.
	Revoke(ctx context.Context, node string) error

	// OpenEnrolment lets newcomers in for a while with a new pairing code.
	OpenEnrolment(ctx context.Context) (Enrolment, error)

	// OpenEnrolmentFor lets one newcomer in, which gets this extension: in the place
	// of the phone that has it, if that is dead. Nothing happens to that one until the
	// newcomer is there.
	OpenEnrolmentFor(ctx context.Context, extension string) (Enrolment, error)
	CloseEnrolment(ctx context.Context) error
}

// Accounts are those of existing SIP clients. They are valid at every phone.
type Accounts interface {
	Accounts(ctx context.Context) ([]Account, error)

	// AddAccount makes one. Without a password it makes a good one; NewAccount has
	// the password in that case only.
	AddAccount(ctx context.Context, user, password, name string) (NewAccount, error)
	RemoveAccount(ctx context.Context, user string) error
}

// Contacts is the list of contacts of this phone.
type Contacts interface {
	Contacts(ctx context.Context) ([]Contact, error)

	// SetContact adds one or replaces that of the same number.
	SetContact(ctx context.Context, c Contact) error
	RemoveContact(ctx context.Context, number string) error
}

// Messages are those that wait for this phone, oldest first.
type Messages interface {
	Messages(ctx context.Context) ([]Message, error)
	DeleteMessage(ctx context.Context, id string) error
}

// Recorder tells what happened and what happens. Each Write of its methods is one
// whole line or packet. A Write may wait for the client (that of Capture and of a
// followed Log does not: it drops), so no lock is to be held round it; its error
// says that the client has gone, and ends the method.
type Recorder interface {
	// Capture writes a pcap file with the overlay's messages, its header at
	// once, until ctx is done.
	Capture(ctx context.Context, w io.Writer) error

	// Dump writes the last events of the ring and of the telephone in the form
	// that tools/replay and the stories in testdata have.
	Dump(ctx context.Context, w io.Writer) error

	// Log writes the last lines of the log and, if it is to follow, new ones
	// until ctx is done.
	Log(ctx context.Context, w io.Writer, follow bool) error
}

// Keeper keeps and counts.
type Keeper interface {
	// Backup writes all that this phone is and knows, encrypted to the passphrase.
	Backup(ctx context.Context, w io.Writer, passphrase string) (backup.Manifest, error)

	// Restore brings that back. The phone is to be started again then.
	Restore(ctx context.Context, r io.Reader, passphrase string, o backup.Options) (backup.Restored, error)

	Metrics(ctx context.Context) ([]metrics.Family, error)

	// Watch tells what each telephone of the office does ("idle", "ringing", "busy",
	// "held", "unreachable", "offline", "unknown"), by its extension, at once and with
	// each change, until ctx is done. told does not wait.
	Watch(ctx context.Context, told func(extension, state string)) error
}

// Configuration is that of this phone.
type Configuration interface {
	// Settings tells what holds, and what the file says by now. It has no secrets.
	Settings(ctx context.Context) (config.Report, error)

	// Configure gives a key other values in the file, or takes it out if there are
	// none. The error is a *config.Error for what cannot hold; then nothing is changed.
	Configure(ctx context.Context, key string, values []string) error
}

// Appliance is the machine that the program owns, if it does.
type Appliance interface {
	// Install writes a release beside the one that runs. The machine starts with it,
	// on trial, as soon as nobody calls.
	Install(ctx context.Context, r io.Reader, progress func(Progress)) error

	Installed(ctx context.Context) (Installed, error)

	// Leave starts the machine, as soon as nobody calls, with a release that waits for
	// its hour.
	Leave(ctx context.Context) error

	// Reboot begins to end the program, in order, and then starts the machine.
	Reboot(ctx context.Context) error
}

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
