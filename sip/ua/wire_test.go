package ua

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"
)

// sipgo writes what it is given; nothing with a line break inside leaves the
// telephone.
func TestWireRefusesInjection(t *testing.T) {
	evil := "a\r\nX-Evil: 1"
	plain := func() *sip.Request {
		req := sip.NewRequest(sip.INVITE, sip.Uri{Scheme: "sip", User: "102", Host: "office"})
		from := &sip.FromHeader{Address: sip.Uri{Scheme: "sip", User: "101", Host: "office"}}
		from.Params.Add("tag", "x")
		req.AppendHeader(from)
		req.SetBody([]byte("v=0\r\no=- 1 1\r\n"))
		return req
	}
	if data, err := wire(plain()); err != nil || !strings.HasSuffix(string(data), "\r\n\r\nv=0\r\no=- 1 1\r\n") {
		t.Fatalf("%q, %v", data, err)
	}
	for what, spoil := range map[string]func(*sip.Request){
		"recipient": func(r *sip.Request) { r.Recipient.User = evil },
		"host":      func(r *sip.Request) { r.Recipient.Host = evil },
		"name":      func(r *sip.Request) { r.From().DisplayName = evil },
		"tag":       func(r *sip.Request) { r.From().Params.Add("tag", evil) },
		"field":     func(r *sip.Request) { r.AppendHeader(sip.NewHeader("X", evil)) },
		"line feed": func(r *sip.Request) { r.AppendHeader(sip.NewHeader("X", "a\nb")) },
		"return":    func(r *sip.Request) { r.AppendHeader(sip.NewHeader("X", "a\rb")) },
		"nul":       func(r *sip.Request) { r.AppendHeader(sip.NewHeader("X", "a\x00b")) },
		"method":    func(r *sip.Request) { r.Method = sip.RequestMethod(evil) },
	} {
		req := plain()
		spoil(req)
		if data, err := wire(req); !errors.Is(err, errInjection) {
			t.Errorf("%s: %q, %v", what, data, err)
		}
	}
}

func TestParseContact(t *testing.T) {
	for text, want := range map[string]string{
		"sip:102@192.0.2.7:5061;transport=tls":      "192.0.2.7:5061",
		"sip:102@192.0.2.7;transport=TLS":           "192.0.2.7:5061",
		"sips:102@192.0.2.7:5071":                   "192.0.2.7:5071",
		"sip:102@[2001:db8::1]:5061;transport=tls":  "[2001:db8::1]:5061",
		"sip:102@192.0.2.7:5060":                    "",
		"sip:102@192.0.2.7:5060;transport=udp":      "",
		"sip:102@telephone.test:5061;transport=tls": "",
		"sip:102@192.0.2.7:99999;transport=tls":     "",
		"tel:102":                                   "",
		"":                                          "",
		"*":                                         "",
		"sip:1\r\n@192.0.2.7;transport=tls":         "",
		"<sip:102@192.0.2.7;transport=tls>":         "",
		"sip:102@192.0.2.7;transport=tls?X=1":       "192.0.2.7:5061",
	} {
		c, ok := parseContact(text)
		if ok != (want != "") || ok && c.addr != netip.MustParseAddrPort(want) || strings.Contains(c.uri, "?") {
			t.Errorf("%q: %v %v", text, c, ok)
		}
	}
}

func TestBucket(t *testing.T) {
	now := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	s := sources{m: map[netip.Addr]*bucket{}}
	one := netip.MustParseAddr("192.0.2.1")
	count := func(a netip.Addr) (n int) {
		for range 100 {
			if s.allow(now, a) {
				n++
			}
		}
		return n
	}
	if n := count(one); n != handshakeBurst {
		t.Errorf("%d at once", n)
	}
	if n := count(netip.MustParseAddr("192.0.2.2")); n != handshakeBurst {
		t.Errorf("%d of another address", n)
	}
	now = now.Add(2 * time.Second)
	if n := count(one); n != 2*handshakeRate {
		t.Errorf("%d after 2 s", n)
	}
	a := one
	for range 3 * maxSources {
		a = a.Next()
		s.allow(now, a)
	}
	if len(s.m) > maxSources {
		t.Errorf("%d addresses kept", len(s.m))
	}
	now = now.Add(time.Minute)
	if !s.allow(now, a.Next()) || len(s.m) > 2 {
		t.Errorf("%d addresses kept after a minute", len(s.m))
	}
}

// FuzzMessage feeds a stranger's bytes through all that they meet: the parser,
// the checks, a response. Whatever is answered must itself be well-formed.
func FuzzMessage(f *testing.F) {
	for _, text := range []string{
		strings.ReplaceAll(strings.ReplaceAll(inviteText, "\t", ""), "\n", "\r\n"),
		"SIP/2.0 200 OK\r\nVia: SIP/2.0/TLS x;branch=z9hG4bKx\r\nFrom: <sip:a@b>;tag=1\r\nTo: \"x\" <sip:c@d>\r\nCall-ID: 1\r\nCSeq: 1 BYE\r\nContent-Length: 0\r\n\r\n",
		"OPTIONS sip:[::1]:1;a=b?c=d SIP/2.0\r\nv: SIP / 2.0 / TLS x : 1;branch=z9hG4bKx, SIP/2.0/UDP y\r\nf: a<sip:a>;tag=\"x y\"\r\nt: sip:c;x\r\ni: 1\r\nCSeq: 1  OPTIONS\r\nRoute: <sip:a>,<sip:b>\r\nm: *\r\nl: 0\r\n\r\n",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		stream := newParser().NewSIPStream()
		defer stream.Close()
		stream.ParseSIPStream(data, func(msg sip.Message) {
			switch m := msg.(type) {
			case *sip.Request:
				v := check(m)
				causeOf(m)
				if v.status < 0 {
					return
				}
				serverKey(m, sip.INVITE)
				res := newResponse(m, 481, newToken())
				if v.field != "" {
					res.AppendHeader(sip.NewHeader(v.field, v.value))
				}
				out, err := wire(res)
				if err != nil {
					return // refused, not sent
				}
				back, err := sip.ParseMessage(out)
				if _, ok := back.(*sip.Response); err == nil && !ok {
					t.Fatalf("answered with %q", out)
				}
			case *sip.Response:
				if parse(m) {
					causeOf(m)
					recordRoute(m, true)
				}
			}
		})
	})
}
