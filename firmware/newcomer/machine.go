package newcomer

import (
	"fmt"
	"strings"

	"chordophone/hal"
)

// foundCode founds an office. *73, which opens enrolment, is its neighbour.
const foundCode = "*72"

// Lengths of a pairing code, digits.
const (
	minCode = 6
	maxCode = 32
)

// Office is one that answers on the network.
type Office struct {
	Name string
	Open bool // it takes new phones in at the moment
}

// Event is one of Input, Seen, Failed and Member.
type Event interface{ event() }

type (
	// Input is a movement of the keys or the hook.
	Input struct{ hal.Event }
	// Seen is all offices that answer now.
	Seen struct{ Offices []Office }
	// Failed says that Join or Found came to nothing.
	Failed struct{ Text string }
	// Member says that Join or Found succeeded.
	Member struct{ Office, Extension string }
)

func (Input) event()  {}
func (Seen) event()   {}
func (Failed) event() {}
func (Member) event() {}

// Action is one of Join and Found.
type Action interface{ action() }

type (
	// Join the office that is open, with a pairing code.
	Join struct{ Code string }
	// Found an office.
	Found struct{}
)

func (Join) action()  {}
func (Found) action() {}

// View is what the telephone shows.
type View struct {
	Lines []string // at most four of 21 columns
	Lamp  hal.Signal
	Tone  hal.Tone
	Open  bool // the earpiece
}

// Phone is the telephone. Its zero value lies on its hook and sees nobody.
type Phone struct {
	off     bool // the hook
	digits  string
	offices []Office
	working string // what is done now; keys mean nothing meanwhile
	refused string // why not, until the handset goes back
	member  string // of which office, and as whom
}

// Over reports that it is a telephone of an office now, and on its hook.
func (p *Phone) Over() bool { return p.member != "" && !p.off }

// Step takes one event and returns what is to be done, if anything.
func (p *Phone) Step(ev Event) Action {
	switch ev := ev.(type) {
	case Seen:
		p.offices = ev.Offices
	case Failed:
		if p.working != "" {
			p.working, p.refused = "", or(ev.Text, "it failed")
		}
	case Member:
		p.working, p.member = "", ev.Extension+" of "+short(ev.Office)
	case Input:
		return p.input(ev.Event)
	}
	return nil
}

func (p *Phone) input(ev hal.Event) Action {
	if ev.Key == hal.Hook {
		p.off = !ev.Down
		p.digits, p.refused = "", ""
		return nil
	}
	if !ev.Down || !p.off || p.member != "" || p.working != "" || p.refused != "" {
		return nil
	}
	switch key := string(ev.Key); {
	case key == "#":
		return p.complete()
	case strings.Contains("0123456789*", key) && len(p.digits) < maxCode:
		p.digits += key
	}
	return nil
}

// complete does what was dialled.
func (p *Phone) complete() Action {
	dialled := p.digits
	p.digits = ""
	switch {
	case dialled == foundCode:
		p.working = "founding"
		return Found{}
	case len(dialled) >= minCode && !strings.Contains(dialled, "*"):
		p.working = "joining"
		return Join{dialled}
	}
	p.refused = "that is no code"
	return nil
}

// View is what the telephone shows now.
func (p *Phone) View() View {
	switch {
	case p.member != "":
		v := View{Lines: []string{"this is", p.member, "hang up to begin"}, Lamp: hal.On, Tone: hal.Confirm, Open: p.off}
		if !p.off {
			v.Tone = hal.Silence
		}
		return v
	case p.working != "":
		return View{Lines: []string{"new telephone", p.working + " ..."}, Lamp: hal.Flash, Open: p.off}
	case p.refused != "":
		v := View{Lines: []string{p.refused, "hang up, try again"}, Lamp: hal.Wink, Tone: hal.Congestion, Open: p.off}
		if !p.off {
			v.Tone = hal.Silence
		}
		return v
	case !p.off:
		return View{Lines: []string{"new telephone", p.sees(), "lift to begin"}, Lamp: hal.Blip}
	case p.digits != "":
		return View{Lines: []string{"new telephone", "code " + p.digits[max(0, len(p.digits)-16):], "then #"}, Lamp: hal.On, Open: true}
	}
	return View{
		Lines: []string{p.sees(), "*73# there: a code", "dial it here, then #", foundCode + "# founds one"},
		Lamp:  hal.On, Tone: hal.DialTone, Open: true,
	}
}

// sees says who is there.
func (p *Phone) sees() string {
	switch n := len(p.offices); {
	case n == 0:
		return "no office in sight"
	case n == 1 && p.offices[0].Open:
		return short(p.offices[0].Name) + " waits"
	case n == 1:
		return short(p.offices[0].Name) + " is here"
	default:
		return fmt.Sprintf("%d offices are here", n)
	}
}

// short cuts a name to what a line has room for.
func short(name string) string {
	const room = 13
	if r := []rune(name); len(r) > room {
		return string(r[:room-1]) + "~"
	}
	return name
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
