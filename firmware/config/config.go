// Package config is the command line and the configuration file of chordophone.
// Both are one set of structs: a field of Run is the flag --name and the key
// name of the file, its tags say the rest.
//
//	name      flag and key
//	default   what holds without either
//	help      what it does: shown by --help, written above the key by Print
//	want      what a right value looks like: the hint after a wrong one
//	example   printed, commented out, for a key without a default
//
// A flag overrides the file, the file overrides the default. Nothing else is
// read: no environment, no second file.
//
// What runs can be asked what holds and from where (Run.Report), and for the file
// with another value (Run.Edit), which is checked as at a start.
package config

import (
	"log/slog"
	"net/netip"
	"path/filepath"
	"time"

	"chordophone/firmware/update/rollout"
)

// Command is what Parse found: a pointer to one of the structs below.
type Command interface{ command() }

// Run runs one telephone.
type Run struct {
	Data   string `name:"data" default:"./chordophone-data" example:"/var/lib/chordophone" help:"Folder of all that the telephone keeps." want:"a folder"`
	Config string `name:"config" placeholder:"FILE" file:"-" help:"TOML file in which every other flag is a key (default: config.toml in the data folder, if there is one)." want:"a TOML file; 'chordophone config print' writes one"`

	Listen netip.Addr `name:"listen" placeholder:"IP" example:"192.0.2.7" help:"Bind every service to this one address (default: all)." want:"an IP address of this machine, such as 192.0.2.7"`

	Board string `name:"board" placeholder:"NAME|FILE" example:"handset-4x4" help:"Hardware: a known board, a board file, 'term' (default on a terminal) or 'pipe' (default otherwise)." want:"one of 'chordophone board list', or a file"`
	Mic   string `name:"mic" default:"none" help:"Where sound comes from on a board without its own: a WAV file, alsa:DEVICE, unix:PATH or none." want:"a WAV file, alsa:DEVICE, unix:PATH or none"`
	Ear   string `name:"ear" default:"none" help:"Where sound goes on a board without its own: a WAV file, alsa:DEVICE, unix:PATH or none." want:"a WAV file, alsa:DEVICE, unix:PATH or none"`

	PacketTime uint16 `name:"packet-time" placeholder:"MS" default:"20" help:"Milliseconds of sound in a packet that this telephone wishes to be sent: 10 makes calls to it sound 10 ms earlier and has twice as many packets." want:"10 or 20"`

	Found       string `name:"found" placeholder:"NAME" example:"acme" help:"Found the office of this name if the data folder holds no identity yet." want:"1 to 63 of a-z, 0-9, '-' and '.', like a host name, for it stands in addresses: acme, paris.acme"`
	Join        Secret `name:"join" placeholder:"CODE" example:"4821-9375" help:"Otherwise join the office that answers, with this pairing code." want:"the 6 to 32 digits that the other telephone shows after *73#"`
	PairingCode Secret `name:"pairing-code" placeholder:"CODE" example:"4821-9375" help:"Keep enrolment open with this fixed code. For scripts: whoever knows the code may join until three wrong ones were tried." want:"6 to 32 digits"`
	Extension   string `name:"extension" placeholder:"N" example:"101" help:"Wished extension (default: the next free one from 101)." want:"a number from 100 to 9999"`
	Name        string `name:"name" example:"Front desk" placeholder:"TEXT" help:"Name shown to those who are called." want:"at most 40 printable characters"`

	Peers       []Peer `name:"peer" placeholder:"IP[:PORT]" sep:"none" example:"192.0.2.8" help:"A telephone to ask first, besides those that discovery finds. May be given more than once." want:"an IP address, with a port if it is not 6084: 192.0.2.8 or [2001:db8::8]:6084"`
	NoDiscovery bool   `name:"no-discovery" help:"Do not look for other telephones by multicast." want:"true or false"`

	Accounts []Account `name:"account" placeholder:"USER:PASS" sep:"none" example:"softphone:a long password" help:"Make this SIP account for other clients, if the office has none of that name. May be given more than once. For scripts." want:"USER:PASS, the user of letters, digits and -_.+"`

	Trust    []netip.Prefix `name:"trust" placeholder:"IP/BITS" sep:"none" example:"192.0.2.32/28" help:"SIP clients of this network need no password and may speak as any account: for gateways and measurements. May be given more than once." want:"a network such as 192.0.2.32/28, or one address such as 192.0.2.40/32"`
	Floating netip.Prefix   `name:"floating" placeholder:"IP/BITS" example:"192.0.2.250/24" help:"An address that always one telephone of the office has, the same at all of them: clients that know only one registrar use it, and the next telephone takes it over when one dies. Needs the right to change addresses." want:"a free address of this network with its prefix length, such as 192.0.2.250/24"`
	DNS      uint16         `name:"dns-port" default:"53" help:"Port at which this telephone tells by DNS where the telephones of the office are, for clients that look for the office's name; 0 for none." want:"a port, or 0"`

	CallWaiting bool `name:"call-waiting" help:"Let one more call knock, with a beep, while somebody is talking; otherwise it hears busy." want:"true or false"`

	HotLine string `name:"hot-line" placeholder:"N" example:"100" help:"Number that lifting the handset calls at once: for a door, a lift, a reception. The menu and the contacts' keys still reach others." want:"a number such as 100"`

	SSH     uint16 `name:"ssh-port" default:"2222" example:"22" help:"Port of the console, to which you log in by SSH (on the SD-card image: 22)." want:"a port"`
	Metrics uint16 `name:"metrics-port" default:"0" example:"9100" help:"Port at which this telephone tells its figures by HTTP to whoever asks, in the text format of Prometheus; 0 for none." want:"a port, or 0"`

	WiFi Secret   `name:"wifi" placeholder:"SSID:PASS" example:"office:a long password" help:"On the SD-card image: the wireless network to join, besides the cable." want:"SSID:PASS, the password of 8 to 63 characters"`
	NTP  []string `name:"ntp" placeholder:"HOST" sep:"none" example:"192.0.2.1" help:"On the SD-card image: a time server to ask before those that the network names. May be given more than once." want:"a host name or an IP address"`

	UpdateHours rollout.Hours `name:"update-hours" default:"02:00-05:00" placeholder:"H:M-H:M|any" help:"Hours in which the telephone may start by itself with a release that it has from another one. If it has no clock that can be right it waits for an hour without calls instead. What is given to it by hand, and update now, do not wait for more than the end of calls." want:"two times of a day such as 22:00-05:30, or any"`
	UpdateSoak  time.Duration `name:"update-soak" default:"10m" help:"How long other telephones must have run a release before this one takes it from them." want:"a time up to 720h, such as 10m or 24h"`
	TimeZone    string        `name:"time-zone" default:"Local" example:"Europe/Berlin" help:"Time zone of update-hours and of the clock command (default: that of the machine; on the SD-card image, UTC)." want:"a name of the IANA time zone database such as Europe/Berlin, or UTC"`

	Country string `name:"country" default:"eu" help:"Country whose tones the telephone makes." want:"one of eu, de, at, ch, fr, uk, us, jp, au"`

	LogLevel  slog.Level `name:"log-level" default:"info" help:"Least important messages to log: debug, info, warn or error." want:"debug, info, warn or error"`
	LogFormat string     `name:"log-format" default:"text" help:"How the log on stderr looks: text or json." want:"text or json"`

	from source // of each value that is not the default
}

// fileName is what the configuration file is called in the data folder.
const fileName = "config.toml"

// File returns where the configuration file is, whether or not it exists.
func (r *Run) File() string {
	if r.Config != "" {
		return r.Config
	}
	return filepath.Join(r.Data, fileName)
}

type (
	// Demo plays the scripted office, or an interactive one.
	Demo struct {
		Phones      int    `name:"phones" default:"3" help:"How many telephones." want:"a number from 3 to 20"`
		Out         string `name:"out" default:"build/demo" help:"Folder for sounds and logs." want:"a folder"`
		Speech      string `name:"speech" placeholder:"WAV" help:"What is said (default: a sentence that comes with the program)." want:"a WAV file"`
		Interactive bool   `name:"interactive" help:"Telephone 101 is this terminal; the others answer by themselves."`
	}

	// BoardList lists the known boards.
	BoardList struct{}

	// BoardCheck checks a board file.
	BoardCheck struct {
		File string `arg:"" name:"file" help:"A board file."`
	}

	// BoardShow prints how a known board is wired.
	BoardShow struct {
		Name string `arg:"" name:"name" help:"A known board."`
	}

	// ConfigPrint writes the annotated default configuration: see Print.
	ConfigPrint struct{}

	// ConfigCheck checks a configuration file: see CheckFile.
	ConfigCheck struct {
		File string `arg:"" name:"file" help:"A configuration file."`
	}

	// Restore brings a backup back while no telephone runs on the data folder.
	Restore struct {
		Data    string `name:"data" default:"./chordophone-data" help:"Folder of all that the telephone keeps." want:"a folder"`
		Older   bool   `name:"older" help:"Go back behind what the telephone has."`
		Replace bool   `name:"replace" help:"Make this telephone another one of its office, which is gone."`
	}

	// Release makes and checks signed releases: see firmware/update/publish.
	Release struct {
		Args []string `arg:"" optional:"" help:"What release help lists."`
	}

	// Version prints what program this is.
	Version struct {
		JSON bool `name:"json" help:"As JSON."`
	}

	// Help says that help was asked for and has been written.
	Help struct{}
)

func (*Run) command()         {}
func (*Demo) command()        {}
func (*BoardList) command()   {}
func (*BoardCheck) command()  {}
func (*BoardShow) command()   {}
func (*ConfigPrint) command() {}
func (*ConfigCheck) command() {}
func (*Restore) command()     {}
func (*Release) command()     {}
func (*Version) command()     {}
func (*Help) command()        {}
