package phone

import (
	"fmt"
	"slices"
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
	if p.state != ringing {
		return Ring{}
	}
	return Ring{On: true, From: p.call.peer, Name: p.call.name}
}

func (p *Phone) sound() Sound {
	switch p.state {
	case idle, ringing, parked:
		return Sound{}
	case ready:
		if p.contacts[hal.LampMessage] != hal.Off {
			return Sound{Open: true, Tone: hal.Stutter}
		}
		return Sound{Open: true, Tone: hal.DialTone}
	case dialling, refused:
		return Sound{Open: true, Tone: p.tone}
	case talking:
		return Sound{Open: true, Call: p.call.id}
	case confirmed:
		return Sound{Open: true, Tone: hal.Confirm}
	}
	return Sound{Open: true}
}

func (p *Phone) picture() hal.Picture {
	picture := p.contacts
	switch {
	case p.state == ringing:
		picture[hal.LampLine] = hal.Flash
	case p.state != idle:
		picture[hal.LampLine] = hal.On
	case !p.online:
		picture[hal.LampLine] = hal.Blip
	}
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
	l := make([]string, 0, Rows)
	add := func(s string) {
		if s != "" {
			l = append(l, clip(s))
		}
	}
	self := strings.TrimSpace(p.extension + " " + p.office)
	switch p.state {
	case idle:
		add(or(self, "new telephone"))
		if p.online {
			add("ready")
		} else {
			add(or(p.reason, "not connected"))
		}
		if p.missed != "" {
			add("missed " + p.missed)
		}
	case ringing:
		add("call from")
		add(or(p.call.peer, "unknown number"))
		add(p.call.name)
	case ready:
		add(or(self, "new telephone"))
		add("dial a number")
	case collecting:
		add("dial")
		add(p.number[max(0, len(p.number)-Columns):]) // the end is what is being typed
	case dialling:
		if p.tone == hal.Ringback {
			add("ringing")
		} else {
			add("calling")
		}
		add(p.call.peer)
	case answering:
		add(or(p.call.peer, "unknown number"))
		add(p.call.name)
		add("connecting")
	case talking:
		add(or(p.call.peer, "unknown number"))
		add(p.call.name)
		d := p.now.Sub(p.call.since) / time.Second
		add(fmt.Sprintf("%02d:%02d", d/60, d%60))
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
	switch p.state {
	case idle, ready, confirmed, refused, parked:
		if p.code != "" {
			add("code " + p.code)
		}
	}
	return l
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
