package wire

import (
	"fmt"
	"strings"
	"testing"
)

// plain is a request without anything special.
const plain = "INVITE sip:102@office SIP/2.0\r\n" +
	"Via: SIP/2.0/UDP 192.0.2.11:5060;branch=z9hG4bK74bf9\r\n" +
	"Max-Forwards: 70\r\n" +
	"From: <sip:101@office>;tag=9fxc\r\n" +
	"To: <sip:102@office>\r\n" +
	"Call-ID: 38482762@192.0.2.11\r\n" +
	"CSeq: 2 INVITE\r\n" +
	"Contact: <sip:101@192.0.2.11:5060>\r\n" +
	"Content-Length: 3\r\n\r\nv=0"

const answer = "SIP/2.0 200 OK\r\n" +
	"Via: SIP/2.0/UDP 192.0.2.11:5060;branch=z9hG4bK74bf9\r\n" +
	"From: <sip:101@office>;tag=9fxc\r\n" +
	"To: <sip:102@office>;tag=1\r\n" +
	"Call-ID: 38482762@192.0.2.11\r\n" +
	"CSeq: 2 INVITE\r\n" +
	"Content-Length: 0\r\n\r\n"

func parameters(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, ";p%d", i)
	}
	return b.String()
}

func TestCheck(t *testing.T) {
	cases := []struct {
		old, new string // what of plain is replaced
		want     int
	}{
		{"", "", 0},
		// Start line
		{"SIP/2.0\r\nVia", "sip/2.0\r\nVia", 0},
		{"SIP/2.0\r\nVia", "SIP/2.1\r\nVia", 505},
		{"SIP/2.0\r\nVia", "SIP/\r\nVia", Drop},
		{"INVITE sip:102@office SIP/2.0", "INVITE sip:102@office", Drop},
		{"INVITE sip:102@office SIP/2.0", "\"INVITE sip:102@office SIP/2.0", Drop},
		{"INVITE sip:102@office SIP/2.0", "INVITE\tsip:102@office\tSIP/2.0", Drop},
		{"INVITE sip", "invite sip", 501}, // another method than CSeq's, of nobody's making
		{"sip:102@office SIP", "tel:102 SIP", 416},
		{"sip:102@office SIP", "* SIP", 400},
		{"sip:102@office SIP", "sip:@office SIP", 400},
		{"sip:102@office SIP", "sip:102@ SIP", 400},
		{"sip:102@office SIP", "sip:102@office:99999 SIP", 400},
		{"sip:102@office SIP", "sip:10%2@office SIP", 400},
		{"sip:102@office SIP", "sip:102%0d%0aX:1@office SIP", 0}, // stays escaped
		// Lines
		{"Max-Forwards: 70\r\n", "Max-Forwards: 70\n", 400},
		{"Max-Forwards: 70\r\n", "Max-Forwards: 70\r", 400},
		{"Max-Forwards: 70\r\n", "Max-Forwards: 70\r\nSubject: a\rb\r\n", 400},
		{"Max-Forwards: 70\r\n", "Max-Forwards: 70\r\nSubject: a\x00b\r\n", 400},
		{"Max-Forwards: 70\r\n", "Max-Forwards: 70\r\nSubject: a\x1bb\r\n", 400},
		{"Max-Forwards: 70\r\n", "Max-Forwards: 70\r\nnothing\r\n", 400},
		{"Max-Forwards: 70\r\n", "Max-Forwards: 70\r\na b: c\r\n", 400},
		{"Max-Forwards: 70\r\n", "Max-Forwards: 70\r\n: c\r\n", 400},
		{"Via: SIP", " folded: x\r\nVia: SIP", 400},
		{"\r\n\r\nv=0", "\r\n", 400}, // no empty line
		// Via
		{"Via: SIP/2.0/UDP 192.0.2.11:5060;branch=z9hG4bK74bf9\r\n", "", Drop},
		{"Via: SIP/2.0/UDP 192.0.2.11:5060", "v : SIP / 2.0 / UDP\t192.0.2.11 : 5060 ", 0},
		{"Via: SIP/2.0/UDP 192.0.2.11:5060", "Via: SIP/2.0/UDP192.0.2.11:5060", Drop},
		{"Via: SIP/2.0/UDP 192.0.2.11:5060", "Via: SIP/2.0/UDP 192.0.2.11:0", Drop},
		{"Via: SIP/2.0/UDP 192.0.2.11:5060", "Via: SIP/2.0/UDP [::1%eth0]:5060", Drop},
		{";branch=z9hG4bK74bf9", "", 0}, // RFC 2543
		{";branch=z9hG4bK74bf9", ";branch=z9hG4bK", 400},
		{";branch=z9hG4bK74bf9", ";branch=z9hG4bKa;Branch=z9hG4bKb", 400},
		{";branch=z9hG4bK74bf9", ";branch=z9hG4bK74bf9,", 400},
		{";branch=z9hG4bK74bf9", ";branch=z9hG4bK74bf9, SIP/2.0/TCP", 400},
		{";branch=z9hG4bK74bf9", ";branch", 0},
		{";branch=z9hG4bK74bf9", ";branch=", 400},
		// Max-Forwards
		{"Max-Forwards: 70\r\n", "", 0}, // section 16.3: "the check passes"
		{"Max-Forwards: 70", "Max-Forwards: 255", 0},
		{"Max-Forwards: 70", "Max-Forwards: 256", 400},
		{"Max-Forwards: 70", "Max-Forwards: -1", 400},
		{"Max-Forwards: 70", "Max-Forwards:", 400},
		{"Max-Forwards: 70", "Max-Forwards: 4294967366", 400},
		// From and To
		{"From: <sip:101@office>;tag=9fxc\r\n", "", 400},
		{"To: <sip:102@office>\r\n", "", 400},
		{";tag=9fxc", "", 0}, // section 12.1.1: "A UAS MUST be prepared to receive a request without a tag in the From field"
		{";tag=9fxc", ";tag=1;TAG=2", 400},
		{"<sip:101@office>;tag", "<sip:101@office;tag", 400},
		{"<sip:101@office>;tag", "\"a<sip:101@office>;tag", 400},
		{"<sip:101@office>;tag", "*;tag", 400},
		{";tag=9fxc", parameters(maxParams), 0},
		{";tag=9fxc", parameters(maxParams + 1), 400}, // or comparing them would take long
		{"<sip:101@office>;tag", "<sip:101@office>,<sip:103@office>;tag", 400},
		{"From: ", "f: <sip:103@office>;tag=2\r\nFrom: ", 400},
		{"To: ", "t: <sip:103@office>\r\nTo: ", 400},
		{"To: <sip:102@office>", "To:\r\n  <sip:102@office>", 0},
		// Call-ID and CSeq
		{"Call-ID: 38482762@192.0.2.11\r\n", "", 400},
		{"Call-ID: 38482762@192.0.2.11", "Call-ID:", 400},
		{"Call-ID: 38482762@192.0.2.11", "Call-ID: a b", 400},
		{"Call-ID: ", "i: 1\r\nCall-ID: ", 400},
		{"CSeq: 2 INVITE\r\n", "", 400},
		{"CSeq: 2 INVITE", "CSeq: 2\t  INVITE", 0},
		{"CSeq: 2 INVITE", "CSeq: 2147483647 INVITE", 0},
		{"CSeq: 2 INVITE", "CSeq: 2147483648 INVITE", 400}, // section 8.1.1.5: "MUST be less than 2**31"
		{"CSeq: 2 INVITE", "CSeq: 18446744073709551618 INVITE", 400},
		{"CSeq: 2 INVITE", "CSeq: 2INVITE", 400},
		{"CSeq: 2 INVITE", "CSeq: 2 INVITE x", 400},
		{"CSeq: 2 INVITE", "CSeq: 2 BYE", 400},
		{"CSeq: 2 INVITE", "CSeq: 2 INVITE\r\nCSEQ: 2 INVITE", 400},
		// Contact and routes
		{"Contact: <sip:101@192.0.2.11:5060>", "m: *", 400},
		{"Contact: <sip:101@192.0.2.11:5060>", "m: <sip:1@a>, <sip:2@a>", 400}, // section 8.1.1.8: exactly one
		{"Contact: <sip:101@192.0.2.11:5060>", "m: <sip:1@a>\r\nContact: <sip:2@a>", 400},
		{"Contact: <sip:101@192.0.2.11:5060>", "Contact: sip:1@a?Route=b", 400}, // section 20.10
		{"Contact: <sip:101@192.0.2.11:5060>", "Contact: <sip:1@a>;q=\"x", 400},
		{"Contact: <sip:101@192.0.2.11:5060>", "Contact: <sip:1@a>;expires=99999999999", 0},
		{"Max-Forwards: 70\r\n", "Route: <sip:a;lr>,\r\n", 400},
		{"Max-Forwards: 70\r\n", "Route: <sip:a;lr>, \"b, c\" <sip:d;lr>;x=\"y;z\"\r\n", 0},
		{"Max-Forwards: 70\r\n", "Record-Route: a\r\n", 400},
		{"Max-Forwards: 70\r\n", "Route: <sip:a;p" + strings.Repeat(";x", 64) + ">\r\n", 400},
		// Content-Length
		{"Content-Length: 3\r\n", "", 0},
		{"Content-Length: 3", "Content-Length: 0", 0},
		{"Content-Length: 3", "l: 4", 400},
		{"Content-Length: 3", "Content-Length: +3", 400},
		{"Content-Length: 3", "Content-Length: 3\r\nContent-Length: 3", 400},
		// Others that must not be there twice
		{"Max-Forwards: 70\r\n", "Expires: 1\r\nexpires: 2\r\n", 400},
		{"Max-Forwards: 70\r\n", "o: a\r\nEvent: b\r\n", 400},
		{"Max-Forwards: 70\r\n", "Expires: never\r\n", 0}, // section 20.19: as if it were 3600
		{"Max-Forwards: 70\r\n", strings.Repeat("X: y\r\n", MaxFields), 513},
		{"Max-Forwards: 70\r\n", "Via: " + strings.Repeat("SIP/2.0/UDP a, ", MaxFields) + "SIP/2.0/UDP a\r\n", 513},
	}
	for _, c := range cases {
		text := strings.Replace(plain, c.old, c.new, 1)
		if text == plain && c.old != c.new {
			t.Fatalf("%q is not in the request", c.old)
		}
		if msg, v := Parse([]byte(text)); v.Status != c.want || (msg == nil) != (c.want == Drop) {
			t.Errorf("%q -> %.60q: %d, want %d", c.old, c.new, v.Status, c.want)
		}
	}
}

// "If the message is a response, it MUST be discarded" (section 18.3), and so is
// any with something wrong.
func TestCheckResponse(t *testing.T) {
	cases := []struct {
		old, new string
		ok       bool
	}{
		{"", "", true},
		{"200 OK", "200", true},
		{"200 OK", "699 ", true},
		{"200 OK", "700 No", false},
		{"200 OK", "099 No", false},
		{"200 OK", "20 No", false},
		{"200 OK", "0200 No", false},
		{"200 OK", "2000 No", false},
		{"SIP/2.0 200", "SIP/3.0 200", false},
		{"Via: ", "X: ", false},
		{"From: ", "X: ", false},
		{"To: ", "X: ", false},
		{"Call-ID: ", "X: ", false},
		{"CSeq: ", "X: ", false},
		{"CSeq: 2", "CSeq: 2147483648", false},
		{"Content-Length: 0", "Content-Length: 1", false},
		{"To: <", "To: \"<", false},
		{"CSeq: 2 INVITE\r\n", "CSeq: 2 INVITE\n", false},
		{"CSeq: 2 INVITE\r\n", "CSeq: 2 INVITE\r\nContact: <sip:1@a>, <sip:2@a>\r\n", true},
	}
	for _, c := range cases {
		msg, v := Parse([]byte(strings.Replace(answer, c.old, c.new, 1)))
		if v.OK() != c.ok || (msg != nil) != c.ok {
			t.Errorf("%q -> %q: %v", c.old, c.new, v)
		}
	}
}

// A REGISTER may have many contacts, but "*" only alone.
func TestCheckRegister(t *testing.T) {
	for value, want := range map[string]int{
		"<sip:1@a>, <sip:2@a>":                       0,
		"\"a, b\" <sip:1,2@a>;q=1,sip:2@a;expires=3": 0,
		"*":            0,
		"*, <sip:2@a>": 400,
		"<sip:2@a>, *": 400,
		"*\r\nm: *":    400,
		"*;expires=0":  400,
		"":             400,
	} {
		text := strings.ReplaceAll(plain, "INVITE", "REGISTER")
		text = strings.Replace(text, "<sip:101@192.0.2.11:5060>", value, 1)
		if _, v := Parse([]byte(text)); v.Status != want {
			t.Errorf("Contact: %s: %d, want %d", value, v.Status, want)
		}
	}
}

// Every truncation of a datagram is refused, or dropped.
func TestTruncated(t *testing.T) {
	for n := range len(plain) {
		if _, v := Parse([]byte(plain[:n])); v.OK() {
			t.Errorf("taken: %q", plain[:n])
		}
	}
	for _, s := range []string{"", "\r\n\r\n", "\x00\x00\x00\x00", "hello\r\n\r\n", strings.Repeat("x", 70000)} {
		if msg, v := Parse([]byte(s)); v.Status != Drop || msg != nil {
			t.Errorf("%.20q: %v %v", s, msg, v)
		}
	}
}
