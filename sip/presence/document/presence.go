package document

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// PresenceType is the type of a printed Presence.
const PresenceType = "application/pidf+xml"

// Basic is RFC 3863's basic status.
type Basic string

const (
	Unsaid Basic = "" // no tuple: nothing is known
	Open   Basic = "open"
	Closed Basic = "closed"
)

// Activities that this program speaks of; others are passed on.
const (
	OnThePhone = "on-the-phone"
	Busy       = "busy"
	Away       = "away"
)

const (
	maxActivities = 8
	maxNote       = 200 // runes
	unreachable   = "unreachable"
)

// Presence is what a PIDF document says of one address.
type Presence struct {
	Entity      string // whose it is: sip:102@office
	Basic       Basic
	Activities  []string // RFC 4480, section 3.2: names of elements
	Note        string   // for people
	Unreachable bool     // closed, but only because nobody could be asked
	Bindings    uint32   // between phones: see the package comment
}

// Equal reports whether both say the same.
func (p Presence) Equal(q Presence) bool {
	return p.Entity == q.Entity && p.Basic == q.Basic && slices.Equal(p.Activities, q.Activities) && p.Note == q.Note &&
		p.Unreachable == q.Unreachable && p.Bindings == q.Bindings
}

// ParsePresence reads a PIDF document. Of several tuples, one that is open makes
// the whole open; the first note counts.
func ParsePresence(octets []byte) (Presence, error) {
	root, err := read(octets, pidfSpace, "presence")
	if err != nil {
		return Presence{}, err
	}
	p := Presence{Entity: root.attr("entity")}
	if err := identifier("entity", p.Entity); err != nil {
		return Presence{}, err
	}
	for _, tuple := range root.all(pidfSpace, "tuple") {
		if err := p.tuple(tuple); err != nil {
			return Presence{}, err
		}
	}
	p.remark(root)
	for _, person := range root.all(modelSpace, "person") {
		p.act(person)
		if n := person.first(modelSpace, "note"); n != nil && p.Note == "" {
			p.Note = plain(n.text, maxNote)
		}
		if a := person.first(rpidSpace, "activities"); a != nil && p.Note == "" {
			if n := a.first(rpidSpace, "note"); n != nil {
				p.Note = plain(n.text, maxNote)
			}
		}
	}
	if root.first(ownSpace, unreachable) != nil {
		p.Unreachable, p.Basic, p.Note = true, Closed, unreachable
	}
	if b := root.first(ownSpace, "bindings"); b != nil {
		n, err := strconv.ParseUint(b.text, 10, 32)
		if err != nil {
			return Presence{}, malformed("bindings %.20q", b.text)
		}
		p.Bindings = uint32(n)
	}
	return p, nil
}

// tuple is RFC 3863, section 4.1.2.
func (p *Presence) tuple(tuple *element) error {
	status := tuple.first(pidfSpace, "status")
	if tuple.attr("id") == "" || status == nil {
		return malformed("tuple without id or status")
	}
	if b := status.first(pidfSpace, "basic"); b != nil {
		switch Basic(b.text) {
		case Open:
			p.Basic = Open
		case Closed:
			if p.Basic == Unsaid {
				p.Basic = Closed
			}
		default:
			return malformed("basic status %.20q", b.text)
		}
	}
	p.act(status)
	p.act(tuple)
	p.remark(tuple)
	return nil
}

func (p *Presence) remark(e *element) {
	if n := e.first(pidfSpace, "note"); n != nil && p.Note == "" {
		p.Note = plain(n.text, maxNote)
	}
}

func (p *Presence) act(e *element) {
	a := e.first(rpidSpace, "activities")
	if a == nil {
		return
	}
	for _, c := range a.children {
		name := c.name.Local
		if c.name.Space == rpidSpace && name != "note" && activity(name) && len(p.Activities) < maxActivities && !slices.Contains(p.Activities, name) {
			p.Activities = append(p.Activities, name)
		}
	}
}

// activity tells a name such as RFC 4480 has them: letters and hyphens.
func activity(name string) bool {
	return len(name) <= 32 && name != "" && name[0] != '-' && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz-") == ""
}

// Bytes prints p.
func (p Presence) Bytes() []byte {
	var b strings.Builder
	b.WriteString(header)
	fmt.Fprintf(&b, `<presence xmlns="%s" entity="%s">`+"\n", pidfSpace, escaped(p.Entity))
	if p.Unreachable {
		p.Basic, p.Note = Closed, unreachable
	}
	if p.Basic != Unsaid {
		fmt.Fprintf(&b, `<tuple id="office"><status><basic>%s</basic></status>`, p.Basic)
		if p.Note != "" {
			fmt.Fprintf(&b, "<note>%s</note>", escaped(p.Note))
		}
		b.WriteString("</tuple>\n")
	} else if p.Note != "" {
		fmt.Fprintf(&b, "<note>%s</note>\n", escaped(p.Note))
	}
	if len(p.Activities) > 0 {
		fmt.Fprintf(&b, `<dm:person xmlns:dm="%s" xmlns:rpid="%s" id="user"><rpid:activities>`, modelSpace, rpidSpace)
		for _, a := range p.Activities {
			fmt.Fprintf(&b, "<rpid:%s/>", a)
		}
		b.WriteString("</rpid:activities></dm:person>\n")
	}
	if p.Unreachable {
		fmt.Fprintf(&b, `<unreachable xmlns="%s"/>`+"\n", ownSpace)
	}
	if p.Bindings != 0 {
		fmt.Fprintf(&b, `<bindings xmlns="%s">%d</bindings>`+"\n", ownSpace, p.Bindings)
	}
	b.WriteString("</presence>\n")
	return []byte(b.String())
}
