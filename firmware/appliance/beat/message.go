package beat

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"time"
	"unicode/utf8"
)

// Variable is the environment variable that names the file descriptor of the line.
const Variable = "CHORDOPHONE_GUARD"

// LivesVariable is the environment variable that says how often the program was started
// before.
const LivesVariable = "CHORDOPHONE_LIVES"

// Kind is what a message is about.
type Kind string

const (
	Alive    Kind = "alive"    // from a program: Pulses and Busy, every two seconds
	Named    Kind = "named"    // from a program: Text is what the machine is to be called
	Located  Kind = "located"  // from a program: Text is the machine's best address, "" none
	Trouble  Kind = "trouble"  // from a program: Faults are all that is wrong now
	Shift    Kind = "shift"    // from a program: the clock is to be moved by By, see clock.Shift
	Commit   Kind = "commit"   // from a program: this system is good, a trial is over
	Reboot   Kind = "reboot"   // from a program
	TryBoot  Kind = "tryboot"  // from a program: start the other system, once
	PowerOff Kind = "poweroff" // from a program
	Health   Kind = "health"   // to a program: Faults are all that is wrong now
)

// Bounds of a message.
const (
	maxPacket = 16 << 10
	maxPulses = 32
	maxFaults = 16
	maxText   = 256
)

// Message is one packet.
type Message struct {
	Kind   Kind    `json:"kind"`
	Pulses []Pulse `json:"pulses,omitempty"`
	Busy   bool    `json:"busy,omitempty"` // a restart now would cut somebody off
	Text   string  `json:"text,omitempty"`
	Faults []Fault `json:"faults,omitempty"`

	By time.Duration `json:"by_ns,omitempty"`
}

// Pulse is how often a loop has answered.
type Pulse struct {
	Loop  string `json:"loop"`
	Count uint64 `json:"count"`
}

// Fault is something a person should know, with what to do about it.
type Fault struct {
	Message string `json:"message"`
	Hint    string `json:"hint"`
}

// ErrBad says that a packet is no message.
var ErrBad = errors.New("not a message")

// Parse reads a packet.
func Parse(packet []byte) (Message, error) {
	var m Message
	if err := json.Unmarshal(packet, &m); err != nil {
		return m, fmt.Errorf("%w: %w", ErrBad, err)
	}
	ok := len(m.Pulses) <= maxPulses && len(m.Faults) <= maxFaults && short(m.Text)
	for _, p := range m.Pulses {
		ok = ok && short(p.Loop)
	}
	for _, f := range m.Faults {
		ok = ok && short(f.Message) && short(f.Hint)
	}
	switch m.Kind {
	case Alive, Named, Located, Trouble, Shift, Commit, Reboot, TryBoot, PowerOff, Health:
	default:
		ok = false
	}
	if !ok {
		return Message{}, fmt.Errorf("%w: %.40q", ErrBad, packet)
	}
	return m, nil
}

func short(s string) bool { return len(s) <= maxText && utf8.ValidString(s) }

// Send writes a message as one packet.
func Send(c *net.UnixConn, m Message) error {
	b, err := json.Marshal(m)
	if err != nil {
		return err
	}
	_, err = c.Write(b)
	return err
}

// Receive waits for the next message. An error of ErrBad leaves the line in order.
func Receive(c *net.UnixConn) (Message, error) {
	b := make([]byte, maxPacket)
	n, err := c.Read(b)
	if err != nil {
		return Message{}, err
	}
	return Parse(b[:n])
}

// cut shortens a text to what a message takes.
func cut(s string) string {
	s = string([]rune(s))
	for len(s) > maxText {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	return s
}
