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

	"chordophone/firmware/phone/selftest"
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

	Directory   [hal.Lamps]snapshotEntry `json:",omitzero"`
	Messages    int                      `json:",omitzero"`
	Heard       Heard                    `json:",omitzero"`
	Fingerprint string                   `json:",omitzero"`
	Missing     int                      `json:",omitzero"`
	Trouble     string                   `json:",omitzero"`
	HotLine     string                   `json:",omitzero"`

	Finger        rune           `json:",omitzero"`
	FingerDue     *time.Duration `json:",omitzero"` // nil: none
	FingerLong    bool           `json:",omitzero"`
	FingerRepeats int            `json:",omitzero"`
	MenuPage      page           `json:",omitzero"`
	MenuAt        int            `json:",omitzero"`
	MenuUntil     *time.Duration `json:",omitzero"`
	Log           []past         `json:",omitempty"`
	Louder        int            `json:",omitzero"` // than normalVolume
	LouderBell    int            `json:",omitzero"` // likewise
	Locked        bool           `json:",omitzero"`
	Silent        bool           `json:",omitzero"`

	State    state             `json:",omitzero"`
	Deadline *time.Duration    `json:",omitzero"` // nil: none
	Number   string            `json:",omitzero"`
	Call     *snapshotCall     `json:",omitzero"` // nil: none; so for those that follow
	Held     *snapshotCall     `json:",omitzero"`
	Waiting  *snapshotCall     `json:",omitzero"`
	Passing  []snapshotPassage `json:",omitzero"`
	Consult  bool              `json:",omitzero"`
	Joined   bool              `json:",omitzero"`
	Toggled  *time.Duration    `json:",omitzero"`
	Tone     uint8             `json:",omitzero"`
	Text     string            `json:",omitzero"`
	Stalled  bool              `json:",omitzero"`
	Dialled  int               `json:",omitzero"`
	Last     string            `json:",omitzero"`
	Missed   string            `json:",omitzero"`
	Parts    []selftest.Part   `json:",omitempty"`
	Test     *selftest.Test    `json:",omitzero"`
	Told     bool              `json:",omitzero"`
	Note     string            `json:",omitzero"`
	NoteEnd  *time.Duration    `json:",omitzero"`

	ShownRing    Ring     `json:",omitzero"`
	ShownOpen    bool     `json:",omitzero"`
	ShownTone    uint8    `json:",omitzero"`
	ShownCall    string   `json:",omitzero"`
	ShownWith    string   `json:",omitzero"`
	ShownPicture lamps    `json:",omitzero"`
	ShownLines   []string `json:",omitzero"`
	Dropped      int      `json:",omitzero"`
}

type snapshotEntry struct {
	Number, Name string `json:",omitzero"`
}

type snapshotCall struct {
	ID, Peer, Name, Said    string         `json:",omitzero"`
	Since                   *time.Duration `json:",omitzero"` // nil: not answered
	Until                   *time.Duration `json:",omitzero"` // nil: not limited
	Held, FarHeld, Ringback bool           `json:",omitzero"`
	Next                    *snapshotCall  `json:",omitzero"`
}

type snapshotPassage struct {
	Call          *snapshotCall
	Other         *snapshotCall `json:",omitzero"`
	After, Number string        `json:",omitzero"`
	Done          bool          `json:",omitzero"`
}

// since is a time as a snapshot has it.
func since(begin, t time.Time) *time.Duration {
	if t.IsZero() {
		return nil
	}
	d := t.Sub(begin)
	return &d
}

// at undoes since.
func at(begin time.Time, d *time.Duration) (t time.Time) {
	if d != nil {
		t = begin.Add(*d)
	}
	return t
}

func snapshotOf(begin time.Time, c *call) *snapshotCall {
	if c == nil || *c == (call{}) {
		return nil
	}
	return &snapshotCall{
		ID: c.id, Peer: c.peer, Name: c.name, Said: c.said,
		Since: since(begin, c.since), Until: since(begin, c.until),
		Held: c.held, FarHeld: c.farHeld, Ringback: c.ringback, Next: snapshotOf(begin, c.next),
	}
}

func (s *snapshotCall) call(begin time.Time) (c call) {
	if s == nil {
		return c
	}
	c = call{
		id: s.ID, peer: s.Peer, name: s.Name, said: s.Said,
		since: at(begin, s.Since), until: at(begin, s.Until),
		held: s.Held, farHeld: s.FarHeld, ringback: s.Ringback,
	}
	if s.Next != nil {
		next := s.Next.call(begin)
		c.next = &next
	}
	return c
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
		if s > uint16(hal.LastSignal) {
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
	s := snapshot{
		Online: p.online, Extension: p.extension, Office: p.office, Node: p.node,
		Reason: p.reason, Code: Stars(p.code), Contacts: lampsOf(p.contacts),
		Messages: p.messages, Heard: p.heard, Fingerprint: p.fingerprint, Missing: p.missing, Trouble: p.trouble, HotLine: p.hotLine,
		Finger: rune(p.finger.key), FingerDue: since(begin, p.finger.due), FingerLong: p.finger.long, FingerRepeats: p.finger.repeats,
		MenuPage: p.menu.page, MenuAt: p.menu.at, MenuUntil: since(begin, p.menu.until),
		Log: p.log, Louder: p.volume - normalVolume, LouderBell: p.bell - normalVolume, Locked: p.locked, Silent: p.silent,
		Parts: p.parts, Test: p.test, Told: p.told,
		State: p.state, Deadline: since(begin, p.deadline), Number: p.number,
		Call: snapshotOf(begin, &p.call), Held: snapshotOf(begin, &p.held), Waiting: snapshotOf(begin, &p.waiting),
		Consult: p.consult, Joined: p.joined, Toggled: since(begin, p.toggled),
		Tone: uint8(p.tone), Text: p.text, Stalled: p.stalled, Dialled: p.dialled, Last: p.last, Missed: p.missed,
		Note: p.note, NoteEnd: since(begin, p.noteEnd),
		ShownRing: p.shown.ring,
		ShownOpen: p.shown.sound.Open, ShownTone: uint8(p.shown.sound.Tone), ShownCall: p.shown.sound.Call, ShownWith: p.shown.sound.With,
		ShownPicture: lampsOf(p.shown.picture), ShownLines: p.shown.lines, Dropped: p.dropped,
	}
	for i, e := range p.directory {
		s.Directory[i] = snapshotEntry{e.number, e.name}
	}
	for _, one := range p.passing {
		s.Passing = append(s.Passing, snapshotPassage{snapshotOf(begin, &one.call), snapshotOf(begin, &one.other), one.after, one.number, one.done})
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
	p := &Phone{
		cfg: cfg, now: begin.Add(s.Now),
		online: s.Online, extension: s.Extension, office: s.Office, node: s.Node,
		reason: s.Reason, code: s.Code, contacts: contacts, messages: s.Messages,
		heard: s.Heard, fingerprint: s.Fingerprint, missing: s.Missing, trouble: s.Trouble, hotLine: s.HotLine,
		finger: finger{key: hal.Key(s.Finger), due: at(begin, s.FingerDue), long: s.FingerLong, repeats: s.FingerRepeats},
		menu:   menu{page: s.MenuPage, at: s.MenuAt, until: at(begin, s.MenuUntil)},
		log:    s.Log, volume: s.Louder + normalVolume, bell: s.LouderBell + normalVolume, locked: s.Locked, silent: s.Silent,
		parts: s.Parts, test: s.Test, told: s.Told,
		state: s.State, deadline: at(begin, s.Deadline), number: s.Number,
		call: s.Call.call(begin), held: s.Held.call(begin), waiting: s.Waiting.call(begin),
		consult: s.Consult, joined: s.Joined, toggled: at(begin, s.Toggled),
		tone: hal.Tone(s.Tone), text: s.Text, stalled: s.Stalled, dialled: s.Dialled, last: s.Last, missed: s.Missed,
		note: s.Note, noteEnd: at(begin, s.NoteEnd),
		shown: levels{
			ring:    s.ShownRing,
			sound:   Sound{Open: s.ShownOpen, Tone: hal.Tone(s.ShownTone), Call: s.ShownCall, With: s.ShownWith},
			picture: shown,
			lines:   s.ShownLines,
		},
		dropped: s.Dropped,
	}
	p.shown.kept = p.settings() // they are shown at the end of each Step
	for i, e := range s.Directory {
		p.directory[i] = entry{e.Number, e.Name}
	}
	for _, one := range s.Passing {
		p.passing = append(p.passing, passage{one.Call.call(begin), one.Other.call(begin), one.After, one.Number, one.Done})
	}
	switch {
	case s.State > trying:
		return nil, fmt.Errorf("%w: state %d", ErrSnapshot, s.State)
	case max(s.Tone, s.ShownTone) > uint8(hal.Confirm):
		return nil, fmt.Errorf("%w: tone %d", ErrSnapshot, max(s.Tone, s.ShownTone))
	case !p.possible():
		return nil, fmt.Errorf("%w: its parts do not agree", ErrSnapshot)
	}
	return p, nil
}

// possible reports whether the parts of a telephone go together: what the rest of
// this package relies on.
func (p *Phone) possible() bool {
	named := func(c *call) bool { return c == nil || c.id != "" && c.next == nil }
	one := func(c call) bool { return named(c.next) && (c.id != "" || c.next == nil) }
	for _, g := range p.passing {
		if g.call.id == "" || !one(g.call) || !one(g.other) || (g.after == "") != (g.number == "") {
			return false
		}
	}
	inCall, timed := false, false
	switch p.state {
	case ringing:
		inCall, timed = true, true
	case dialling, answering, talking:
		inCall = true
	case ready, collecting, confirmed, refused, reminding, trying:
		timed = true
	}
	off := p.state == dialling || p.state == talking || p.state == refused || p.state == parked || p.state == answering
	switch {
	case p.menu.page > bellVolume, p.menu.page != closed && (p.state != idle || p.menu.until.IsZero()),
		p.menu.page == closed && p.menu != (menu{}), p.menu.at < 0 || p.menu.page == top && p.menu.at >= len(pages),
		min(p.volume, p.bell) < 0 || max(p.volume, p.bell) > MaxVolume, len(p.log) > maxPast, p.finger.repeats < 0 || p.finger.repeats > maxRepeats, p.missing < 0,
		(p.state == trying) != (p.test != nil), p.test != nil && !p.test.Valid(), len(p.parts) > selftest.MaxParts:
		return false
	}
	switch {
	case !one(p.call), !one(p.held), !one(p.waiting), p.waiting.next != nil,
		inCall != (p.call.id != ""),
		!p.deadline.IsZero() && !timed,
		p.state == talking && p.call.since.IsZero(),
		p.state == dialling && !p.call.since.IsZero(),
		p.call.next != nil && p.state != dialling && p.state != talking,
		p.state == idle && p.held.id != "",
		p.state == reminding && (p.held.id == "" || p.held.since.IsZero()),
		p.joined && (p.state != talking || p.held.id == "" || p.held.since.IsZero()),
		p.waiting.id != "" && (!off || p.waiting.until.IsZero()),
		p.waiting.id == "" && !p.waiting.until.IsZero():
		return false
	}
	return true
}
