package phone

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"chordophone/hal"
)

// levels is what the devices last were told.
type levels struct {
	ring    Ring
	sound   Sound
	picture hal.Picture
	lines   []string
	kept    Settings
}

// render gives the levels that differ from what is shown.
func (p *Phone) render() {
	if ring := p.ring(); ring != p.shown.ring {
		p.shown.ring = ring
		p.do(ring)
		p.do(Tell{hal.Ringing{On: ring.On, From: ring.From, CallerName: ring.Name}})
	}
	if sound := p.sound(); sound != p.shown.sound {
		old := p.shown.sound.Tone
		p.shown.sound = sound
		p.do(sound)
		if sound.Tone != old {
			p.do(Tell{hal.Sounding{Tone: sound.Tone}})
		}
	}
	p.renderSettings()
	if picture := p.picture(); picture != p.shown.picture {
		p.shown.picture = picture
		p.do(Show{picture})
	}
	if lines := p.lines(); !slices.Equal(lines, p.shown.lines) {
		p.shown.lines = lines
		p.do(Tell{hal.Lines{Lines: slices.Clone(lines)}})
	}
}

func (p *Phone) ring() Ring {
	if p.state == trying && p.test.View().Ring {
		return Ring{On: true}
	}
	if p.silent {
		return Ring{}
	}
	switch p.state {
	case ringing:
		return Ring{On: true, From: p.call.peer, Name: p.call.name}
	case reminding:
		return Ring{On: true, From: p.held.peer, Name: p.held.name}
	}
	return Ring{}
}

func (p *Phone) sound() Sound {
	switch p.state {
	case idle, ringing, reminding, parked:
		return Sound{}
	case ready:
		if p.contacts[hal.LampMessage] != hal.Off {
			return Sound{Open: true, Tone: hal.Stutter}
		}
		return Sound{Open: true, Tone: hal.DialTone}
	case dialling:
		if p.call.ringback {
			return Sound{Open: true, Tone: hal.Ringback}
		}
	case refused:
		if p.waiting.id != "" {
			return Sound{Open: true, Tone: hal.Waiting}
		}
		return Sound{Open: true, Tone: p.tone}
	case talking:
		s := Sound{Open: true, Tone: p.beep(), Call: p.call.id}
		if p.joined {
			s.With = p.held.id
		}
		return s
	case confirmed:
		return Sound{Open: true, Tone: hal.Confirm}
	case trying:
		switch v := p.test.View(); {
		case p.test.Back || v.Ring:
			return Sound{}
		case v.Loop:
			return Sound{Open: true, Call: LoopCall}
		default:
			return Sound{Open: true, Tone: v.Tone}
		}
	}
	return Sound{Open: true}
}

func (p *Phone) picture() hal.Picture {
	if p.state == trying {
		return p.testPicture()
	}
	picture := p.contacts
	for i, e := range p.directory {
		if e.number != "" && picture[i] == hal.Off && p.online {
			picture[i] = hal.Free
		}
	}
	picture[hal.LampLine] = p.lineLamp()
	return picture
}

// Columns and Rows are the size of the text that the telephone shows. A
// display of this size is the smallest one sold.
const (
	Columns = 20
	Rows    = 4
)

// lines is the text of the display: two to Rows lines of at most Columns.
func (p *Phone) lines() []string {
	l := make([]string, 0, Rows+2)
	add := func(s string) {
		if s != "" {
			l = append(l, clip(s))
		}
	}
	if p.state == trying {
		for _, text := range p.test.View().Lines {
			add(text)
		}
		return l
	}
	if p.menu.page != closed {
		for _, text := range p.menuLines() {
			add(text)
		}
		return l
	}
	self := or(strings.TrimSpace(p.extension+" "+p.office), "new telephone")
	switch p.state {
	case idle:
		add(self)
		if p.online {
			add("ready")
		} else {
			add(or(p.reason, "not connected"))
		}
		switch {
		case p.note != "":
			add(p.note)
		case len(p.passing) > 0:
			add("transferring " + p.passing[len(p.passing)-1].call.peer)
		case p.missed != "":
			add("missed " + p.missed)
		case p.trouble != "":
			add(p.trouble)
		case p.missing == 1:
			add("1 phone not in sight")
		case p.missing > 1:
			add(strconv.Itoa(p.missing) + " phones not seen")
		case p.locked:
			add("locked: hold *")
		case p.silent:
			add("the bell is off")
		}
		add(p.mail())
	case ringing:
		add("call from")
		add(or(p.call.peer, "unknown number"))
		add(p.call.name)
	case reminding:
		add(or(p.text, "still on hold"))
		add(or(p.held.peer, "unknown number"))
		add(p.held.name)
		add("lift to talk")
	case ready:
		add(self)
		if p.locked {
			add("locked: hold *")
		} else {
			add("dial a number")
		}
		add(p.note)
		add(p.mail())
	case collecting:
		add("dial")
		add(p.number[max(0, len(p.number)-Columns):]) // the end is what is being typed
	case dialling:
		if p.call.ringback {
			add("ringing")
		} else {
			add("calling")
		}
		add(or(p.call.peer, "unknown number"))
		add(p.call.name)
	case answering:
		add(or(p.call.peer, "unknown number"))
		add(p.call.name)
		add("connecting")
	case talking:
		p.conversation(add)
	case confirmed:
		add(p.text)
		add("done")
	case refused:
		add(p.call.peer)
		add(p.text)
		add("hang up")
	case parked:
		add("handset is off")
		add("hang up")
	}
	switch {
	case p.waiting.id != "":
		add("waiting " + or(p.waiting.peer, "unknown number"))
	case p.held.id != "" && !p.joined && p.state != reminding:
		add("held " + or(p.held.peer, "unknown number"))
	}
	switch p.state {
	case idle, ready, confirmed, refused, parked:
		if p.code != "" {
			add("code " + p.code)
		}
	}
	for len(l) > Rows {
		l = slices.Delete(l, 1, 2) // what is there is known without: a lamp shows it, or the number says who it is
	}
	return l
}

// conversation is what is shown while talking.
func (p *Phone) conversation(add func(string)) {
	add(or(p.call.peer, "unknown number"))
	clock := p.clock(&p.call) / time.Second
	text := fmt.Sprintf("%02d:%02d", clock/60, clock%60)
	switch {
	case p.joined:
		add(or(p.held.peer, "unknown number"))
		text = "conference " + text
	case p.call.onHold():
		add(p.call.name)
		text = "on hold " + text
	default:
		add(p.call.name)
	}
	if p.call.next != nil {
		text = "to " + or(p.call.next.peer, "somebody else")
	}
	add(text)
	add(p.note)
}

// mail says how many messages wait.
func (p *Phone) mail() string {
	switch p.messages {
	case 0:
		return ""
	case 1:
		return "1 message"
	}
	return strconv.Itoa(p.messages) + " messages"
}

// clip cuts a line to the width of the display.
func clip(s string) string {
	n := 0
	for i := range s {
		if n++; n > Columns {
			return s[:i]
		}
	}
	return s
}

// clean makes text from outside fit to be shown: printable and not endless.
func clean(s string) string {
	const most = 64
	var b strings.Builder
	n := 0
	for _, r := range s {
		if n == most {
			break
		}
		if unicode.IsPrint(r) && r != unicode.ReplacementChar {
			b.WriteRune(r)
			n++
		}
	}
	return strings.TrimSpace(b.String())
}
