package digest

import (
	"crypto/md5"
	"crypto/sha256"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"
)

var (
	boot  = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	here  = netip.MustParseAddr("192.0.2.1")
	there = netip.MustParseAddr("192.0.2.2")
)

const realm = "office"

// client is the client's side, written without the code under test.
type client struct {
	user, password string
	algorithm      string
	nonce          string
	nc             int
	uri            string
	extra          string
}

func challenged(t testing.TB, values []string, algorithm string) string {
	for _, v := range values {
		if strings.Contains(v, "algorithm="+algorithm+",") {
			_, rest, _ := strings.Cut(v, `nonce="`)
			nonce, _, _ := strings.Cut(rest, `"`)
			return nonce
		}
	}
	t.Fatalf("%s is not offered: %q", algorithm, values)
	return ""
}

func (c client) answer(method string) string {
	h := func(s string) string {
		if c.algorithm == "MD5" {
			return fmt.Sprintf("%x", md5.Sum([]byte(s)))
		}
		return fmt.Sprintf("%x", sha256.Sum256([]byte(s)))
	}
	nc := fmt.Sprintf("%08x", c.nc)
	a1, a2 := h(c.user+":"+realm+":"+c.password), h(method+":"+c.uri)
	response := h(strings.Join([]string{a1, c.nonce, nc, "0a4f113b", "auth", a2}, ":"))
	return fmt.Sprintf(`Digest username="%s", realm="%s", nonce="%s", uri="%s", response="%s", algorithm=%s, cnonce="0a4f113b", qop=auth, nc=%s%s`,
		c.user, realm, c.nonce, c.uri, response, c.algorithm, nc, c.extra)
}

func newServer(noMD5 bool) *Server {
	bob, carol := NewSecret("bob", realm, "zanzibar"), NewSecret("carol", realm, "x")
	carol.MD5 = nil
	return New(boot, Config{Realm: realm, NoMD5: noMD5, Secret: func(user string) (Secret, bool) {
		switch user {
		case "bob":
			return bob, true
		case "carol":
			return carol, true
		}
		return Secret{}, false
	}})
}

func ask(s *Server, now time.Time, source netip.Addr, values ...string) Verdict {
	return s.Verify(now, Request{Method: "REGISTER", URI: "sip:office", Source: source, Credentials: values})
}

func TestChallenge(t *testing.T) {
	s := newServer(false)
	v := s.Challenge(boot, here, false)
	if len(v) != 2 || !strings.Contains(v[0], "algorithm=SHA-256, qop=\"auth\"") || !strings.Contains(v[1], "algorithm=MD5, qop=\"auth\"") {
		t.Errorf("%q", v)
	}
	if v := s.Challenge(boot, here, true); !strings.HasSuffix(v[0], "stale=true") || !strings.HasSuffix(v[1], "stale=true") {
		t.Errorf("%q", v)
	}
	if v := newServer(true).Challenge(boot, here, false); len(v) != 1 || strings.Contains(v[0], "MD5") {
		t.Errorf("%q", v)
	}
}

func TestVerify(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(*client)
		noMD5  bool
		want   Outcome
	}{
		{"SHA-256", func(c *client) {}, false, Accepted},
		{"MD5", func(c *client) { c.algorithm = "MD5" }, false, Accepted},
		{"MD5 where the office takes none", func(c *client) { c.algorithm = "MD5" }, true, None},
		{"MD5 where the account takes none", func(c *client) { c.user, c.password, c.algorithm = "carol", "x", "MD5" }, false, Wrong},
		{"SHA-256 there", func(c *client) { c.user, c.password = "carol", "x" }, false, Accepted},
		{"wrong password", func(c *client) { c.password = "zanzibaz" }, false, Wrong},
		{"unknown user", func(c *client) { c.user = "mallory" }, false, Wrong},
		{"another resource", func(c *client) { c.uri = "sip:bob@office" }, false, Malformed},
		{"the transport left out or added", func(c *client) { c.uri = "sip:OFFICE:5060;transport=tcp" }, false, Accepted},
		{"no user", func(c *client) { c.user = "" }, false, Malformed},
		{"long user", func(c *client) { c.user = strings.Repeat("b", maxName+1) }, false, Malformed},
		{"no count", func(c *client) { c.nc = 0 }, false, Malformed},
		{"no nonce of ours", func(c *client) { c.nonce = "7ypf/xlj9XXwfDPEoM4URrv" }, false, Stale},
		{"a nonce of another phone", func(c *client) { c.nonce = challenged(t, newServer(false).Challenge(boot, here, false), "MD5") }, false, Stale},
		{"another algorithm", func(c *client) { c.algorithm = "SHA-512-256" }, false, None},
		{"twice", func(c *client) { c.extra = ", nc=00000002" }, false, Malformed},
	} {
		s := newServer(tc.noMD5)
		c := client{user: "bob", password: "zanzibar", algorithm: "SHA-256", nc: 1, uri: "sip:office"}
		c.nonce = challenged(t, s.Challenge(boot, here, false), "SHA-256")
		tc.change(&c)
		v := ask(s, boot, here, c.answer("REGISTER"))
		if v.Outcome != tc.want || tc.want == Accepted && v.User != c.user {
			t.Errorf("%s: %+v", tc.name, v)
		}
	}
}

func TestVerifyForm(t *testing.T) {
	s := newServer(false)
	c := client{user: "bob", password: "zanzibar", algorithm: "SHA-256", nc: 1, uri: "sip:office"}
	c.nonce = challenged(t, s.Challenge(boot, here, false), "SHA-256")
	good := c.answer("REGISTER")
	for _, bad := range [][2]string{
		{"qop=auth", "qop=auth-int"}, {", qop=auth", ""}, // RFC 2069
		{`cnonce="0a4f113b"`, `cnonce=""`}, {`nc=00000001`, `nc=1g`}, {`nc=00000001`, `nc=100000001`},
		{`response="`, `response="x`}, {`uri="sip:office"`, `uri=""`},
	} {
		if v := ask(s, boot, here, strings.Replace(good, bad[0], bad[1], 1)); v.Outcome != Malformed {
			t.Errorf("%q: %+v", bad, v)
		}
	}
	// Nothing of it has used the nonce up; upper-case digits and another's
	// credentials before ours do no harm.
	_, hash, _ := strings.Cut(good, `response="`)
	hash = hash[:64]
	other := strings.Replace(good, `realm="office"`, `realm="elsewhere"`, 1)
	if v := ask(s, boot, here, "Basic abc", other, strings.Replace(good, hash, strings.ToUpper(hash), 1)); v.Outcome != Accepted {
		t.Errorf("%+v", v)
	}
	if v := ask(s, boot, here, other); v.Outcome != None {
		t.Errorf("%+v", v)
	}
	if v := ask(s, boot, here); v.Outcome != None {
		t.Errorf("%+v", v)
	}
	// Both algorithms at once: SHA-256 counts, wherever it stands.
	s = newServer(false)
	c.nonce = challenged(t, s.Challenge(boot, here, false), "SHA-256")
	weak := c
	weak.algorithm, weak.password = "MD5", "wrong"
	if v := ask(s, boot, here, weak.answer("REGISTER"), c.answer("REGISTER"), weak.answer("REGISTER")); v.Outcome != Accepted {
		t.Errorf("%+v", v)
	}
	// The method is signed.
	c.nc = 2
	if v := ask(s, boot, here, c.answer("INVITE")); v.Outcome != Wrong {
		t.Errorf("%+v", v)
	}
}

func BenchmarkVerify(b *testing.B) {
	s := newServer(false)
	c := client{user: "bob", password: "zanzibar", algorithm: "SHA-256", uri: "sip:office"}
	c.nonce = challenged(b, s.Challenge(boot, here, false), "SHA-256")
	answers := make([]string, 1000)
	for i := range answers {
		c.nc = i + 1
		answers[i] = c.answer("REGISTER")
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if i%1000 == 0 {
			clear(s.used)
		}
		if v := ask(s, boot, here, answers[i%1000]); v.Outcome != Accepted {
			b.Fatal(v)
		}
	}
}

func BenchmarkChallenge(b *testing.B) {
	s := newServer(false)
	b.ReportAllocs()
	for b.Loop() {
		s.Challenge(boot, here, false)
	}
}
