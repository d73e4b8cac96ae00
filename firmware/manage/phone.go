package manage

import (
	"context"
	"io"
	"time"

	"chordophone/firmware/backup"
	"chordophone/firmware/config"
	"chordophone/firmware/metrics"
	"chordophone/firmware/phone/selftest"
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
