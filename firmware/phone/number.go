package phone

import (
	"strconv"
	"strings"

	"chordophone/hal"
)

// services are the codes that can be dialled besides numbers: a star, the code,
// and # or a pause. This is the one list of them.
//
//	*73#  let new telephones join the office; the display shows the pairing code
//	*73*103#  let one, which is then 103: in the place of the one that was, if that is dead
//	*74#  no longer let them
//	*#0*# test the parts of this telephone
//
// Besides, ** and the number of a contact's lamp dials that contact (**1#), and #
// alone the number dialled last.
var services = [...]struct {
	code   string
	text   string // for the display
	action Action
}{
	{"*73", "new phones may join", OpenEnrolment{}},
	{"*74", "joining is closed", CloseEnrolment{}},
	{"*#0*", "self-test", SelfTest{}},
}

// collect takes one key of a number. The letters are for the far end of a call,
// not for numbers.
func (p *Phone) collect(key hal.Key) {
	switch {
	case key == '#' && p.state == collecting && p.number == "*":
		// *#0*# is the one code with a # inside.
	case key == '#':
		if p.state != collecting {
			p.number = p.last
		}
		if p.number != "" {
			p.complete()
		}
		return
	case key >= 'A' && key <= 'D':
		return
	}
	if p.state != collecting {
		p.number = ""
	}
	if len(p.number) < p.cfg.MaxDigits {
		p.number += string(rune(key))
	}
	p.enter(collecting, p.cfg.InterDigit)
}

// complete acts on the number that was dialled.
func (p *Phone) complete() {
	number := p.number
	p.number = ""
	if short, ok := strings.CutPrefix(number, "**"); ok {
		if number = p.contactNumber(short); number == "" {
			p.refuse(hal.Congestion, strings.TrimSpace("no contact "+short))
			return
		}
	}
	switch {
	case strings.HasPrefix(number, "*"):
		p.service(number)
	case !p.online:
		p.refuse(hal.Congestion, "not connected")
	case number == p.extension:
		p.refuse(hal.Busy, "your own number")
	default:
		p.dial(number)
	}
}

// dial calls a number.
func (p *Phone) dial(number string) {
	p.dialled++
	p.last = number
	p.call = call{id: OutgoingPrefix + strconv.Itoa(p.dialled), peer: number, name: p.nameOf(number)}
	p.consult = p.held.id != ""
	p.enter(dialling, 0)
	p.do(Dial{p.call.id, number})
	p.say(&p.call, "dialling", "", 0)
}

// contactNumber is the number of the contact at a lamp, "" for none.
func (p *Phone) contactNumber(short string) string {
	n, err := strconv.Atoi(short)
	if err != nil || n < 1 || n > hal.Lamps-hal.LampContact {
		return ""
	}
	return p.directory[hal.LampContact+n-1].number
}

// nameOf is what the list of contacts calls a number.
func (p *Phone) nameOf(number string) string {
	for _, e := range p.directory {
		if e.number == number && number != "" {
			return e.name
		}
	}
	return ""
}

// enrolFor begins the code that lets one telephone join.
const enrolFor = "*73*"

func (p *Phone) service(code string) {
	if ext, ok := strings.CutPrefix(code, enrolFor); ok && ext != "" && strings.Trim(ext, "0123456789") == "" {
		p.do(OpenEnrolment{ext})
		p.text = "a new one for " + ext
		p.enter(confirmed, p.cfg.Confirm)
		return
	}
	for _, s := range services {
		if s.code == code {
			if s.action == (SelfTest{}) && p.held.id != "" {
				p.refuse(hal.Congestion, "end your call first")
				return
			}
			p.do(s.action)
			p.text = s.text
			p.enter(confirmed, p.cfg.Confirm)
			return
		}
	}
	p.refuse(hal.Congestion, "unknown code "+code)
}
