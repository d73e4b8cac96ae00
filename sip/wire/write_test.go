package wire

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"
)

// sipgo writes what it is given; nothing with a line break inside leaves.
func TestBytesRefusesInjection(t *testing.T) {
	request := func() *sip.Request {
		req := sip.NewRequest(sip.INVITE, sip.Uri{Scheme: "sip", User: "102", Host: "office"})
		from := &sip.FromHeader{Address: sip.Uri{Scheme: "sip", User: "101", Host: "office"}}
		from.Params.Add("tag", "x")
		req.AppendHeader(from)
		req.SetBody([]byte("v=0\r\no=- 1 1\r\n"))
		return req
	}
	if data, err := Bytes(request()); err != nil || !strings.HasSuffix(string(data), "\r\n\r\nv=0\r\no=- 1 1\r\n") {
		t.Fatalf("%v: %s", err, data)
	}
	for _, evil := range []string{"a\r\nX: 1", "a\nX: 1", "a\rX: 1", "a\x00", "a\x1b[1m", "a\\\r\nX: 1"} {
		for what, spoil := range map[string]func(*sip.Request){
			"method":      func(r *sip.Request) { r.Method = sip.RequestMethod(evil) },
			"user":        func(r *sip.Request) { r.Recipient.User = evil },
			"host":        func(r *sip.Request) { r.Recipient.Host = evil },
			"parameter":   func(r *sip.Request) { r.Recipient.UriParams.Add("x", evil) },
			"From":        func(r *sip.Request) { r.From().DisplayName = evil },
			"tag":         func(r *sip.Request) { r.From().Params.Add("tag", evil) },
			"field":       func(r *sip.Request) { r.AppendHeader(sip.NewHeader("Subject", evil)) },
			"field name":  func(r *sip.Request) { r.AppendHeader(sip.NewHeader("X: "+evil, "b")) },
			"no name":     func(r *sip.Request) { r.AppendHeader(sip.NewHeader("", "b")) },
			"split name":  func(r *sip.Request) { r.AppendHeader(sip.NewHeader("X: 1", "b")) },
			"blank in it": func(r *sip.Request) { r.Recipient.User = "a b" },
		} {
			req := request()
			spoil(req)
			if data, err := Bytes(req); !errors.Is(err, ErrInjection) {
				t.Errorf("%s %q: %v\n%s", what, evil, err, data)
			}
		}
		res := Response(request(), 200, "t")
		res.Reason = evil
		if _, err := Bytes(res); !errors.Is(err, ErrInjection) {
			t.Errorf("reason %q: %v", evil, err)
		}
	}
	if _, err := Bytes(nil); err == nil {
		t.Error("nil was written")
	}
	if _, err := Bytes(sip.NewResponse(99, "x")); err == nil {
		t.Error("status 99 was written")
	}
}

// Content-Length is there once, and true.
func TestBytesLength(t *testing.T) {
	req := sip.NewRequest(sip.OPTIONS, sip.Uri{Scheme: "sip", Host: "office"})
	for _, add := range [][]string{{}, {"Content-Length", "77"}, {"l", "1"}} {
		if len(add) > 0 {
			req.AppendHeader(sip.NewHeader(add[0], add[1]))
		}
		data, err := Bytes(req)
		if err != nil || string(data) != "OPTIONS sip:office SIP/2.0\r\nContent-Length: 0\r\n\r\n" {
			t.Errorf("%v %q", err, data)
		}
	}
}

// RFC 3261, section 8.2.6.
func TestResponse(t *testing.T) {
	text := strings.Replace(plain, "Max-Forwards: 70\r\n", "Via: SIP/2.0/TCP b;branch=z9hG4bK2\r\nRecord-Route: <sip:p;lr>\r\nTimestamp: 54\r\nSubject: x\r\n", 1)
	text = strings.Replace(text, "To: <sip:102@office>", "To: sip:102@office ;x=\"a b\"", 1)
	msg, v := Parse([]byte(text))
	if !v.OK() {
		t.Fatal(v)
	}
	req := msg.(*sip.Request)
	data, err := Bytes(Response(req, 200, "mine", "Contact", "<sip:102@here>", "m", "<sip:x>", "Expires", "60"))
	if err != nil {
		t.Fatal(err)
	}
	want := "SIP/2.0 200 OK\r\n" +
		"Via: SIP/2.0/UDP 192.0.2.11:5060;branch=z9hG4bK74bf9\r\nVia: SIP/2.0/TCP b;branch=z9hG4bK2\r\nRecord-Route: <sip:p;lr>\r\nCSeq: 2 INVITE\r\n" +
		"From: <sip:101@office>;tag=9fxc\r\nTo: sip:102@office ;x=\"a b\";tag=mine\r\nCall-ID: 38482762@192.0.2.11\r\n" +
		"Contact: <sip:102@here>\r\nContact: <sip:x>\r\nExpires: 60\r\nContent-Length: 0\r\n\r\n"
	same(t, "200", string(data), want)
	res := Response(req, 200, "mine")
	same(t, "tag", Tag(res.To().Params), "mine")
	same(t, "tag of the request", Tag(req.To().Params), "")

	trying := Response(req, 100, "mine")
	same(t, "tag of 100", Tag(trying.To().Params), "")
	same(t, "Timestamp of 100", len(trying.GetHeaders("timestamp")), 1)
	same(t, "Record-Route of 100", len(trying.GetHeaders("record-route")), 0)
	same(t, "Record-Route of 183", len(Response(req, 183, "mine").GetHeaders("record-route")), 1)
	same(t, "Record-Route of 404", len(Response(req, 404, "mine").GetHeaders("record-route")), 0)
	same(t, "Record-Route as sipgo has it", res.RecordRoute().Address.Host, "p")

	// "if the request contained a To tag, the To header field in the response MUST equal that of the request"
	msg, _ = Parse([]byte(strings.Replace(plain, "To: <sip:102@office>", "To: <sip:102@office>;TAG=theirs", 1)))
	same(t, "To with tag", Response(msg.(*sip.Request), 200, "mine").GetHeader("to").Value(), "<sip:102@office>;TAG=theirs")
	// The request's Via can be changed after.
	res.Via().Params.Add("received", "1.2.3.4")
	same(t, "Via of the request", req.Via().Params.Has("received"), false)
	same(t, "unknown reason", Reason(499)+Reason(0), "Refused")
}

func TestSet(t *testing.T) {
	order := func(req *sip.Request) string {
		var s []string
		for _, h := range req.Headers() {
			s = append(s, h.Name()+"="+h.Value())
		}
		return strings.Join(s[1:], " ")
	}
	msg, _ := Parse([]byte(strings.Replace(plain, "Contact", "P: 1\r\np: 2\r\nContact", 1)))
	req := msg.(*sip.Request)
	before := CloneRequest(req)
	Set(req, "From", "<sip:7@office>;tag=z")
	same(t, "From", req.From().Address.User, "7")
	Set(req, "m", "<sip:1@a>", "sip:2@b")
	same(t, "Contact", req.Contact().Address.Host, "a")
	Set(req, "Max-Forwards", "69")
	same(t, "Max-Forwards", req.MaxForwards().Val(), 69)
	Set(req, "Call-ID")
	same(t, "Call-ID", req.CallID() == nil, true)
	Set(req, "P", "3")
	Set(req, "route", "<sip:r;lr>, <sip:s;lr>")
	same(t, "Route", req.Route().Address.Host, "r")
	same(t, "fields", order(req), "Max-Forwards=69 From=<sip:7@office>;tag=z To=<sip:102@office> CSeq=2 INVITE P=3 "+
		"Contact=<sip:1@a> Contact=sip:2@b Content-Length=3 Route=<sip:r;lr> Route=<sip:s;lr>")
	Set(req, "Contact")
	same(t, "no Contact", req.Contact() == nil, true)
	Set(req, "Route", "<sip:s;lr>")
	same(t, "next Route", req.Route().Address.Host, "s")
	same(t, "copy", order(before), "Max-Forwards=70 From=<sip:101@office>;tag=9fxc To=<sip:102@office> Call-ID=38482762@192.0.2.11 "+
		"CSeq=2 INVITE P=1 p=2 Contact=<sip:101@192.0.2.11:5060> Content-Length=3")
}

// Neither a request nor its copy notices what is done to the other.
func TestClone(t *testing.T) {
	msg, _ := Parse([]byte(plain))
	req := msg.(*sip.Request)
	c := CloneRequest(req)
	c.MaxForwards().Dec()
	c.Via().Params.Add("received", "1.2.3.4")
	c.Recipient.UriParams.Add("x", "y")
	c.RemoveHeader("Contact")
	c.SetBody([]byte("other"))
	c.From().Params.Add("tag", "other")
	data, _ := Bytes(req)
	same(t, "the original", string(data), plain)
	same(t, "tag", Tag(req.From().Params), "9fxc")
	data, _ = Bytes(c)
	same(t, "Max-Forwards", strings.Contains(string(data), "Max-Forwards: 69\r\n"), true)

	msg, _ = Parse([]byte(answer))
	r := CloneResponse(msg.(*sip.Response))
	r.RemoveHeader("Via")
	same(t, "Vias of the copy", len(r.GetHeaders("via")), 0)
	data, _ = Bytes(msg)
	same(t, "the original", string(data), answer)
}

func TestValues(t *testing.T) {
	req := sip.NewRequest(sip.INVITE, sip.Uri{})
	for _, kv := range [][2]string{{"Supported", "a, b"}, {"k", " C ,,"}, {"X", "1"}, {"x", `"a,\",b" <sip:c,d@e>;f="g,h", "unterminated, i`},
		{"Supported", ""}, {"X", "<unterminated, j"}} {
		req.AppendHeader(sip.NewHeader(kv[0], kv[1]))
	}
	if got := Values(req, "supported"); !slices.Equal(got, []string{"a", "b", "C"}) {
		t.Errorf("%q", got)
	}
	if got := Values(req, "X"); !slices.Equal(got, []string{"1", `"a,\",b" <sip:c,d@e>;f="g,h"`, `"unterminated, i`, "<unterminated, j"}) {
		t.Errorf("%q", got)
	}
	same(t, "has c", HasValue(req, "K", "c"), true)
	same(t, "has d", HasValue(req, "Supported", "d"), false)
}

func TestPlainText(t *testing.T) {
	same(t, "escapes", PlainText("\x1b[2Ja\r\nb\xff\u202ec ", 10), "[2Jabc")
	same(t, "limit", PlainText("zoë zoë", 5), "zoë z")
}
