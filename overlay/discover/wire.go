package discover

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"chordophone/overlay"
)

// Names. // RFC 6763, sections 4.1 and 9
const (
	domain   = ".local."
	service  = "_chordophone._tcp" + domain
	services = "_services._dns-sd._udp" + domain // what tools ask to learn which services there are
)

func instanceName(id overlay.ID) string { return id.String() + "." + service }
func hostName(id overlay.ID) string     { return id.String() + domain }

// Numbers of the wire.
const (
	lifetime    = 4 * time.Minute // of every record; see the package comment
	maxLifetime = time.Hour       // believed of others
	maxPacket   = 9000            // octets received; RFC 6762, section 17
	maxQuery    = 1200            // octets sent: fits the least MTU of IPv6
	maxRecords  = 256             // looked at in one message
	maxPhones   = 32              // believed of one message

	classIN = dnsmessage.ClassINET
	flush   = dnsmessage.Class(1 << 15) // of a record: replaces what was known; RFC 6762, section 10.2
	topBit  = flush                     // of a question: unicast answer wanted; RFC 6762, section 5.4
)

var errMessage = errors.New("discover: malformed message")

// message is what matters to us of a DNS message. What is about other services
// is left out.
type message struct {
	Response  bool
	Truncated bool // of a query: more known answers follow

	// of a query
	Browse   bool         // asks which phones there are
	Services bool         // asks which services there are
	Names    []overlay.ID // asks about these phones
	Known    []overlay.ID // known answers with at least half their life left

	// of a response
	Phones []sighting // Addrs as in the message, unchecked
}

// parse reads a message. It stops in silence at the first record that it cannot
// read: dnsmessage refuses names with a dot in a label, which other services do
// have.
func parse(data []byte) (message, error) {
	var (
		m message
		p dnsmessage.Parser
	)
	if len(data) > maxPacket {
		return m, errMessage
	}
	h, err := p.Start(data)
	if err != nil || h.OpCode != 0 || h.RCode != 0 { // RFC 6762, sections 18.3 and 18.11
		return m, errMessage
	}
	m.Response, m.Truncated = h.Response, h.Truncated
	for range maxRecords {
		q, err := p.Question()
		if err == dnsmessage.ErrSectionDone {
			break
		}
		if err != nil {
			return m, errMessage
		}
		if !m.Response {
			m.question(q)
		}
	}
	if err := p.SkipAllQuestions(); err != nil {
		return m, errMessage
	}
	if !m.Response {
		m.knownAnswers(&p)
	} else {
		m.phones(&p)
	}
	return m, nil
}

func (m *message) question(q dnsmessage.Question) {
	if c := q.Class &^ topBit; c != classIN && c != dnsmessage.ClassANY {
		return
	}
	name := strings.ToLower(q.Name.String())
	ptr := q.Type == dnsmessage.TypePTR || q.Type == dnsmessage.TypeALL
	switch {
	case name == service:
		m.Browse = m.Browse || ptr
	case name == services:
		m.Services = m.Services || ptr
	default:
		if id, ok := nameID(name); ok && len(m.Names) < maxPhones {
			m.Names = append(m.Names, id)
		}
	}
}

// knownAnswers reads the answers that the asker does not need to hear.
// RFC 6762, section 7.1
func (m *message) knownAnswers(p *dnsmessage.Parser) {
	for range maxRecords {
		h, err := p.AnswerHeader()
		if err != nil {
			return
		}
		if h.Type != dnsmessage.TypePTR || !strings.EqualFold(h.Name.String(), service) {
			if p.SkipAnswer() != nil {
				return
			}
			continue
		}
		r, err := p.PTRResource()
		if err != nil {
			return
		}
		if id, ok := nameID(strings.ToLower(r.PTR.String())); ok && time.Duration(h.TTL)*time.Second >= lifetime/2 {
			m.Known = append(m.Known, id)
		}
	}
}

// part is what a response says of one phone; its records come in any order.
type part struct {
	sighting
	ptr, txt bool
	port     uint16
}

// phones collects the phones that a response describes wholly: a PTR, and a SRV, a
// TXT and an address beside it. A goodbye needs the PTR only.
func (m *message) phones(p *dnsmessage.Parser) {
	var parts []part
	of := func(name dnsmessage.Name) *part {
		id, ok := nameID(strings.ToLower(name.String()))
		if !ok {
			return nil
		}
		for i := range parts {
			if parts[i].ID == id {
				return &parts[i]
			}
		}
		if len(parts) == maxPhones {
			return nil
		}
		parts = append(parts, part{sighting: sighting{presence: presence{ID: id}}})
		return &parts[len(parts)-1]
	}

	if records(p.AnswerHeader, p.SkipAnswer, p, of) && p.SkipAllAuthorities() == nil {
		records(p.AdditionalHeader, p.SkipAdditional, p, of)
	}
	for _, x := range parts {
		switch {
		case x.ptr && x.TTL == 0:
			m.Phones = append(m.Phones, sighting{presence: presence{ID: x.ID}})
		case x.ptr && x.txt && x.port != 0 && len(x.Addrs) > 0:
			x.Port = x.port
			m.Phones = append(m.Phones, x.sighting)
		}
	}
}

// records reads one section and reports whether its end was reached.
func records(header func() (dnsmessage.ResourceHeader, error), skip func() error, p *dnsmessage.Parser, of func(dnsmessage.Name) *part) bool {
	for range maxRecords {
		h, err := header()
		if err != nil {
			return err == dnsmessage.ErrSectionDone
		}
		var x *part
		switch {
		case h.Class&^flush != classIN:
		case h.Type == dnsmessage.TypePTR && strings.EqualFold(h.Name.String(), service):
			r, err := p.PTRResource()
			if err != nil {
				return false
			}
			if x := of(r.PTR); x != nil {
				x.ptr, x.TTL = true, min(time.Duration(h.TTL)*time.Second, maxLifetime)
			}
			continue
		default:
			x = of(h.Name)
		}
		if x == nil {
			err = skip()
		} else {
			err = x.read(h, p, skip)
		}
		if err != nil {
			return false
		}
	}
	return false
}

// read takes what a record other than PTR says of the phone.
func (x *part) read(h dnsmessage.ResourceHeader, p *dnsmessage.Parser, skip func() error) error {
	switch h.Type {
	case dnsmessage.TypeSRV:
		r, err := p.SRVResource()
		if err == nil && strings.EqualFold(r.Target.String(), hostName(x.ID)) {
			x.port = r.Port
		}
		return err
	case dnsmessage.TypeTXT:
		r, err := p.TXTResource()
		if err != nil {
			return err
		}
		if said, err := parseTXT(r.TXT); err == nil && said.ID == x.ID {
			x.presence, x.txt = said, true
		}
		return nil
	case dnsmessage.TypeA:
		r, err := p.AResource()
		if err == nil {
			x.add(netip.AddrFrom4(r.A))
		}
		return err
	case dnsmessage.TypeAAAA:
		r, err := p.AAAAResource()
		if err == nil {
			x.add(netip.AddrFrom16(r.AAAA))
		}
		return err
	}
	return skip()
}

func (x *part) add(a netip.Addr) {
	if len(x.Addrs) < 2*maxAddrs && !slices.Contains(x.Addrs, a) {
		x.Addrs = append(x.Addrs, a)
	}
}

// nameID takes the Node-ID out of the name of an instance or of a host, in lower
// case.
func nameID(name string) (overlay.ID, bool) {
	label, rest, ok := strings.Cut(name, ".")
	if !ok || rest != service && "."+rest != domain {
		return overlay.ID{}, false
	}
	id, err := overlay.ParseID(label)
	return id, err == nil && !id.IsZero()
}
