package phone

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"chordophone/hal"
)

// ErrSnapshot means that a text is no snapshot.
var ErrSnapshot = errors.New("phone: not a snapshot")

// snapshot is all that a Phone is, without its Config. Times are since a moment
// that both sides know, so that the text says nothing of the clock.
type snapshot struct {
	Now time.Duration

	Online                  bool   `json:",omitzero"`
	Extension, Office, Node string `json:",omitzero"`
	Reason                  string `json:",omitzero"`
	Code                    string `json:",omitzero"` // starred
	Contacts                lamps  `json:",omitzero"`

	State            state          `json:",omitzero"`
	Deadline         *time.Duration `json:",omitzero"` // nil: none
	Number           string         `json:",omitzero"`
	Call, Peer, Name string         `json:",omitzero"`
	Since            *time.Duration `json:",omitzero"` // nil: not answered
	Tone             uint8          `json:",omitzero"`
	Text             string         `json:",omitzero"`
	Stalled          bool           `json:",omitzero"`
	Dialled          int            `json:",omitzero"`
	Missed           string         `json:",omitzero"`

	ShownRing    Ring     `json:",omitzero"`
	ShownOpen    bool     `json:",omitzero"`
	ShownTone    uint8    `json:",omitzero"`
	ShownCall    string   `json:",omitzero"`
	ShownPicture lamps    `json:",omitzero"`
	ShownLines   []string `json:",omitzero"`
	Dropped      int      `json:",omitzero"`
}

// lamps is a hal.Picture as numbers.
type lamps [hal.Lamps]uint16

func lampsOf(p hal.Picture) (l lamps) {
	for i, s := range p {
		l[i] = uint16(s)
	}
	return l
}

func (l lamps) picture() (p hal.Picture, err error) {
	for i, s := range l {
		if s > uint16(hal.Blip) {
			return p, fmt.Errorf("%w: signal %d", ErrSnapshot, s)
		}
		p[i] = hal.Signal(s)
	}
	return p, nil
}

// Stars hides a pairing code.
func Stars(code string) string {
	return strings.Map(func(rune) rune { return '*' }, code)
}

// HideCode hides the pairing code in the lines of a display that shows one.
func HideCode(lines []string) []string {
	lines = slices.Clone(lines)
	for i, l := range lines {
		if code, ok := strings.CutPrefix(l, "code "); ok {
			lines[i] = "code " + Stars(code)
		}
	}
	return lines
}

// Snapshot is the telephone between two Steps as one line of JSON, its pairing
// code starred: a recording that does not go back to New begins with it. Times
// are given since begin.
func (p *Phone) Snapshot(begin time.Time) string {
	since := func(t time.Time) *time.Duration {
		if t.IsZero() {
			return nil
		}
		d := t.Sub(begin)
		return &d
	}
	s := snapshot{
		Online: p.online, Extension: p.extension, Office: p.office, Node: p.node,
		Reason: p.reason, Code: Stars(p.code), Contacts: lampsOf(p.contacts),
		State: p.state, Deadline: since(p.deadline), Number: p.number,
		Call: p.call.id, Peer: p.call.peer, Name: p.call.name, Since: since(p.call.since),
		Tone: uint8(p.tone), Text: p.text, Stalled: p.stalled, Dialled: p.dialled, Missed: p.missed,
		ShownRing: p.shown.ring,
		ShownOpen: p.shown.sound.Open, ShownTone: uint8(p.shown.sound.Tone), ShownCall: p.shown.sound.Call,
		ShownPicture: lampsOf(p.shown.picture), ShownLines: p.shown.lines, Dropped: p.dropped,
	}
	if p.code != "" {
		s.ShownLines = HideCode(s.ShownLines)
	}
	if !p.now.IsZero() {
		s.Now = p.now.Sub(begin)
	}
	text, err := json.Marshal(s)
	if err != nil {
		panic("BUG: phone: " + err.Error())
	}
	return string(text)
}

// Resume is the telephone of which text is a Snapshot.
func Resume(cfg Config, text string, begin time.Time) (*Phone, error) {
	var s snapshot
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		return nil, fmt.Errorf("%w: %v", ErrSnapshot, err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("%w: something follows the end", ErrSnapshot)
	}
	contacts, err := s.Contacts.picture()
	if err != nil {
		return nil, err
	}
	shown, err := s.ShownPicture.picture()
	if err != nil {
		return nil, err
	}
	inCall := s.State == talking || s.State == answering || s.State == dialling || s.State == ringing
	timed := s.State == ready || s.State == collecting || s.State == confirmed || s.State == refused || s.State == ringing
	switch {
	case s.State > parked:
		return nil, fmt.Errorf("%w: state %d", ErrSnapshot, s.State)
	case max(s.Tone, s.ShownTone) > uint8(hal.Confirm):
		return nil, fmt.Errorf("%w: tone %d", ErrSnapshot, max(s.Tone, s.ShownTone))
	case inCall != (s.Call != ""), s.Deadline != nil && !timed, (s.State == talking) && s.Since == nil:
		return nil, fmt.Errorf("%w: its parts do not agree", ErrSnapshot)
	}
	at := func(d *time.Duration) (t time.Time) {
		if d != nil {
			t = begin.Add(*d)
		}
		return t
	}
	return &Phone{
		cfg: cfg, now: begin.Add(s.Now),
		online: s.Online, extension: s.Extension, office: s.Office, node: s.Node,
		reason: s.Reason, code: s.Code, contacts: contacts,
		state: s.State, deadline: at(s.Deadline), number: s.Number,
		call: call{id: s.Call, peer: s.Peer, name: s.Name, since: at(s.Since)},
		tone: hal.Tone(s.Tone), text: s.Text, stalled: s.Stalled, dialled: s.Dialled, missed: s.Missed,
		shown: levels{
			ring:    s.ShownRing,
			sound:   Sound{Open: s.ShownOpen, Tone: hal.Tone(s.ShownTone), Call: s.ShownCall},
			picture: shown,
			lines:   s.ShownLines,
		},
		dropped: s.Dropped,
	}, nil
}
