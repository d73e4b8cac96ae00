package wire

import (
	"bytes"
	"strings"
	"testing"

	"chordophone/sip/wire/wiretest"

	"github.com/emiago/sipgo/sip"
)

func TestTorture(t *testing.T) {
	for _, c := range wiretest.Torture() {
		t.Run(c.Name, func(t *testing.T) {
			msg, v := Parse(c.Data)
			if v.Status != c.Status {
				t.Fatalf("RFC %s: %q\nverdict %d, want %d", c.RFC, c.Says, v.Status, c.Status)
			}
			if (msg == nil) != (c.Status == Drop) {
				t.Fatalf("message %v with verdict %d", msg, v.Status)
			}
			if msg == nil {
				return
			}
			if _, response := msg.(*sip.Response); response != c.Response() {
				t.Errorf("response: %v", response)
			}
			if v.OK() {
				sameForwarded(t, msg)
				return
			}
			req := msg.(*sip.Request)
			data, err := Bytes(Response(req, v.Status, "mine"))
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.HasPrefix(data, []byte("SIP/2.0 ")) || !bytes.Contains(data, []byte("\r\nVia: ")) {
				t.Errorf("cannot be answered:\n%s", data)
			}
		})
	}
}

// sameForwarded checks that a message that is sent on means the same.
func sameForwarded(t *testing.T, msg sip.Message) {
	t.Helper()
	data, err := Bytes(msg)
	if err != nil {
		t.Fatal(err)
	}
	again, v := Parse(data)
	if !v.OK() {
		t.Fatalf("%v of what was written:\n%s", v, data)
	}
	if a, b := describe(msg), describe(again); a != b {
		t.Errorf("not the same when sent on:\n%s\n--- and then\n%s", a, b)
	}
	if twice, err := Bytes(again); err != nil || !bytes.Equal(data, twice) {
		t.Errorf("no fixed point: %v\n%s", err, twice)
	}
}

// describe is all that a message says, but the start line's version.
func describe(msg sip.Message) string {
	var b strings.Builder
	switch m := msg.(type) {
	case *sip.Request:
		b.WriteString(string(m.Method) + " " + m.Recipient.String() + "\n")
	case *sip.Response:
		b.WriteString(Reason(m.StatusCode) + m.Reason + "\n")
	}
	for _, h := range msg.(message).Headers() {
		if h.Name() != "Content-Length" {
			b.WriteString(h.Name() + ": " + h.Value() + "\n")
		}
	}
	b.WriteString("\n" + string(msg.Body()))
	return b.String()
}

// read is a torture message that is well-formed.
func read(t *testing.T, name string) message {
	t.Helper()
	msg, v := Parse(wiretest.Message(name))
	if !v.OK() {
		t.Fatalf("%s: %v", name, v)
	}
	return msg.(message)
}

func same[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s is %#v, want %#v", what, got, want)
	}
}

func TestTortureShort(t *testing.T) { // RFC 4475, section 3.1.1.1
	m := read(t, "wsinv")
	same(t, "To tag", Tag(m.To().Params), "1918181833n")
	same(t, "To host", m.To().Address.Host, "chair-dnrc.example.com")
	same(t, "To as sent", m.GetHeaders("To")[0].Value(), "sip:vivekg@chair-dnrc.example.com ;   tag    = 1918181833n")
	same(t, "From tag", Tag(m.From().Params), "98asjd8")
	from, err := ParseAddress(m.GetHeaders("From")[0].Value())
	if err != nil {
		t.Fatal(err)
	}
	same(t, "From name", from.Name, `J Rosenberg \"`)
	same(t, "Max-Forwards", m.(*sip.Request).MaxForwards().Val(), 68)
	same(t, "CSeq", m.CSeq().SeqNo, 9)
	same(t, "CSeq method", m.CSeq().MethodName, sip.INVITE)
	var vias []string
	for _, h := range m.GetHeaders("Via") {
		vias = append(vias, h.Value())
	}
	same(t, "Vias", strings.Join(vias, " | "), "SIP/2.0/UDP 192.0.2.2;branch=390skdjuw | "+
		"SIP/2.0/TCP spindle.example.com;branch=z9hG4bK9ikj8 | SIP/2.0/UDP 192.168.255.111;branch=z9hG4bK30239")
	same(t, "Subject", m.GetHeaders("subject")[0].Value(), "")
	same(t, "unknown field", m.GetHeaders("UnknownHeaderWithUnusualValue")[0].Value(), ";;,,;;,;")
	same(t, "folded field", m.GetHeaders("NewFangledHeader")[0].Value(), "newfangled value continued newfangled value")
	same(t, "Route", m.GetHeaders("route")[0].Value(), "<sip:services.example.com;lr;unknownwith=value;unknown-no-value>")
	c, err := ParseAddress(Values(m, "m")[0])
	if err != nil {
		t.Fatal(err)
	}
	same(t, "Contact name", c.Name, `Quoted string ""`)
	q, _ := c.Param("Q")
	same(t, "Contact q", q, "0.33")
	_, flag := c.Param("secondparam")
	same(t, "Contact secondparam", flag, true)
	same(t, "Contact of sipgo", m.Contact().Address.User, "jdrosen")
	same(t, "body", len(m.Body()), 150)
}

func TestTortureCharacters(t *testing.T) { // section 3.1.1.2
	m := read(t, "intmeth")
	same(t, "method", m.(*sip.Request).Method, "!interesting-Method0123456789_*+`.%indeed'~")
	uri := m.(*sip.Request).Recipient
	same(t, "user", uri.User, "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*")
	same(t, "password", uri.Password, "&it+has=1,weird!*pas$wo~d_too.(doesn't-it)")
	same(t, "host", uri.Host, "example.com")
	same(t, "From tag", Tag(m.From().Params), "_token~1'+`*%!-.")
	to, err := ParseAddress(m.GetHeaders("to")[0].Value())
	if err != nil {
		t.Fatal(err)
	}
	same(t, "To name", to.Name, "BEL:\x07 NUL:\x00 DEL:\x7f")
	from, err := ParseAddress(m.GetHeaders("from")[0].Value())
	if err != nil {
		t.Fatal(err)
	}
	p, _ := from.Param("fromParam''~+*_!.-%")
	same(t, "From parameter", p, "работающий")
	same(t, "Call-ID", m.CallID().Value(), `intmeth.word%ZK-!.*_+'@word`+"`"+`~)(><:\/"][?}{`)
	branch, _ := Param(m.Via().Params, "branch")
	same(t, "branch", branch, "z9hG4bK-.!%66*_+`'~")
}

func TestTortureEscapes(t *testing.T) { // sections 3.1.1.3 to 3.1.1.5, 3.1.1.9
	m := read(t, "esc01")
	same(t, "Request-URI", m.(*sip.Request).Recipient.User, "sips%3Auser%40example.com")
	same(t, "To", AOR(m.To().Address), "user@example.com")
	same(t, "From", AOR(m.From().Address), "i%20have%20spaces@example.net")
	same(t, "Contact", AOR(m.Contact().Address), "caller@host5.example.net")
	name, _ := Param(m.Contact().Address.UriParams, "n%61me")
	same(t, "parameter", name, "v%61lue%25%34%31")

	m = read(t, "escnull")
	same(t, "AOR", AOR(m.To().Address), "null-%00-null@example.com")
	contacts := Values(m, "Contact")
	if len(contacts) != 2 {
		t.Fatalf("%q, want two", contacts)
	}
	a, _ := ParseAddress(contacts[0])
	b, _ := ParseAddress(contacts[1])
	same(t, "first contact", AOR(a.URI), "%00@host5.example.com")
	same(t, "second contact", AOR(b.URI), "%00%00@host5.example.com")

	m = read(t, "esc02")
	same(t, "method", m.(*sip.Request).Method, "RE%47IST%45R")
	same(t, "display name", m.To().DisplayName, "%Z%45")
	same(t, "contacts", len(Values(m, "Contact")), 2)

	m = read(t, "semiuri")
	same(t, "user", m.(*sip.Request).Recipient.User, "user;par=u%40example.net")
	same(t, "AOR", AOR(m.(*sip.Request).Recipient), "user;par=u%40example.net@example.com")
}

func TestTortureFields(t *testing.T) {
	m := read(t, "dblreq") // section 3.1.1.8
	same(t, "method", m.(*sip.Request).Method, sip.REGISTER)
	same(t, "body", len(m.Body()), 0)
	m = read(t, "mpart01")
	same(t, "body", len(m.Body()), 553)
	m = read(t, "longreq")
	same(t, "Vias", len(m.GetHeaders("Via")), 34)
	m = read(t, "lwsdisp")
	same(t, "display name", m.From().DisplayName, "caller")
	m = read(t, "noreason")
	same(t, "reason", m.(*sip.Response).Reason, "")
	m = read(t, "unreason")
	same(t, "reason", m.(*sip.Response).Reason, "= 2**3 * 5**2 но сто девяносто девять - простое")
	m = read(t, "zeromf")
	same(t, "Max-Forwards", m.(*sip.Request).MaxForwards().Val(), 0)
	m = read(t, "unksm2")
	same(t, "To", m.To().Address.String(), "isbn:2983792873")
	same(t, "AOR", AOR(m.To().Address), "")
	m = read(t, "bext01")
	same(t, "Require", strings.Join(Values(m, "require"), " "), "nothingSupportsThis nothingSupportsThisEither")

	// "the 'unknownparam' parameter must be interpreted as a contact-param and
	// not a url-param": section 3.3.12.
	c := read(t, "cparam01").Contact()
	same(t, "url-parameters", len(c.Address.UriParams), 0)
	same(t, "contact-parameters", len(c.Params), 1)
	c = read(t, "cparam02").Contact()
	same(t, "url-parameters", len(c.Address.UriParams), 1)
	same(t, "contact-parameters", len(c.Params), 0)
	c = read(t, "regescrt").Contact() // section 3.3.14
	same(t, "contact", c.Address.String(), "sip:user@example.com?Route=%3Csip:sip.example.com%3E")

	m = read(t, "inv2543")
	same(t, "body", len(m.Body()) > 0, true)
	same(t, "Content-Length", int(*m.ContentLength()), len(m.Body()))
}

// The archive's baddn lacks the empty line at its end, which alone would be enough.
func TestTortureDisplayName(t *testing.T) { // section 3.1.2.15
	if _, v := Parse(append(wiretest.Message("baddn"), "\r\n"...)); v.Status != 400 {
		t.Error(v)
	}
}

func TestTortureIPv6(t *testing.T) { // RFC 5118
	m := read(t, "port-ambiguous")
	same(t, "host", m.(*sip.Request).Recipient.Host, "[2001:db8::10:5070]")
	same(t, "port", m.(*sip.Request).Recipient.Port, 0)
	m = read(t, "port-unambiguous")
	same(t, "host", m.(*sip.Request).Recipient.Host, "[2001:db8::10]")
	same(t, "port", m.(*sip.Request).Recipient.Port, 5070)
	received, _ := Param(read(t, "via-received-param-with-delim").Via().Params, "received")
	same(t, "received", received, "[2001:db8::9:255]")
	received, _ = Param(read(t, "via-received-param-no-delim").Via().Params, "received")
	same(t, "received", received, "2001:db8::9:255")
	m = read(t, "ipv4-mapped-ipv6")
	same(t, "Via", m.Via().Value(), "SIP/2.0/UDP [::ffff:192.0.2.10]:19823;branch=z9hG4bKbh19")
	// "it may additionally serialize the message without the extra colon".
	m = read(t, "ipv6-bug-abnf-3-colons")
	same(t, "Request-URI", m.(*sip.Request).Recipient.String(), "sip:user@[2001:db8::192.0.2.1]")
	for _, name := range []string{"ipv6-in-sdp", "mult-ip-in-sdp", "ipv4-mapped-ipv6"} {
		if !bytes.HasSuffix(wiretest.Message(name), read(t, name).Body()) {
			t.Errorf("%s: the body is cut", name)
		}
	}
}
