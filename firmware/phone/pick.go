package phone

import (
	"strconv"

	"chordophone/hal"
)

// pick is the key at a contact's lamp: with dial tone it calls the contact, in a call it
// consults it, and with the handset in its cradle it points at it, so that lifting calls.
func (p *Phone) pick(i int) {
	one := p.directory[hal.LampContact+i]
	switch {
	case p.state == trying:
		p.tested(func() { p.test.Press(hal.ContactKey(i)) })
	case p.locked && p.state != talking:
	case p.state == idle && one.number == "":
		p.remark("no contact " + strconv.Itoa(i+1))
	case p.state == idle:
		p.open(contacts)
		for at, e := range p.listed() {
			if e == one {
				p.menu.at = at
				break
			}
		}
	case p.state == talking && p.held.id == "" && p.waiting.id == "" && one.number != "":
		p.hold(&p.call, true)
		p.held = p.call
		p.offerDialTone()
		p.callContact(i)
	case p.state == ready, p.state == collecting, p.state == confirmed:
		p.callContact(i)
	}
}

// callContact does what dialling the contact's short number does.
func (p *Phone) callContact(i int) {
	if p.state == refused { // not connected
		return
	}
	p.number = "**" + strconv.Itoa(i+1)
	p.complete()
}
