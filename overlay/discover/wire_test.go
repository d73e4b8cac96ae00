package discover

import (
	"bytes"
	"errors"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
	"pgregory.net/rapid"

	"chordophone/overlay"
)

var acme101 = presence{ID: overlay.ID{0: 0xAB, 15: 1}, Office: "Acme Zürich", Extension: "101", Enrolling: true, Port: 6084}

var acmeAddrs = []netip.Addr{netip.MustParseAddr("169.254.1.1"), netip.MustParseAddr("fe80::1")}

// The format as other programs see it.
func TestAnnouncementOnTheWire(t *testing.T) {
	got := announcement(acme101, acmeAddrs, lifetime, false)
	const id = "ab000000000000000000000000000001"
	want := []byte("" +
		"\x00\x00\x84\x00\x00\x00\x00\x05\x00\x00\x00\x00" + // response, authoritative; 5 answers
		"\x0c_chordophone\x04_tcp\x05local\x00" + "\x00\x0c\x00\x01\x00\x00\x00\xf0\x00\x23" + // PTR IN 240 s
		"\x20" + id + "\xc0\x0c" +
		"\xc0\x2f" + "\x00\x21\x80\x01\x00\x00\x00\xf0\x00\x2e" + // SRV IN, flush
		"\x00\x00\x00\x00\x17\xc4" + "\x20" + id + "\x05local\x00" +
		"\xc0\x2f" + "\x00\x10\x80\x01\x00\x00\x00\xf0\x00\x58" + // TXT
		"\x09txtvers=1" + "\x13office=Acme Z\xc3\xbcrich" + "\x25node=" + id + "\x07ext=101" + "\x0benrolling=1" +
		"\x20" + id + "\xc0\x1e" + "\x00\x01\x80\x01\x00\x00\x00\xf0\x00\x04\xa9\xfe\x01\x01" + // A
		"\xc0\xf0" + "\x00\x1c\x80\x01\x00\x00\x00\xf0\x00\x10\xfe\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01") // AAAA
	if !bytes.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestQueryOnTheWire(t *testing.T) {
	got := query([]known{{acme101.ID, 200 * time.Second}})
	want := "\x00\x00\x00\x00\x00\x01\x00\x01\x00\x00\x00\x00" +
		"\x0c_chordophone\x04_tcp\x05local\x00" + "\x00\x0c\x00\x01" +
		"\xc0\x0c" + "\x00\x0c\x00\x01\x00\x00\x00\xc8\x00\x23" + "\x20ab000000000000000000000000000001" + "\xc0\x0c"
	if len(got) != 1 || string(got[0]) != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestAnnouncementRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := presence{
			ID:        overlay.ID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id")),
			Office:    rapid.StringOf(rapid.RuneFrom([]rune("aZ =.\\\"Äß東\U0001F4DE"))).Draw(t, "office"),
			Extension: rapid.StringMatching(`[0-9]{0,17}`).Draw(t, "extension"),
			Enrolling: rapid.Bool().Draw(t, "enrolling"),
			Port:      rapid.Uint16().Draw(t, "port"),
		}
		if p.check() != nil {
			return
		}
		ttl := time.Duration(rapid.IntRange(1, 3600).Draw(t, "ttl")) * time.Second
		data := announcement(p, acmeAddrs, ttl, rapid.Bool().Draw(t, "enumerate"))
		msg, err := parse(data)
		want := []sighting{{p, acmeAddrs, ttl}}
		if err != nil || !msg.Response || !reflect.DeepEqual(msg.Phones, want) {
			t.Fatalf("%+v %v, want %+v", msg, err, want)
		}
		if len(data) > maxQuery {
			t.Fatalf("%d octets", len(data))
		}
		bye, err := parse(announcement(p, acmeAddrs, 0, false))
		if err != nil || len(bye.Phones) != 1 || bye.Phones[0].TTL != 0 || bye.Phones[0].ID != p.ID {
			t.Fatalf("goodbye: %+v %v", bye, err)
		}
	})
}

// Half an announcement is none: every truncation either fails or says nothing.
func TestTruncatedAnnouncement(t *testing.T) {
	data := announcement(acme101, acmeAddrs[:1], lifetime, false)
	for n := range data {
		if msg, err := parse(data[:n]); err == nil && len(msg.Phones) > 0 {
			t.Errorf("%d of %d octets: %+v", n, len(data), msg.Phones)
		}
	}
}

func TestParseTXT(t *testing.T) {
	const node = "node=ab000000000000000000000000000001"
	good := []string{"txtvers=1", "office=Acme", node, "ext=101", "enrolling=1"}
	with := func(i int, s string) []string {
		out := slices.Clone(good)
		out[i] = s
		return out
	}
	for _, c := range []struct {
		what string
		txt  []string
		ok   bool
	}{
		{"good", good, true},
		{"without extension", with(3, "x="), true},
		{"key in capitals", with(1, "OFFICE=Acme"), true},
		{"unknown keys", append(slices.Clone(good), "colour=red", "", "=", "flag"), true},
		{"enrolling unclear", with(4, "enrolling=yes"), true},
		{"nothing", nil, false},
		{"no version", good[1:], false},
		{"another version", with(0, "txtvers=2"), false},
		{"no office", with(1, "x="), false},
		{"empty office", with(1, "office="), false},
		{"office of 64 octets", with(1, "office="+strings.Repeat("x", 64)), true},
		{"office of 65 octets", with(1, "office="+strings.Repeat("x", 65)), false},
		{"office with an escape sequence", with(1, "office=\x1b[31mAcme"), false},
		{"office with a line end", with(1, "office=Ac\nme"), false},
		{"office written backwards", with(1, "office=\u202eemcA"), false},
		{"office not UTF-8", with(1, "office=\xff"), false},
		{"no node", with(2, "x="), false},
		{"short node", with(2, "node=ab"), false},
		{"zero node", with(2, "node="+strings.Repeat("0", 32)), false},
		{"node not hexadecimal", with(2, "node="+strings.Repeat("g", 32)), false},
		{"extension with letters", with(3, "ext=10a"), false},
		{"extension with a header", with(3, "ext=1\r\nX: y"), false},
		{"extension too long", with(3, "ext="+strings.Repeat("1", 17)), false},
	} {
		p, err := parseTXT(c.txt)
		if (err == nil) != c.ok {
			t.Errorf("%s: %+v, %v", c.what, p, err)
		}
	}
	// RFC 6763, section 6.4: of a repeated key "all but the first occurrence are
	// silently ignored".
	if p, err := parseTXT(append(slices.Clone(good), "office=Zenith")); err != nil || p.Office != "Acme" {
		t.Errorf("repeated key: %+v, %v", p, err)
	}
	if p, _ := parseTXT(with(4, "enrolling=yes")); p.Enrolling {
		t.Error("enrolling=yes counts")
	}
}

// What a response must not get away with.
func TestHostileResponses(t *testing.T) {
	id, other := acme101.ID, overlay.ID{1}
	build := func(f func(b *dnsmessage.Builder, h func(string) dnsmessage.ResourceHeader)) []byte {
		b := newBuilder(dnsmessage.Header{Response: true})
		must(b.StartAnswers())
		f(b, func(name string) dnsmessage.ResourceHeader {
			return dnsmessage.ResourceHeader{Name: dnsmessage.MustNewName(name), Class: classIN, TTL: 100}
		})
		return finish(b)
	}
	type hdr = func(string) dnsmessage.ResourceHeader
	ptr := func(b *dnsmessage.Builder, h hdr, id overlay.ID) {
		must(b.PTRResource(h(service), dnsmessage.PTRResource{PTR: dnsmessage.MustNewName(instanceName(id))}))
	}
	srv := func(b *dnsmessage.Builder, h hdr, id overlay.ID, port uint16, target string) {
		must(b.SRVResource(h(instanceName(id)), dnsmessage.SRVResource{Port: port, Target: dnsmessage.MustNewName(target)}))
	}
	txt := func(b *dnsmessage.Builder, h hdr, id overlay.ID, p presence) {
		must(b.TXTResource(h(instanceName(id)), dnsmessage.TXTResource{TXT: p.txt()}))
	}
	a := func(b *dnsmessage.Builder, h hdr, id overlay.ID) {
		must(b.AResource(h(hostName(id)), dnsmessage.AResource{A: [4]byte{169, 254, 1, 1}}))
	}
	for _, c := range []struct {
		what   string
		data   []byte
		phones int
	}{
		{"good, in another order", build(func(b *dnsmessage.Builder, h hdr) {
			a(b, h, id)
			txt(b, h, id, acme101)
			srv(b, h, id, 6084, hostName(id))
			ptr(b, h, id)
		}), 1},
		{"good, after a record of another service", build(func(b *dnsmessage.Builder, h hdr) {
			must(b.PTRResource(h("_ipp._tcp.local."), dnsmessage.PTRResource{PTR: dnsmessage.MustNewName("printer._ipp._tcp.local.")}))
			must(b.TXTResource(h("printer._ipp._tcp.local."), dnsmessage.TXTResource{TXT: []string{"txtvers=1"}}))
			ptr(b, h, id)
			srv(b, h, id, 6084, hostName(id))
			txt(b, h, id, acme101)
			a(b, h, id)
		}), 1},
		{"additional records", func() []byte {
			b := newBuilder(dnsmessage.Header{Response: true})
			h := func(name string) dnsmessage.ResourceHeader {
				return dnsmessage.ResourceHeader{Name: dnsmessage.MustNewName(name), Class: classIN | flush, TTL: 100}
			}
			must(b.StartAnswers())
			ptr(b, h, id)
			must(b.StartAdditionals())
			srv(b, h, id, 6084, hostName(id))
			txt(b, h, id, acme101)
			a(b, h, id)
			return finish(b)
		}(), 1},
		{"no TXT", build(func(b *dnsmessage.Builder, h hdr) {
			ptr(b, h, id)
			srv(b, h, id, 6084, hostName(id))
			a(b, h, id)
		}), 0},
		{"no address", build(func(b *dnsmessage.Builder, h hdr) {
			ptr(b, h, id)
			srv(b, h, id, 6084, hostName(id))
			txt(b, h, id, acme101)
		}), 0},
		{"port 0", build(func(b *dnsmessage.Builder, h hdr) {
			ptr(b, h, id)
			srv(b, h, id, 0, hostName(id))
			txt(b, h, id, acme101)
			a(b, h, id)
		}), 0},
		{"TXT of another node", build(func(b *dnsmessage.Builder, h hdr) {
			ptr(b, h, other)
			srv(b, h, other, 6084, hostName(other))
			txt(b, h, other, acme101)
			a(b, h, other)
		}), 0},
		{"host of another node", build(func(b *dnsmessage.Builder, h hdr) {
			ptr(b, h, id)
			srv(b, h, id, 6084, hostName(other))
			txt(b, h, id, acme101)
			a(b, h, other)
		}), 0},
		{"a hundred phones", build(func(b *dnsmessage.Builder, h hdr) {
			for i := range 100 {
				p := acme101
				p.ID = testID(i)
				ptr(b, h, p.ID)
				srv(b, h, p.ID, 1, hostName(p.ID))
				txt(b, h, p.ID, p)
				a(b, h, p.ID)
			}
		})[:maxPacket], maxPhones},
		{"too long", make([]byte, maxPacket+1), 0},
		{"an error", append([]byte{0, 0, 0x84, 3}, announcement(acme101, acmeAddrs, lifetime, false)[4:]...), 0},
		{"empty", nil, 0},
		{"a name that points at itself", []byte("\x00\x00\x84\x00\x00\x00\x00\x01\x00\x00\x00\x00\xc0\x0c\x00\x0c\x00\x01\x00\x00\x00\x01\x00\x02\xc0\x0c"), 0},
		{"65535 answers that are not there", []byte("\x00\x00\x84\x00\x00\x00\xff\xff\x00\x00\x00\x00"), 0},
	} {
		msg, err := parse(c.data)
		if len(msg.Phones) != c.phones {
			t.Errorf("%s: %d phones, want %d (%v)", c.what, len(msg.Phones), c.phones, err)
		}
		if err != nil && !errors.Is(err, errMessage) {
			t.Errorf("%s: %v", c.what, err)
		}
	}
}

// FuzzReceive feeds a machine anything: it must not panic, and keep to its bounds.
func FuzzReceive(f *testing.F) {
	f.Add(announcement(acme101, acmeAddrs, lifetime, true))
	f.Add(announcement(acme101, acmeAddrs, 0, false))
	f.Add(query(nil)[0])
	f.Add(query([]known{{acme101.ID, lifetime}, {testID(0), lifetime}})[0])
	f.Fuzz(func(t *testing.T, data []byte) {
		m := newMachine(&presence{ID: testID(0), Office: "Acme Zürich", Port: 6084}, netip.Addr{}, newBus(t).rng)
		now := time.Now()
		l := wire(0)
		m.step(now, setLinks{[]linkState{l}})
		m.step(now, packet{l.linkID, netip.MustParseAddrPort("169.254.6.6:5353"), data})
		sent := 0
		for range 50 {
			now = m.next()
			for _, a := range m.step(now, tick{}) {
				switch a := a.(type) {
				case send:
					sent++
					if _, err := parse(a.Data); err != nil {
						t.Fatalf("sent what it cannot read: %q", a.Data)
					}
				case report:
					for _, s := range a.Found {
						if s.check() != nil || len(s.Addrs) == 0 || s.Office != "Acme Zürich" {
							t.Fatalf("reports %+v", s)
						}
					}
				}
			}
		}
		if sent > 60 {
			t.Fatalf("%d packets", sent)
		}
	})
}
