package board

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"chordophone/hal"
)

// ErrUnknown means that there is no board of that name.
var ErrUnknown = errors.New("no such board")

// Board is a telephone's hardware.
type Board struct {
	Name    string
	Chip    string // label of the GPIO chip, "" for the one at the 40-pin header
	Keypad  Keypad // without rows if there is none
	Hook    Hook
	Keys    []Key  // with lines of their own, in the order of the file
	Dial    *Input // rotary: active while a pulse interrupts the contact
	Lamps   []Lamp // in the order of the file
	Ringer  *Output
	Bell    *Output // a relay that closes while the ringer sounds
	Audio   *Audio
	Display *Display

	// RingerDevice is the ALSA device that rings, "" for none.
	RingerDevice string

	// Amplifier is on while there is something to hear: the handset is lifted, or
	// the telephone rings.
	Amplifier *Output

	// Virtual says that the board has no wires: its name is term or pipe.
	Virtual bool
}

// Line is the number of a GPIO line.
type Line int

func (l Line) String() string { return fmt.Sprintf("GPIO%d", int(l)) }

// Pin is the line's pin on the 40-pin header if it is one of HeaderChips; 0 if it has none.
func (l Line) Pin() int { return pins[l] }

// Keypad is a matrix of keys.
type Keypad struct {
	Rows, Cols []Line
	Keys       [][]hal.Key // [row][column]
	Settle     time.Duration
}

// Hook is the switch in the cradle: active while the handset rests.
type Hook struct {
	Input
	Flash bool // a short dip is the recall key
}

// Key is one with a line of its own, active while it is pressed.
type Key struct {
	Key hal.Key
	Input
}

// Pull is the resistor at an input.
type Pull string

const (
	PullUp   Pull = "up"
	PullDown Pull = "down"
	PullNone Pull = "none"
)

// Input is a contact.
type Input struct {
	Line      Line
	Pull      Pull
	ActiveLow bool
}

// Output drives something.
type Output struct {
	Line      Line
	ActiveLow bool
	PWM       PWM
}

// PWM is what an output does while it is on instead of standing still. Zero: it
// stands still.
type PWM struct {
	Hertz int // how often a second it goes on and off
	Duty  int // how long of each time it is on, in percent
}

// Lamp is one lamp of a hal.Picture.
type Lamp struct {
	Index  int // into hal.Picture
	Output     // its light; the green one if it has two
	Red    *Output
}

// Audio names the ALSA devices of the handset.
type Audio struct {
	Capture, Playback string
	Rate              int    // samples a second
	Speaker           bool   // the microphone hears the earpiece: a loudspeaker, not a handset
	SideTone          int    // dB, how loud a speaker hears himself, less than 0; 0: not at all
	Control           string // of the card that is its volume, "" for the usual one
	Volume            int    // where that stands at normal loudness, percent; 0: where it changes nothing
}

// Display is a text display on I2C.
type Display struct {
	Driver         string
	Bus            int
	Address        uint16
	Lines, Columns int
}

// Pulses says whether an output of the board is one that the computer switches on and off
// by itself (PWM), for which a Raspberry Pi must be told when it starts.
func (b *Board) Pulses() bool {
	for _, l := range b.Lamps {
		if l.PWM != (PWM{}) {
			return true
		}
	}
	return b.Ringer != nil && b.Ringer.PWM != (PWM{})
}

//go:embed boards
var files embed.FS

const suffix = ".board"

// virtual are the boards without wires.
var virtual = [...]string{"term", "pipe"}

// Known returns the names of the boards that come with the telephone.
func Known() []string {
	var names []string
	entries, err := fs.ReadDir(files, "boards")
	if err != nil {
		panic("BUG: board: " + err.Error())
	}
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), suffix))
	}
	return append(names, virtual[:]...)
}

// Get returns a known board.
func Get(name string) (*Board, error) {
	for _, v := range virtual {
		if name == v {
			return &Board{Name: name, Virtual: true}, nil
		}
	}
	f, err := files.Open("boards/" + name + suffix)
	if err != nil {
		return nil, fmt.Errorf("%w: %q (known are %s; a file is named with its path)", ErrUnknown, name, strings.Join(Known(), ", "))
	}
	defer f.Close()
	return Parse(f)
}

// Source returns the text of a known board with wires, to start one's own from.
func Source(name string) (string, error) {
	b, err := files.ReadFile("boards/" + name + suffix)
	if err != nil {
		return "", fmt.Errorf("%w: %q", ErrUnknown, name)
	}
	return string(b), nil
}

// Open returns a known board, or reads the board file of that path if the name has
// a slash or a dot in it.
func Open(nameOrFile string) (*Board, error) {
	if !strings.ContainsAny(nameOrFile, "/.") {
		return Get(nameOrFile)
	}
	f, err := os.Open(nameOrFile)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := Parse(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", nameOrFile, err)
	}
	return b, nil
}
