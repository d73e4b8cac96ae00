package phone

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"chordophone/hal"
)

// ErrEvent means that a line is no event.
var ErrEvent = errors.New("phone: not an event")

// The text of an event is one line: a word and its fields. Fields of free text
// are quoted as in Go.

func (e Input) String() string {
	switch {
	case e.Key == hal.Hook && e.Down:
		return "on"
	case e.Key == hal.Hook:
		return "off"
	case e.Down:
		return "down " + string(rune(e.Key))
	}
	return "up " + string(rune(e.Key))
}

func (e Online) String() string {
	return fmt.Sprintf("online %q %q %q", e.Extension, e.Office, e.Node)
}
func (e Offline) String() string  { return fmt.Sprintf("offline %q", e.Reason) }
func (e Offered) String() string  { return fmt.Sprintf("offered %q %q %q", e.Call, e.From, e.Name) }
func (e Progress) String() string { return fmt.Sprintf("progress %q %d", e.Call, e.Status) }
func (e Answered) String() string { return fmt.Sprintf("answered %q", e.Call) }
func (e Ended) String() string {
	return fmt.Sprintf("ended %q %d %s %q", e.Call, e.Status, side(e.ByFar), e.Cause)
}
func (e Held) String() string {
	return fmt.Sprintf("held %q %s %s", e.Call, side(e.ByFar), onOff(e.On))
}
func (e Transferred) String() string {
	return fmt.Sprintf("transferred %q %q %q", e.Call, e.New, e.To)
}
func (e Referred) String() string { return fmt.Sprintf("referred %q %d %q", e.Call, e.Status, e.Cause) }
func (e Directory) String() string {
	return fmt.Sprintf("directory %d %q %q", e.Lamp, e.Number, e.Name)
}
func (e Messages) String() string  { return fmt.Sprintf("messages %d", e.Waiting) }
func (e Contact) String() string   { return fmt.Sprintf("contact %d %d", e.Lamp, e.Signal) }
func (e Enrolling) String() string { return fmt.Sprintf("enrolling %q", e.Code) }
func (e Unable) String() string    { return fmt.Sprintf("unable %q", e.Text) }
func (e Past) String() string      { return fmt.Sprintf("past %q %q %q", e.Number, e.Name, string(e.Way)) }
func (e Heard) String() string {
	return fmt.Sprintf("heard %q %q %d %d %d %d", e.Peer, e.Codec, e.MOS, e.Loss, e.Delay, e.Jitter)
}
func (e HostKey) String() string { return fmt.Sprintf("hostkey %q", e.Fingerprint) }
func (e Island) String() string  { return fmt.Sprintf("island %d", e.Missing) }
func (e HotLine) String() string { return fmt.Sprintf("hotline %q", e.Number) }
func (e Settings) String() string {
	return fmt.Sprintf("settings %d %d %s %s", e.Volume, e.Bell, onOff(e.Locked), onOff(e.Silent))
}
func (e Trouble) String() string { return fmt.Sprintf("trouble %q", e.Text) }
func (e Part) String() string {
	return fmt.Sprintf("part %q %q %q %q", e.Kind, e.Name, e.Word, e.Problem)
}
func (e Begin) String() string { return "begin" }
func (e Tick) String() string  { return "tick" }

func side(far bool) string {
	if far {
		return "far"
	}
	return "near"
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

// ParseEvent reads what an event's String wrote.
func ParseEvent(line string) (Event, error) {
	f := fields{rest: line}
	var ev Event
	switch word := f.word(); word {
	case "on", "off":
		ev = Input{hal.Event{Key: hal.Hook, Down: word == "on"}}
	case "down", "up":
		key := []rune(f.word())
		if len(key) != 1 {
			return nil, fmt.Errorf("%w: %q: want one key", ErrEvent, line)
		}
		ev = Input{hal.Event{Key: hal.Key(key[0]), Down: word == "down"}}
	case "online":
		ev = Online{f.text(), f.text(), f.text()}
	case "offline":
		ev = Offline{f.text()}
	case "offered":
		ev = Offered{f.text(), f.text(), f.text()}
	case "progress":
		ev = Progress{f.text(), f.number()}
	case "answered":
		ev = Answered{f.text()}
	case "ended":
		ev = Ended{Call: f.text(), Status: f.number(), ByFar: f.word() == "far", Cause: f.text()}
	case "held":
		ev = Held{Call: f.text(), ByFar: f.word() == "far", On: f.word() == "on"}
	case "transferred":
		ev = Transferred{f.text(), f.text(), f.text()}
	case "referred":
		ev = Referred{f.text(), f.number(), f.text()}
	case "directory":
		ev = Directory{f.number(), f.text(), f.text()}
	case "messages":
		ev = Messages{f.number()}
	case "contact":
		lamp, signal := f.number(), f.number()
		if signal < 0 || signal > 255 {
			f.bad = true
		}
		ev = Contact{lamp, hal.Signal(signal)}
	case "enrolling":
		ev = Enrolling{f.text()}
	case "unable":
		ev = Unable{f.text()}
	case "past":
		ev = Past{f.text(), f.text(), Way(f.text())}
	case "heard":
		ev = Heard{f.text(), f.text(), f.number(), f.number(), f.number(), f.number()}
	case "hostkey":
		ev = HostKey{f.text()}
	case "island":
		ev = Island{f.number()}
	case "hotline":
		ev = HotLine{f.text()}
	case "settings":
		ev = Settings{Volume: f.number(), Bell: f.number(), Locked: f.word() == "on", Silent: f.word() == "on"}
	case "trouble":
		ev = Trouble{f.text()}
	case "part":
		ev = Part{f.text(), f.text(), f.text(), f.text()}
	case "begin":
		ev = Begin{}
	case "tick":
		ev = Tick{}
	default:
		return nil, fmt.Errorf("%w: %q: unknown word", ErrEvent, line)
	}
	if f.bad || strings.TrimSpace(f.rest) != "" {
		return nil, fmt.Errorf("%w: %q: wrong fields", ErrEvent, line)
	}
	return ev, nil
}

// fields takes a line apart from left to right.
type fields struct {
	rest string
	bad  bool
}

func (f *fields) word() string {
	w, rest, _ := strings.Cut(strings.TrimLeft(f.rest, " "), " ")
	f.rest = rest
	return w
}

func (f *fields) text() string {
	f.rest = strings.TrimLeft(f.rest, " ")
	q, err := strconv.QuotedPrefix(f.rest)
	if err != nil {
		f.bad = true
		return ""
	}
	f.rest = f.rest[len(q):]
	s, err := strconv.Unquote(q)
	f.bad = f.bad || err != nil
	return s
}

func (f *fields) number() int {
	n, err := strconv.Atoi(f.word())
	f.bad = f.bad || err != nil
	return n
}

func (a Dial) String() string       { return fmt.Sprintf("dial %q %q", a.Call, a.Number) }
func (a Answer) String() string     { return fmt.Sprintf("answer %q", a.Call) }
func (a Reject) String() string     { return fmt.Sprintf("reject %q %d", a.Call, a.Status) }
func (a Hangup) String() string     { return fmt.Sprintf("hangup %q", a.Call) }
func (a Hold) String() string       { return fmt.Sprintf("hold %q %s", a.Call, onOff(a.On)) }
func (a Transfer) String() string   { return fmt.Sprintf("transfer %q %q", a.Call, a.Number) }
func (a TransferTo) String() string { return fmt.Sprintf("transfer-to %q %q", a.Call, a.Other) }
func (a Digit) String() string      { return fmt.Sprintf("digit %q %c", a.Call, rune(a.Key)) }
func (a OpenEnrolment) String() string {
	if a.For != "" {
		return fmt.Sprintf("open-enrolment %q", a.For)
	}
	return "open-enrolment"
}
func (a CloseEnrolment) String() string { return "close-enrolment" }
func (a SelfTest) String() string       { return "self-test" }
func (a Volume) String() string         { return fmt.Sprintf("volume %d", a.Level) }
func (a BellVolume) String() string     { return fmt.Sprintf("bell-volume %d", a.Level) }
func (a Keep) String() string           { return "keep " + a.Settings.String() }

func (a Tell) String() string {
	var text strings.Builder
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false) // it is read by people
	if err := e.Encode(a.Notice); err != nil {
		text.WriteString(err.Error())
	}
	return "tell " + a.Notice.Name() + " " + strings.TrimSpace(text.String())
}

func (a Sound) String() string {
	switch {
	case !a.Open:
		return "sound closed"
	case a.Call != "":
		s := fmt.Sprintf("sound call %q", a.Call)
		if a.With != "" {
			s += fmt.Sprintf(" with %q", a.With)
		}
		if a.Tone != hal.Silence {
			s += " tone " + a.Tone.String()
		}
		return s
	}
	return "sound tone " + a.Tone.String()
}

func (a Ring) String() string {
	if !a.On {
		return "ring off"
	}
	return fmt.Sprintf("ring on %q %q", a.From, a.Name)
}

func (a Show) String() string {
	s := "show"
	for i, signal := range a.Picture {
		if signal != hal.Off {
			s += " " + hal.LampName(i) + "=" + signal.String()
		}
	}
	return s
}
