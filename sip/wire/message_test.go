package wire

import (
	"fmt"
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"
)

// Names in any case and of one letter get the spelling that sipgo's methods compare
// with.
func TestNames(t *testing.T) {
	for short, long := range map[string]string{
		"a": "Accept-Contact", "b": "Referred-By", "c": "Content-Type", "d": "Request-Disposition", "e": "Content-Encoding",
		"f": "From", "i": "Call-ID", "j": "Reject-Contact", "k": "Supported", "l": "Content-Length", "m": "Contact",
		"o": "Event", "r": "Refer-To", "s": "Subject", "t": "To", "u": "Allow-Events", "v": "Via", "x": "Session-Expires",
		"y": "Identity",
	} {
		for _, name := range []string{short, strings.ToUpper(short), strings.ToUpper(long), strings.ToLower(long), long} {
			if got, _, _ := known(name); got != long {
				t.Errorf("%s is %s, want %s", name, got, long)
			}
		}
	}
	if got, _, _ := known("x-UnKnown"); got != "x-UnKnown" {
		t.Error(got)
	}
	seen := map[string]bool{}
	for i, n := range names {
		if i < int(contentType-via)+1 && n.kind != via+kind(i) {
			t.Errorf("%s is not where findings.has looks for it", n.name)
		}
		if (n.kind == single || n.kind >= via) && i >= 64 {
			t.Errorf("%s: findings.seen has no bit for it", n.name)
		}
		if seen[n.name] || len(n.name) > longest {
			t.Errorf("%s: twice or too long", n.name)
		}
		seen[n.name] = true
	}
}

// sipgo's accessors say what RFC 3261 says, where sipgo's parsers would not: its
// parameters are case-sensitive and split within quotes.
func TestAccessors(t *testing.T) {
	text := strings.Replace(plain, "<sip:101@office>;tag=9fxc", `"x\"<;" <sip:101@office> ; a=";tag=evil;b=" ; TAG = 9fxc`, 1)
	text = strings.Replace(text, "branch=", `x="a b;branch=c, d";BRANCH = `, 1)
	msg, v := Parse([]byte(text))
	if !v.OK() {
		t.Fatal(v)
	}
	req := msg.(*sip.Request)
	for _, r := range []*sip.Request{req, CloneRequest(req)} {
		same(t, "tag", Tag(r.From().Params), "9fxc")
		tag, _ := r.From().Params.Get("tag")
		same(t, "tag to sipgo", tag, "9fxc")
		a, _ := Param(r.From().Params, "A")
		same(t, "quoted parameter", a, ";tag=evil;b=")
		branch, _ := r.Via().Params.Get("branch")
		same(t, "branch to sipgo", branch, "z9hG4bK74bf9")
		x, _ := Param(r.Via().Params, "x")
		same(t, "quoted parameter of Via", x, "a b;branch=c, d")
		same(t, "Via", r.Via().Value(), `SIP/2.0/UDP 192.0.2.11:5060;x="a b;branch=c, d";branch=z9hG4bK74bf9`)
		same(t, "From as sent", r.GetHeader("From").Value(), `"x\"<;" <sip:101@office> ; a=";tag=evil;b=" ; TAG = 9fxc`)
	}
}

// What a proxy does not understand it passes on octet for octet.
func TestUntouched(t *testing.T) {
	fields := []string{
		`Record-Route: "p" <sip:a;lr;x=y>;z="1; 2"`,
		`Record-Route: <sip:b:5061;transport=tls;lr=on>`,
		`Route: <sip:c;lr>`,
		`From: sip:101@office;tag=1`,
		`To: B  C <sip:102@office;user=phone>;x="a b"`,
		`Contact: <sip:1@a;gr=urn:uuid:1>;+sip.instance="<urn:uuid:2>";reg-id=1`,
		`X-Unknown: ;;,"`,
	}
	text := strings.Replace(plain, "From: <sip:101@office>;tag=9fxc\r\nTo: <sip:102@office>\r\n", strings.Join(fields, "\r\n")+"\r\n", 1)
	text = strings.Replace(text, "Contact: <sip:101@192.0.2.11:5060>\r\n", "", 1)
	msg, v := Parse([]byte(text))
	if !v.OK() {
		t.Fatal(v)
	}
	req := msg.(*sip.Request)
	if _, ok := req.GetHeader("Route").(*sip.RouteHeader); !ok {
		t.Error("a plain Route is not sipgo's, so that RemoveHeader would leave Route() as it was")
	}
	req.From()
	req.To()
	req.Contact()
	req.RecordRoute()
	data, err := Bytes(CloneRequest(req))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range fields {
		if !strings.Contains(string(data), "\r\n"+f+"\r\n") {
			t.Errorf("%s was changed:\n%s", f, data)
		}
	}
	same(t, "Route to sipgo", req.Route().Address.Host, "c")
	same(t, "Record-Route to sipgo", req.RecordRoute().Address.Host, "a")
}

// Each of these alone is more than sipgo's RouteHeader can keep.
func TestUntouchedRoute(t *testing.T) {
	for _, value := range []string{"<sip:a:@b;lr>", "<sip:b:05060;lr>", "<SIP:b;lr>", "<sip:b;lr>;x", "<sip:b;lr> ;x", "p <sip:b;lr>", "sip:b"} {
		msg, v := Parse([]byte(strings.Replace(plain, "From:", "Route: "+value+"\r\nFrom:", 1)))
		if !v.OK() {
			t.Fatalf("%s: %v", value, v)
		}
		same(t, "Route", msg.GetHeaders("Route")[0].Value(), value)
	}
}

func ExampleParse() {
	_, v := Parse([]byte(strings.Replace(plain, "SIP/2.0", "SIP/3.0", 1)))
	fmt.Println(v.Status, Reason(v.Status))
	// Output: 505 Version Not Supported
}
