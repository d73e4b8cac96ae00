package dns

import (
	"net/netip"
	"strings"

	"github.com/miekg/dns"
)

const (
	ttl       = 5 // seconds
	maxPhones = 8 // in one answer
	maxUDP    = 1232
)

// Phone is a phone that lives.
type Phone struct {
	User string // "102"
	Addr netip.Addr
}

// zone is what there is to say.
type zone struct {
	name     string // of the office: lower case, with its dot at the end
	sip, tls uint16 // ports; sip 0: only TLS
	phones   []Phone
}

// answer answers a query; nil means not at all.
func (z *zone) answer(q *dns.Msg) *dns.Msg {
	if q.Response || len(q.Question) != 1 || q.Question[0].Qtype == 0 || q.Question[0].Qclass == 0 {
		return nil // a question that ends too soon is read with zeros
	}
	m := new(dns.Msg)
	m.SetReply(q)
	m.Compress = true
	if opt := q.IsEdns0(); opt != nil {
		m.SetEdns0(maxUDP, false)
		if opt.Version() != 0 {
			m.Rcode = dns.RcodeBadVers
			return m
		}
	}
	ask := q.Question[0]
	name := strings.ToLower(ask.Name)
	switch {
	case q.Opcode != dns.OpcodeQuery:
		m.Rcode = dns.RcodeNotImplemented
		return m
	case ask.Qclass != dns.ClassINET, !dns.IsSubDomain(z.name, name),
		ask.Qtype == dns.TypeANY, ask.Qtype == dns.TypeAXFR, ask.Qtype == dns.TypeIXFR:
		m.Rcode = dns.RcodeRefused
		return m
	}
	m.Authoritative = true
	if !z.fill(m, ask, name) {
		m.Rcode = dns.RcodeNameError
	}
	if len(m.Answer) == 0 { // RFC 2308: how long that is worth knowing
		m.Ns = append(m.Ns, z.soa())
	}
	return m
}

// fill adds what there is of a name and reports whether there is the name.
func (z *zone) fill(m *dns.Msg, ask dns.Question, name string) bool {
	switch rest := strings.TrimSuffix(name, z.name); rest {
	case "":
		switch ask.Qtype {
		case dns.TypeA, dns.TypeAAAA:
			for _, p := range z.phones {
				m.Answer = appendAddress(m.Answer, ask.Qtype, ask.Name, p.Addr)
			}
		case dns.TypeNAPTR:
			z.naptr(m, ask)
		case dns.TypeSOA:
			m.Answer = append(m.Answer, z.soa())
		}
	case "_sip._udp.", "_sip._tcp.":
		if z.sip == 0 {
			return false
		}
		z.srv(m, ask, z.sip)
	case "_sips._tcp.":
		z.srv(m, ask, z.tls)
	case "_tcp.", "_udp.": // there is something below
	default:
		user := strings.TrimSuffix(rest, ".")
		known := false
		for _, p := range z.phones {
			if p.User == user {
				known = true
				m.Answer = appendAddress(m.Answer, ask.Qtype, ask.Name, p.Addr)
			}
		}
		return known
	}
	return true
}

// naptr is RFC 3263, section 4.1.
func (z *zone) naptr(m *dns.Msg, ask dns.Question) {
	for i, s := range []struct {
		service, at string
		port        uint16
	}{{"SIP+D2U", "_sip._udp.", z.sip}, {"SIP+D2T", "_sip._tcp.", z.sip}, {"SIPS+D2T", "_sips._tcp.", z.tls}} {
		if s.port != 0 {
			m.Answer = append(m.Answer, &dns.NAPTR{Hdr: head(ask.Name, dns.TypeNAPTR), Order: uint16(10 * (i + 1)), Preference: 50,
				Flags: "s", Service: s.service, Replacement: s.at + z.name})
		}
	}
}

func (z *zone) srv(m *dns.Msg, ask dns.Question, port uint16) {
	if ask.Qtype != dns.TypeSRV {
		return
	}
	for i, p := range z.phones {
		target, priority := p.User+"."+z.name, uint16(20)
		if i == 0 {
			priority = 10
		}
		m.Answer = append(m.Answer, &dns.SRV{Hdr: head(ask.Name, dns.TypeSRV), Priority: priority, Weight: 10, Port: port, Target: target})
		for _, t := range []uint16{dns.TypeA, dns.TypeAAAA} {
			m.Extra = appendAddress(m.Extra, t, target, p.Addr)
		}
	}
}

func (z *zone) soa() dns.RR {
	return &dns.SOA{Hdr: head(z.name, dns.TypeSOA), Ns: z.name, Mbox: "hostmaster." + z.name, Serial: 1, Refresh: ttl, Retry: ttl, Expire: ttl, Minttl: ttl}
}

func head(name string, kind uint16) dns.RR_Header {
	return dns.RR_Header{Name: name, Rrtype: kind, Class: dns.ClassINET, Ttl: ttl}
}

func appendAddress(to []dns.RR, kind uint16, name string, addr netip.Addr) []dns.RR {
	addr = addr.Unmap()
	switch {
	case kind == dns.TypeA && addr.Is4():
		return append(to, &dns.A{Hdr: head(name, kind), A: addr.AsSlice()})
	case kind == dns.TypeAAAA && addr.Is6():
		return append(to, &dns.AAAA{Hdr: head(name, kind), AAAA: addr.AsSlice()})
	}
	return to
}

// usable are the phones that can stand in an answer, the first ones of them.
func usable(phones []Phone) []Phone {
	var some []Phone
	for _, p := range phones {
		p.User = strings.ToLower(p.User)
		if len(some) < maxPhones && label(p.User) && p.Addr.IsValid() && p.Addr.Zone() == "" {
			some = append(some, p)
		}
	}
	return some
}

// label reports whether a user can be a part of a host's name.
func label(s string) bool {
	for i := range len(s) {
		if c := s[i]; !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' && i > 0) {
			return false
		}
	}
	return 0 < len(s) && len(s) <= 63
}
