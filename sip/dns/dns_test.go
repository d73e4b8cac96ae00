package dns

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

var office = zone{name: "office.", sip: 5060, tls: 5061, phones: []Phone{
	{"101", netip.MustParseAddr("192.0.2.1")}, {"102", netip.MustParseAddr("192.0.2.2")}, {"103", netip.MustParseAddr("2001:db8::3")},
}}

func query(name string, kind uint16) *dns.Msg {
	m := new(dns.Msg)
	m.SetQuestion(name, kind)
	return m
}

// show is an answer in a few words.
func show(m *dns.Msg) string {
	if m == nil {
		return "nothing"
	}
	words := []string{dns.RcodeToString[m.Rcode]}
	for _, part := range [][]dns.RR{m.Answer, m.Ns, m.Extra} {
		for _, rr := range part {
			if rr.Header().Rrtype == dns.TypeOPT {
				continue
			}
			f := strings.Fields(rr.String())
			words = append(words, f[0]+" "+strings.Join(f[3:], " "))
		}
		words = append(words, "|")
	}
	return strings.TrimRight(strings.Join(words, " "), " |")
}

func TestAnswers(t *testing.T) {
	const soa = "| office. SOA office. hostmaster.office. 1 5 5 5 5"
	onlyTLS := office
	onlyTLS.sip = 0
	for _, tc := range []struct {
		zone zone
		name string
		kind uint16
		want string
	}{
		{office, "office.", dns.TypeA, "NOERROR office. A 192.0.2.1 office. A 192.0.2.2"},
		{office, "OFfice.", dns.TypeAAAA, "NOERROR OFfice. AAAA 2001:db8::3"},
		{office, "office.", dns.TypeMX, "NOERROR " + soa},
		{office, "office.", dns.TypeSOA, "NOERROR office. SOA office. hostmaster.office. 1 5 5 5 5"},
		{office, "102.office.", dns.TypeA, "NOERROR 102.office. A 192.0.2.2"},
		{office, "102.office.", dns.TypeAAAA, "NOERROR " + soa},
		{office, "103.Office.", dns.TypeAAAA, "NOERROR 103.Office. AAAA 2001:db8::3"},
		{office, "104.office.", dns.TypeA, "NXDOMAIN " + soa},
		{office, "a.102.office.", dns.TypeA, "NXDOMAIN " + soa},
		{office, "_tcp.office.", dns.TypeSRV, "NOERROR " + soa},
		{office, "_sip._tcp.office.", dns.TypeA, "NOERROR " + soa},
		{office, "office.", dns.TypeNAPTR, `NOERROR office. NAPTR 10 50 "s" "SIP+D2U" "" _sip._udp.office. office. NAPTR 20 50 "s" "SIP+D2T" "" _sip._tcp.office. office. NAPTR 30 50 "s" "SIPS+D2T" "" _sips._tcp.office.`},
		{onlyTLS, "office.", dns.TypeNAPTR, `NOERROR office. NAPTR 30 50 "s" "SIPS+D2T" "" _sips._tcp.office.`},
		{onlyTLS, "_sip._udp.office.", dns.TypeSRV, "NXDOMAIN " + soa},
		{office, "_sip._udp.office.", dns.TypeSRV, "NOERROR _sip._udp.office. SRV 10 10 5060 101.office. _sip._udp.office. SRV 20 10 5060 102.office. _sip._udp.office. SRV 20 10 5060 103.office. | | 101.office. A 192.0.2.1 102.office. A 192.0.2.2 103.office. AAAA 2001:db8::3"},
		{office, "_sips._tcp.office.", dns.TypeSRV, "NOERROR _sips._tcp.office. SRV 10 10 5061 101.office. _sips._tcp.office. SRV 20 10 5061 102.office. _sips._tcp.office. SRV 20 10 5061 103.office. | | 101.office. A 192.0.2.1 102.office. A 192.0.2.2 103.office. AAAA 2001:db8::3"},
		{office, "office.", dns.TypeANY, "REFUSED"},
		{office, "office.", dns.TypeAXFR, "REFUSED"},
		{office, "office.", dns.TypeIXFR, "REFUSED"},
		{office, "example.com.", dns.TypeA, "REFUSED"},
		{office, "backoffice.", dns.TypeA, "REFUSED"},
		{office, ".", dns.TypeNS, "REFUSED"},
	} {
		q := query(tc.name, tc.kind)
		m := tc.zone.answer(q)
		if got := show(m); got != tc.want {
			t.Errorf("%s %s:\n%s\n%s", tc.name, dns.TypeToString[tc.kind], got, tc.want)
		}
		if m.Id != q.Id || !m.Response || m.RecursionAvailable || m.Authoritative == (m.Rcode == dns.RcodeRefused) {
			t.Errorf("%s: %+v", tc.name, m.MsgHdr)
		}
		for _, rr := range m.Answer {
			if rr.Header().Ttl != ttl {
				t.Errorf("%v", rr)
			}
		}
	}
}

func TestOddQueries(t *testing.T) {
	q := query("office.", dns.TypeA)
	q.Response = true
	if m := office.answer(q); m != nil {
		t.Error("answered an answer: two servers would go on for ever")
	}
	q = query("office.", dns.TypeA)
	q.Question = append(q.Question, q.Question[0])
	if m := office.answer(q); m != nil {
		t.Error("two questions")
	}
	q = query("office.", dns.TypeA)
	q.Question[0].Qclass = dns.ClassCHAOS
	if got := show(office.answer(q)); got != "REFUSED" {
		t.Error(got)
	}
	q = query("office.", dns.TypeA)
	q.Opcode = dns.OpcodeUpdate
	if got := show(office.answer(q)); got != "NOTIMP" {
		t.Error(got)
	}
	q = query("office.", dns.TypeA)
	q.SetEdns0(4096, false)
	q.IsEdns0().SetVersion(1)
	if m := office.answer(q); m.Rcode != dns.RcodeBadVers || m.IsEdns0() == nil {
		t.Error(m)
	}
}

func TestUsable(t *testing.T) {
	var phones []Phone
	for _, user := range []string{"", "a b", "a.b", "-1", "Bob", strings.Repeat("x", 64)} {
		phones = append(phones, Phone{user, netip.MustParseAddr("192.0.2.1")})
	}
	phones = append(phones, Phone{"1", netip.Addr{}}, Phone{"2", netip.MustParseAddr("fe80::1%eth0")})
	if got := usable(phones); len(got) != 1 || got[0].User != "bob" {
		t.Errorf("%+v", got)
	}
	for i := range 100 {
		phones = append(phones, Phone{fmt.Sprint(100 + i), netip.MustParseAddr("192.0.2.1")})
	}
	if got := usable(phones); len(got) != maxPhones || got[1].User != "100" {
		t.Errorf("%+v", got)
	}
}

func TestLimiter(t *testing.T) {
	l := newLimiter()
	now := time.Now()
	count := func(from netip.Addr, n int) (passed int) {
		for range n {
			if l.allow(now, from) {
				passed++
			}
		}
		return passed
	}
	a, b := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	if n := count(a, 100); n != sourceRate {
		t.Error(n)
	}
	if n := count(b, 5); n != 5 {
		t.Error("one source's flood hurts another: ", n)
	}
	now = now.Add(500 * time.Millisecond)
	if n := count(a, 100); n != sourceRate/2 {
		t.Error(n)
	}
	passed := 0
	for i := range 100000 { // forged
		passed += count(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), 1)
	}
	if passed > totalRate || len(l.sources) > maxSources {
		t.Error(passed, len(l.sources))
	}
}

func FuzzServe(f *testing.F) {
	for _, q := range []*dns.Msg{query("office.", dns.TypeNAPTR), query("_sip._udp.office.", dns.TypeSRV), query("101.office.", dns.TypeANY)} {
		q.SetEdns0(4096, true)
		b, _ := q.Pack()
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s := &Server{name: "office.", limit: newLimiter(), cfg: Config{SIPPort: 5060, TLSPort: 5061, Phones: func() []Phone { return many(20) }}}
		out := s.serve(b, netip.MustParseAddr("192.0.2.9"), true)
		if len(out) > maxUDP {
			t.Errorf("%d octets", len(out))
		}
		if out != nil && new(dns.Msg).Unpack(out) != nil {
			t.Errorf("%x is no message", out)
		}
	})
}
