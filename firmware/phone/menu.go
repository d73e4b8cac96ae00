package phone

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"chordophone/hal"
)

// The menu is there while the handset rests. It needs twelve keys, or two:
//
//	#        opens it; chooses
//	2 or A or louder, 8 or B or softer    up and down; louder and softer
//	*  4 C   back
//	lifting the handset calls whom the contacts or the calls point at
//
// It closes by itself.
type menu struct {
	page  page
	at    int // the line that is chosen
	until time.Time
}

type page uint8

const (
	closed page = iota
	top
	volume
	contacts
	calls
	pairing
	quality
	hostKey
	bellVolume // behind volume
)

// menuTime is how long the menu stays without a key.
const menuTime = 30 * time.Second

// pages are those of the top, in their order.
var pages = [...]struct {
	page page
	name string
}{
	{volume, "volume"}, {contacts, "contacts"}, {calls, "calls"},
	{pairing, "new telephones"}, {quality, "last call"}, {hostKey, "host key"},
}

// past is a call that is over.
type past struct {
	Number, Name string `json:",omitzero"`
	Way          Way    `json:",omitzero"`
}

// Way is how a past call went.
type Way string

const (
	In     Way = "in"
	Out    Way = "out"
	Missed Way = "missed"
)

// maxPast is how many calls the menu shows.
const maxPast = 10

// remember takes a call into the list of those that are over, the newest first.
func (p *Phone) remember(one past) {
	if one.Number == "" {
		return
	}
	p.log = slices.Insert(p.log, 0, one)
	p.log = p.log[:min(len(p.log), maxPast)]
}

// open shows a page from its first line.
func (p *Phone) open(to page) { p.menu = menu{page: to, until: p.now.Add(menuTime)} }

// close ends the menu; the key that is down means nothing any more.
func (p *Phone) close() { p.menu, p.finger = menu{}, finger{} }

// navigate takes a key while the menu is shown.
func (p *Phone) navigate(key hal.Key) {
	p.menu.until = p.now.Add(menuTime)
	switch key {
	case '2', 'A', hal.Louder:
		p.move(-1)
	case '8', 'B', hal.Softer:
		p.move(1)
	case '*', '4', 'C':
		p.back()
	case '#', '6', 'D':
		p.choose()
	}
}

func (p *Phone) move(by int) {
	if p.menu.page == volume || p.menu.page == bellVolume {
		p.turn(by < 0)
		return
	}
	if n := len(p.choices()); n > 0 {
		p.menu.at = (p.menu.at + by + n) % n
	}
}

func (p *Phone) back() {
	if p.menu.page == top {
		p.close()
		return
	}
	was := p.menu.page
	if was == bellVolume {
		was = volume
	}
	p.open(top)
	for i, one := range pages {
		if one.page == was {
			p.menu.at = i
		}
	}
}

func (p *Phone) choose() {
	switch p.menu.page {
	case top:
		p.open(pages[p.menu.at].page)
	case volume:
		p.open(bellVolume)
	case bellVolume:
		p.open(volume)
	case pairing:
		if p.code == "" {
			p.do(OpenEnrolment{})
		} else {
			p.do(CloseEnrolment{})
		}
	}
}

// choices are the lines of the page that can be chosen.
func (p *Phone) choices() (all []string) {
	switch p.menu.page {
	case top:
		for _, one := range pages {
			all = append(all, one.name)
		}
	case contacts:
		for _, e := range p.listed() {
			all = append(all, strings.TrimSpace(e.number+" "+e.name))
		}
	case calls:
		for _, one := range p.log {
			all = append(all, strings.TrimSpace(map[Way]string{In: "from ", Out: "to ", Missed: "missed "}[one.Way]+one.Number+" "+one.Name))
		}
	}
	return all
}

// listed are the contacts that there are.
func (p *Phone) listed() (all []entry) {
	for _, e := range p.directory {
		if e.number != "" {
			all = append(all, e)
		}
	}
	return all
}

// pointed is the number that the menu points at, "" for none.
func (p *Phone) pointed() string {
	switch list := p.listed(); {
	case p.menu.page == contacts && p.menu.at < len(list):
		return list[p.menu.at].number
	case p.menu.page == calls && p.menu.at < len(p.log):
		return p.log[p.menu.at].Number
	}
	return ""
}

// menuLines is what the display shows of the menu: a title and what fits below.
func (p *Phone) menuLines() []string {
	title := "menu"
	for _, one := range pages {
		if one.page == p.menu.page {
			title = one.name
		}
	}
	switch p.menu.page {
	case volume:
		return []string{title, bar(p.volume), "2 louder  8 softer", "# that of the bell"}
	case bellVolume:
		return []string{"bell volume", bar(p.bell), "2 louder  8 softer", "# of the earpiece"}
	case pairing:
		if p.code == "" {
			return []string{title, "may not join", "# lets them"}
		}
		return []string{title, "code " + p.code, "# no longer"}
	case quality:
		return append([]string{title}, p.qualityLines()...)
	case hostKey:
		return append([]string{title}, p.hostKeyLines()...)
	}
	list := p.choices()
	if len(list) == 0 {
		return []string{title, "none yet"}
	}
	const room = Rows - 1
	from := min(max(0, p.menu.at-1), max(0, len(list)-room))
	lines := []string{title}
	for i := from; i < min(from+room, len(list)); i++ {
		mark := " "
		if i == p.menu.at {
			mark = ">"
		}
		lines = append(lines, mark+list[i])
	}
	return lines
}

func (p *Phone) qualityLines() []string {
	q := p.heard
	if q == (Heard{}) {
		return []string{"none yet"}
	}
	return []string{
		fmt.Sprintf("%s %s", q.Peer, q.Codec),
		fmt.Sprintf("MOS %d.%d  lost %d.%d%%", q.MOS/100, q.MOS%100/10, q.Loss/10, q.Loss%10),
		fmt.Sprintf("%d ms, jitter %d", q.Delay, q.Jitter),
	}
}

// hostKeyLines is the fingerprint by which somebody knows that the console is this
// telephone's.
func (p *Phone) hostKeyLines() []string {
	text := strings.TrimPrefix(p.fingerprint, "SHA256:")
	if text == "" {
		return []string{"not known yet"}
	}
	var lines []string
	for len(text) > Columns {
		lines, text = append(lines, text[:Columns]), text[Columns:]
	}
	return append(lines, text)
}
