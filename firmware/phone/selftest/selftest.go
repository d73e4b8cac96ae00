package selftest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"chordophone/hal"
)

// MaxParts bounds what is tested.
const MaxParts = 64

// Test is a test under way. Its fields are exported for snapshots only.
type Test struct {
	Parts   []Part   // in the order of the test
	At      int      // the part that is asked about; len(Parts): the results are shown
	Back    bool     `json:",omitzero"` // the cradle: the handset rests
	Pressed string   `json:",omitzero"` // the keys that came, in their order
	Results []Result `json:",omitempty"`
	Page    int      `json:",omitzero"` // of the results
}

// View is what the telephone shows and does meanwhile.
type View struct {
	Lines []string
	Tone  hal.Tone
	Ring  bool
	Loop  bool   // the earpiece plays what the microphone hears
	Lamp  string // the one that is lit, "" for none
}

// New begins a test.
func New(parts []Part) *Test {
	t := &Test{}
	for _, k := range kinds {
		for _, p := range parts {
			if p.Kind == k && len(t.Parts) < MaxParts {
				t.Parts = append(t.Parts, p)
			}
		}
	}
	t.skip()
	return t
}

// Valid reports whether the fields agree.
func (t *Test) Valid() bool {
	return len(t.Parts) <= MaxParts && t.At >= 0 && t.At <= len(t.Parts) && len(t.Results) == t.At &&
		(t.Page == 0 || t.Page > 0 && t.Page < MaxParts && t.Page*perPage < len(t.faults())) && len(t.Pressed) <= maxPressed
}

// maxPressed bounds what is remembered of keys.
const maxPressed = 64

// Done says that the results are shown.
func (t *Test) Done() bool { return t.At == len(t.Parts) }

// Patience is how long to wait until Timeout.
func (t *Test) Patience() time.Duration {
	if t.Done() {
		return 2 * time.Minute
	}
	return 20 * time.Second
}

func (t *Test) kind() Kind {
	if t.Done() {
		return ""
	}
	return t.Parts[t.At].Kind
}

// Press tells of a key.
func (t *Test) Press(k hal.Key) {
	switch t.kind() {
	case "":
		t.Page++
		if t.Page*perPage >= len(t.faults()) {
			t.Page = 0
		}
	case Hook:
	case Key:
		if len(t.Pressed) < maxPressed {
			t.Pressed += string(rune(k))
		}
		if !slices.ContainsFunc(t.Parts[t.At:], func(p Part) bool { return p.Problem == "" && !t.came(p) }) {
			t.keys()
		}
	default:
		switch k {
		case '1', '#':
			t.result(true, "seen or heard by somebody")
		case '2', '*':
			t.result(false, "somebody says no")
		}
		t.skip()
	}
}

// Handset tells that it was put back or lifted, and reports whether the test is over
// because of that.
func (t *Test) Handset(back bool) (over bool) {
	switch {
	case t.kind() != Hook:
		return back
	case back:
		t.Back = true
	case t.Back:
		t.Back = false
		t.result(true, "put back and lifted")
		t.skip()
	}
	return false
}

// Timeout tells that nothing has happened for Patience, and reports whether the test is
// over.
func (t *Test) Timeout() (over bool) {
	switch t.kind() {
	case "":
		return true
	case Key:
		t.keys()
		return false
	case Hook:
		over = t.Back // nobody came back
		says := "it never told that the handset was put back"
		if t.Back {
			says = "the handset was not lifted again"
		}
		t.result(false, says)
	default:
		t.result(false, "nobody answered")
	}
	t.skip()
	return over
}

// Stop counts what was not reached.
func (t *Test) Stop() {
	for !t.Done() {
		says := t.Parts[t.At].Problem
		if says == "" {
			says = "not tested"
		}
		t.result(false, says)
	}
}

func (t *Test) result(ok bool, says string) {
	t.Results = append(t.Results, Result{t.Parts[t.At], ok, says})
	t.At++
}

// skip passes over the parts with a known problem; keys are judged together.
func (t *Test) skip() {
	for !t.Done() && t.kind() != Key && t.Parts[t.At].Problem != "" {
		t.result(false, t.Parts[t.At].Problem)
	}
	if t.kind() == Key && !slices.ContainsFunc(t.Parts[t.At:], func(p Part) bool { return p.Problem == "" }) {
		t.keys()
	}
}

// came says whether a key was pressed; a dial gives digits.
func (t *Test) came(p Part) bool {
	if p.Name == "dial" {
		return strings.ContainsAny(t.Pressed, "0123456789")
	}
	return strings.Contains(t.Pressed, p.Name)
}

// keys judges all keys.
func (t *Test) keys() {
	for !t.Done() {
		switch p := t.Parts[t.At]; {
		case p.Problem != "":
			t.result(false, p.Problem)
		case t.came(p):
			t.result(true, "pressed")
		default:
			t.result(false, "it never came")
		}
	}
}

func (t *Test) faults() []Result {
	return slices.DeleteFunc(slices.Clone(t.Results), func(r Result) bool { return r.OK })
}

// perPage is how many faults fit on the display.
const perPage = 3

const question = "1 yes  2 no"

// View is what is shown and done now.
func (t *Test) View() View {
	if t.Done() {
		return t.results()
	}
	p := t.Parts[t.At]
	switch p.Kind {
	case Display:
		return View{Lines: []string{"can you read this?", "ABCabc 0123456789", "\u00e4\u00f6\u00fc*#", question}}
	case Lamp:
		return View{Lines: []string{"does the lamp shine?", p.Name, question}, Lamp: p.Name}
	case Ringer:
		return View{Lines: []string{"does it ring?", question}, Ring: true}
	case Sound:
		return View{Lines: []string{"speak: do you hear", "yourself after a", "moment?", question}, Loop: true}
	case Hook:
		if t.Back {
			return View{Lines: []string{"now lift the handset", "again"}}
		}
		return View{Lines: []string{"put the handset back", "and lift it again"}}
	}
	missing := ""
	for _, p := range t.Parts[t.At:] {
		if p.Problem == "" && !t.came(p) {
			missing += p.Name + " "
		}
	}
	v := View{Lines: []string{"press each key", "missing:"}}
	for runes := []rune(missing); len(runes) > 0 && len(v.Lines) < 4; {
		n := min(len(runes), 20)
		v.Lines = append(v.Lines, strings.TrimSpace(string(runes[:n])))
		runes = runes[n:]
	}
	return v
}

// results says what is wrong, by tone and text.
func (t *Test) results() View {
	faults := t.faults()
	if len(faults) == 0 {
		return View{Lines: []string{"self-test", "all is well", "hang up"}, Tone: hal.Confirm}
	}
	text := fmt.Sprintf("%d faults", len(faults))
	if len(faults) == 1 {
		text = "1 fault"
	}
	v := View{Lines: []string{text}, Tone: hal.Congestion}
	for _, f := range faults[t.Page*perPage : min(len(faults), (t.Page+1)*perPage)] {
		name := string(f.Kind)
		if f.Name != "" {
			name += " " + f.Name
		}
		if _, line, ok := strings.Cut(f.Word, "line="); ok {
			name += " " + line
		}
		v.Lines = append(v.Lines, name)
	}
	return v
}
