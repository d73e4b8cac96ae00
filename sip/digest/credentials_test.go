package digest

import (
	"fmt"
	"strings"
	"testing"
)

// The examples of RFC 7616, section 3.9.1.
func TestRFC7616Examples(t *testing.T) {
	const head = `Digest username="Mufasa", realm="http-auth@example.org", uri="/dir/index.html", nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", nc=00000001, cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", qop=auth, opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS", `
	secret := NewSecret("Mufasa", "http-auth@example.org", "Circle of Life")
	for _, tc := range []struct {
		a    Algorithm
		tail string
	}{
		{MD5, `algorithm=MD5, response="8ca523f5e9506fed4657c9700eebdbec"`},
		{SHA256, `algorithm=SHA-256, response="753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"`},
	} {
		c, ok, err := ParseCredentials(head + tc.tail)
		if !ok || err != nil {
			t.Fatal(ok, err)
		}
		if a, ok := c.algorithm(); a != tc.a || !ok {
			t.Error(a, ok)
		}
		if got := string(c.response(tc.a, secret.of(tc.a), "GET")); got != c.Response {
			t.Errorf("%v: %s, want %s", tc.a, got, c.Response)
		}
	}
}

func TestParseCredentials(t *testing.T) {
	long := "Digest " + strings.Repeat(`x="1", `, 33) + `y="1"`
	many := "Digest "
	for i := range maxParams + 1 {
		many += fmt.Sprintf("p%d=1,", i)
	}
	for _, tc := range []struct {
		value string
		want  Credentials
		ok    bool
		bad   bool
	}{
		{`Digest username="a,b=c", realm="r"`, Credentials{Username: "a,b=c", Realm: "r"}, true, false},
		{`dIgEsT UserName = "a" ,,algorithm="MD5",qop="auth", nc="00000001"`, Credentials{Username: "a", Algorithm: "MD5", QOP: "auth", Count: "00000001"}, true, false},
		{`Digest username="a\"b\\"`, Credentials{Username: `a\"b\\`}, true, false},
		{`Digest realm=office,uri=sip:office`, Credentials{Realm: "office", URI: "sip:office"}, true, false},
		{`Digest`, Credentials{}, true, false},
		{`Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==`, Credentials{}, false, false},
		{``, Credentials{}, false, false},
		{`Digest username="a`, Credentials{}, true, true},
		{`Digest username="a\"`, Credentials{}, true, true},
		{`Digest username="a"b`, Credentials{}, true, true},
		{`Digest username`, Credentials{}, true, true},
		{`Digest ="a"`, Credentials{}, true, true},
		{`Digest realm=a b`, Credentials{}, true, true},
		{`Digest user name=a`, Credentials{}, true, true},
		{`Digest realm=`, Credentials{}, true, true},
		{`Digest realm="a", REALM="b"`, Credentials{}, true, true},
		{long, Credentials{}, true, true},
		{many, Credentials{}, true, true},
		{"Digest realm=\"" + strings.Repeat("x", maxField) + `"`, Credentials{}, false, true},
	} {
		c, ok, err := ParseCredentials(tc.value)
		if c != tc.want || ok != tc.ok || err != nil != tc.bad {
			t.Errorf("%.60q: %+v, %v, %v", tc.value, c, ok, err)
		}
	}
}

func FuzzParseCredentials(f *testing.F) {
	f.Add(`Digest username="a", realm="r", nonce="n", uri="sip:r", response="00", algorithm=MD5, qop=auth, nc=1, cnonce="c"`)
	f.Add(`Digest a="\`)
	f.Fuzz(func(t *testing.T, value string) {
		c, ok, err := ParseCredentials(value)
		if !ok || err != nil {
			if c != (Credentials{}) && err != nil {
				t.Error("something came of an error")
			}
			return
		}
		again := "Digest username=\"" + c.Username + `"`
		if d, _, err := ParseCredentials(again); len(again) <= maxField && (err != nil || d.Username != c.Username) {
			t.Errorf("%q does not read back: %v", c.Username, err)
		}
	})
}

func TestSameResource(t *testing.T) {
	for _, tc := range []struct {
		a, b string
		want bool
	}{
		{"sip:office", "sip:office;transport=tcp", true},
		{"sip:bob@office:5060", "sips:bob@OFFICE?Subject=x", true},
		{"sip:192.0.2.1:5060", "sip:office", true},
		{"sip:192.0.2.1:5060", "sip:bob@office", true},
		{"sip:bob@192.0.2.1", "sip:bob@office", true},
		{"sip:bob@office", "sip:Bob@office", false},
		{"sip:bob@office", "sip:office", false},
		{"tel:office", "sip:office", false},
		{"", "sip:office", false},
	} {
		if sameResource(tc.a, tc.b) != tc.want {
			t.Errorf("%+v", tc)
		}
	}
}
