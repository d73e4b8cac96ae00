package dashboard

// Event is what the model is told.
type Event interface{ event() }

type (
	// Resize is the size of the terminal.
	Resize struct{ Columns, Rows int }

	// Press is one key.
	Press struct{ Key Key }

	// Data is what the office looks like now.
	Data struct{ Snapshot }

	// Output is what a command has written.
	Output struct{ Text string }

	// Done says that the command has ended.
	Done struct{ Status int }

	// Completed answers Complete: the line, and what may follow if there is more
	// than one way.
	Completed struct {
		Line    string
		Choices []string
	}
)

// Action is what the model wants.
type Action interface{ action() }

type (
	// Run carries out a command line. Output follows, and then Done.
	Run struct{ Line string }

	// Interrupt ends the command that runs.
	Interrupt struct{}

	// Complete asks how a line may go on.
	Complete struct{ Line string }

	// Shell leaves the dashboard for the line prompt.
	Shell struct{}

	// Redraw wants the whole screen painted again.
	Redraw struct{}

	// Quit ends.
	Quit struct{}
)

func (Resize) event()    {}
func (Press) event()     {}
func (Data) event()      {}
func (Output) event()    {}
func (Done) event()      {}
func (Completed) event() {}

func (Run) action()       {}
func (Interrupt) action() {}
func (Complete) action()  {}
func (Shell) action()     {}
func (Redraw) action()    {}
func (Quit) action()      {}

// Snapshot is the office as this telephone sees it.
type Snapshot struct {
	Extension, Name, Office, Version string

	Ready    bool
	Ring     int    // phones in it
	Uptime   int64  // seconds
	Problem  string // what somebody should see to, "" if nothing
	Problems int

	Phones        []Phone
	Calls         []Call // in progress first
	Registrations []Registration
	Log           []string // lines, oldest first
}

// Phone is one of the office.
type Phone struct {
	Extension, Name, Address string

	Node    string // its place on the ring, hexadecimal
	State   string // idle, ringing, busy, held, offline, unreachable, unknown
	Self    bool
	Online  bool // it is in the ring now
	Revoked bool
}

// Call is one in progress, or one that has ended.
type Call struct {
	Incoming     bool
	Number, Name string
	State        string // dialling, ringing, connected, held, ended
	Began        string // time of day
	Seconds      int64  // since it began; of one that has ended: talked
	Cause        string

	// How it sounds; MOS is 0 if nothing was heard.
	MOS, Loss, JitterMS float64 // Loss of 1
	Codec               string
}

// Registration is a place where somebody is reached.
type Registration struct {
	Address, Contact string
	At               string // extension of the phone that serves it
	Agent            string // "" for a telephone of the office
	Seconds          int64  // left
}
