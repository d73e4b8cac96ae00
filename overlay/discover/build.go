package discover

import (
	"net/netip"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"chordophone/overlay"
)

// announcement is the one packet that says all of p; ttl 0 makes it a goodbye.
// With enumerate it also says that there is such a service.
func announcement(p presence, addrs []netip.Addr, ttl time.Duration, enumerate bool) []byte {
	var (
		b        = newBuilder(dnsmessage.Header{Response: true, Authoritative: true}) // RFC 6762, section 18.4
		instance = dnsmessage.MustNewName(instanceName(p.ID))
		host     = dnsmessage.MustNewName(hostName(p.ID))
		header   = func(name dnsmessage.Name, class dnsmessage.Class) dnsmessage.ResourceHeader {
			return dnsmessage.ResourceHeader{Name: name, Class: class, TTL: uint32(ttl / time.Second)}
		}
	)
	must(b.StartAnswers())
	if enumerate {
		must(b.PTRResource(header(dnsmessage.MustNewName(services), classIN), dnsmessage.PTRResource{PTR: dnsmessage.MustNewName(service)}))
	}
	must(b.PTRResource(header(dnsmessage.MustNewName(service), classIN), dnsmessage.PTRResource{PTR: instance}))
	must(b.SRVResource(header(instance, classIN|flush), dnsmessage.SRVResource{Port: p.Port, Target: host}))
	must(b.TXTResource(header(instance, classIN|flush), dnsmessage.TXTResource{TXT: p.txt()}))
	for _, a := range addrs {
		if a.Is4() {
			must(b.AResource(header(host, classIN|flush), dnsmessage.AResource{A: a.As4()}))
		} else {
			must(b.AAAAResource(header(host, classIN|flush), dnsmessage.AAAAResource{AAAA: a.As16()}))
		}
	}
	return finish(b)
}

// known is an answer that a query need not bring.
type known struct {
	ID   overlay.ID
	Left time.Duration
}

// query asks which phones there are, besides those in list. What does not fit into
// one packet goes into more; TC on all but the last says so. // RFC 6762, section 7.2
func query(list []known) [][]byte {
	const (
		first = 12 + len(service) + 1 + 4            // header, question
		each  = 2 + 10 + 1 + 2*len(overlay.ID{}) + 2 // two compressed names, the fixed part of a record, a label
		full  = (maxQuery - first) / each
	)
	browse := dnsmessage.MustNewName(service)
	var out [][]byte
	for {
		n := min(len(list), full)
		b := newBuilder(dnsmessage.Header{Truncated: n < len(list)})
		must(b.StartQuestions())
		if len(out) == 0 {
			must(b.Question(dnsmessage.Question{Name: browse, Type: dnsmessage.TypePTR, Class: classIN}))
		}
		must(b.StartAnswers())
		for _, k := range list[:n] {
			h := dnsmessage.ResourceHeader{Name: browse, Class: classIN, TTL: uint32(k.Left / time.Second)}
			must(b.PTRResource(h, dnsmessage.PTRResource{PTR: dnsmessage.MustNewName(instanceName(k.ID))}))
		}
		out = append(out, finish(b))
		if list = list[n:]; len(list) == 0 {
			return out
		}
	}
}

func newBuilder(h dnsmessage.Header) *dnsmessage.Builder {
	b := dnsmessage.NewBuilder(make([]byte, 0, 512), h)
	b.EnableCompression()
	return &b
}

func finish(b *dnsmessage.Builder) []byte {
	data, err := b.Finish()
	must(err)
	return data
}

// must is for what cannot fail: all that we send is checked by New and short.
func must(err error) {
	if err != nil {
		panic("BUG: discover: " + err.Error())
	}
}
