package wire

import (
	"slices"
	"testing"

	"github.com/emiago/sipgo/sip"
)

func TestParseAddress(t *testing.T) {
	cases := []struct {
		text   string
		name   string
		uri    string
		params []Parameter
		again  string // as String writes it
	}{
		{"sip:101@office", "", "sip:101@office", nil, "<sip:101@office>"},
		// "If no '<' and '>' are present, all parameters after the URI are header parameters."
		{"sip:101@office;user=phone ; x", "", "sip:101@office", []Parameter{{Name: "user", Value: "phone"}, {Name: "x"}}, "<sip:101@office>;user=phone;x"},
		{"<sip:101@office;user=phone>", "", "sip:101@office;user=phone", nil, "<sip:101@office;user=phone>"},
		{`"Alice, \"the\" \\ boss" <sips:a@b:5061?h=v&i=> ; q = 0.5`, `Alice, "the" \ boss`, "sips:a@b:5061?h=v&i=",
			[]Parameter{{Name: "q", Value: "0.5"}}, `"Alice, \"the\" \\ boss" <sips:a@b:5061?h=v&i=>;q=0.5`},
		{"A. G.  Bell <sip:a@b>", "A. G.  Bell", "sip:a@b", nil, `"A. G.  Bell" <sip:a@b>`},
		{`<sip:a@b>;+sip.instance="<urn:uuid:1>";x="a\"b;c,d"`, "", "sip:a@b",
			[]Parameter{{"+sip.instance", "<urn:uuid:1>", true}, {"x", `a"b;c,d`, true}},
			`<sip:a@b>;+sip.instance="<urn:uuid:1>";x="a\"b;c,d"`},
		{`<sip:a@b>;x=""`, "", "sip:a@b", []Parameter{{"x", "", true}}, `<sip:a@b>;x=""`},
		{"<sip:a,b@c;d=[e]/f:&+$=>;r=[::1]", "", "sip:a,b@c;d=[e]/f:&+$=", []Parameter{{Name: "r", Value: "[::1]"}}, "<sip:a,b@c;d=[e]/f:&+$=>;r=[::1]"},
		{"<SIP:a:b@C>", "", "sip:a:b@C", nil, "<sip:a:b@C>"},
		{"<tel:+1-201-555-0123;phone-context=x>", "", "tel:+1-201-555-0123;phone-context=x", nil, "<tel:+1-201-555-0123;phone-context=x>"},
		{"<soap.beep://192.0.2.103:3002>", "", "soap.beep://192.0.2.103:3002", nil, "<soap.beep://192.0.2.103:3002>"},
		{" * ", "", "*", nil, "*"},
	}
	for _, c := range cases {
		a, err := ParseAddress(c.text)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		uri := a.URI.String()
		if a.URI.Wildcard {
			uri = "*"
		}
		if a.Name != c.name || uri != c.uri || !slices.Equal(a.Params, c.params) || a.Text != trim(c.text) {
			t.Errorf("%s: %+v, URI %s", c.text, a, uri)
		}
		same(t, c.text+" written", a.String(), c.again)
	}
	for _, bad := range []string{
		"", "<>", "<sip:a@b", "sip:a@b>", "< sip:a@b >", "<sip:a@b >", `"a <sip:a@b>`, `"a" sip:a@b`, `"a\" <sip:a@b>`, `a"b" <sip:a@b>`,
		"Bell, A <sip:a@b>", "Zoë <sip:a@b>", "sip:a@b?h=v", "sip:a@b,sip:c@d", "<sip:a@b>,", "<sip:a@b> x", "<sip:a@b>;", "<sip:a@b>;;x",
		"<sip:a@b>;x=", "<sip:a@b>;=x", "<sip:a@b>;x=\"", "<sip:a@b>;x=1;X=2", "<sip:a@b>;x=a<b", "sip:", "a", "<a>", "sip:a b@c", "*;x",
		"\"a\rb\" <sip:a@b>", "\"a\\\n\" <sip:a@b>", "<sip:a@b>;x=\"\n\"",
	} {
		if a, err := ParseAddress(bad); err == nil {
			t.Errorf("%q taken as %+v", bad, a)
		}
	}
}

// A name that somebody else chose cannot end its quotes.
func TestAddressQuotes(t *testing.T) {
	for _, name := range []string{`"`, `\`, `a" <sip:evil@c>;x="`, "bell\a", "nul\x00", "zoë"} {
		a := Address{Name: name, URI: sip.Uri{Scheme: "sip", User: "a", Host: "b"}, Params: []Parameter{{Name: "x", Value: name}}}
		b, err := ParseAddress(a.String())
		if err != nil || b.Name != name || b.URI.Host != "b" || b.Params[0].Value != name {
			t.Errorf("%q: %s reads back as %+v, %v", name, a, b, err)
		}
	}
	a := Address{Name: "a\r\nEvil: 1", URI: sip.Uri{Scheme: "sip", Host: "b"}}
	same(t, "without line breaks", a.String(), `"aEvil: 1" <sip:b>`)
}

func TestParseURI(t *testing.T) {
	for _, good := range []string{
		"sip:office", "sip:101@office", "sips:101:secret@office:5061;transport=tls;lr?Subject=a%20b&x=", "sip:[::1]", "sip:a@[2001:db8::1]:5060",
		"sip:*72%23@office", "sip:+49-30;ext=1@192.0.2.1;user=phone", "sip:%00@h", "tel:+4930123", "tel:112;phone-context=office", "sip:x@my_host.local.",
		"sip:a@b;x=1;y", "sip:#21#@h",
	} {
		uri, err := ParseURI(good)
		if err != nil {
			t.Errorf("%s: %v", good, err)
		} else if uri.String() != good {
			t.Errorf("%s is written %s", good, uri.String())
		}
	}
	for _, bad := range []string{
		"", "*", "sip", "sip:", "sip:@h", "sip::@h", "sip://h", "sip:a@", "sip:a@b@c", "sip:a@b:", "sip:a@b:0", "sip:a@b:65536", "sip:a@b:x", "sip:a@b;",
		"sip:a@b;;x", "sip:a@b;x=", "sip:a@b;=x", "sip:a@b?", "sip:a@b?x", "sip:a@b?x=1?&", "sip:a%4@b", "sip:a%zz@b", "sip:a@[::1", "sip:a@::1",
		"sip:a@[fe80::1%25eth0]", "sip:a@[1.2.3.4]", "sip:a\r\n@b", "sip:a@b\x00", "sip:a b@c", "sip:<a>@b", "sip:ü@b", "http://a", "tel:", "tel:a-x", "1a:b",
	} {
		if uri, err := ParseURI(bad); err == nil {
			t.Errorf("%q taken as %s", bad, uri.String())
		}
	}
}

func TestAOR(t *testing.T) {
	for text, want := range map[string]string{
		"sip:102@office":                         "102@office",
		"sips:Bob:secret@OFFICE:5061;x=y?h=v":    "bob@office",
		"sip:%75se%72@example.com":               "user@example.com",
		"sip:%7Euser@a":                          "~user@a",
		"sip:null-%00-null@example.com":          "null-%00-null@example.com",
		"sip:a%0d%0ab@c":                         "a%0D%0Ab@c",
		"sip:user;par=u%40example.net@example.a": "user;par=u%40example.net@example.a",
		"sip:a%3bb@c":                            "a%3Bb@c", // reserved: not the same as the next
		"sip:a;b@c":                              "a;b@c",
		"sip:%2525@c":                            "%2525@c", // never twice
		"sip:*72#@c":                             "*72%23@c",
		"sip:*72%23@c":                           "*72%23@c",
		"sip:%C3%BCber@c":                        "%C3%BCber@c",
		"sip:a@[2001:DB8::1]":                    "a@[2001:db8::1]",
		"sip:office":                             "",
		"tel:102":                                "",
	} {
		uri, err := ParseURI(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		same(t, text, AOR(uri), want)
	}
	same(t, "no scheme", AOR(sip.Uri{User: "a", Host: "b"}), "a@b")
	for _, uri := range []sip.Uri{{}, {Wildcard: true, Host: "*"}, {User: "a"}, {User: "a\r\n", Host: "b"}, {User: "%4", Host: "b"}, {Scheme: "isbn", User: "a", Host: "b"}} {
		same(t, uri.User, AOR(uri), "")
	}
}
