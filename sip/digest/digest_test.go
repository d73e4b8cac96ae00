package digest

import (
	"crypto/md5"
	"crypto/sha256"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
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

func TestReplay(t *testing.T) {
	s := newServer(false)
	c := client{user: "bob", password: "zanzibar", algorithm: "SHA-256", nc: 1, uri: "sip:office"}
	c.nonce = challenged(t, s.Challenge(boot, here, false), "SHA-256")
	first := c.answer("REGISTER")
	for i, want := range []Outcome{Accepted, Stale, Stale} {
		if v := ask(s, boot, here, first); v.Outcome != want {
			t.Errorf("%d: %+v", i, v)
		}
	}
	c.nc = 2
	second := c.answer("REGISTER")
	if v := ask(s, boot, there, second); v.Outcome != Stale {
		t.Errorf("sniffed and sent from elsewhere: %+v", v)
	}
	if v := ask(s, boot.Add(nonceLife+time.Millisecond), here, second); v.Outcome != Stale {
		t.Errorf("too late: %+v", v)
	}
	if v := ask(s, boot.Add(nonceLife), here, second); v.Outcome != Accepted {
		t.Errorf("in time: %+v", v)
	}
}

func TestNonceIsBound(t *testing.T) {
	n := newNonces(boot, []byte("key"), realm)
	nonce := n.make(boot, here)
	if _, ok := n.check(boot, nonce, here); !ok {
		t.Fatal("not good")
	}
	for i := range nonce { // each bit of it
		b := []byte(nonce)
		b[i] ^= 1
		if _, ok := n.check(boot, string(b), here); ok {
			t.Errorf("octet %d does not count", i)
		}
	}
	for _, other := range []nonces{newNonces(boot, []byte("kez"), realm), newNonces(boot, []byte("key"), "elsewhere")} {
		if _, ok := other.check(boot, nonce, here); ok {
			t.Error("good for another realm or another phone")
		}
	}
	if n.make(boot, here) == nonce {
		t.Error("two clients have one nonce")
	}
	for _, s := range []string{"", nonce + "A", nonce[1:], nonce[:len(nonce)-1] + "=", strings.Repeat("!", len(nonce))} {
		if _, ok := n.check(boot, s, here); ok {
			t.Errorf("%q is good", s)
		}
	}
}

func TestCountsAreTakenOnce(t *testing.T) {
	u := make(used, 4)
	for i, tc := range []struct {
		nonce uint64
		nc    uint32
		want  bool
	}{
		{1, 1, true}, {1, 1, false},
		{1, 3, true}, {1, 2, true}, {1, 2, false}, {1, 3, false}, // overtaken on the way
		{1, 40, true}, {1, 9, true}, {1, 8, false}, {1, 9, false}, {1, 3, false},
		{1, 1 << 31, true}, {1, 40, false}, {1, 1<<31 - 31, true},
		{2, 1, true}, {1, 1<<31 + 1, true},
		{5, 7, true}, {1, 1<<31 + 2, false}, // 5 has taken the place of 1
		{5, 6, true}, {5, 7, false},
	} {
		if got := u.take(tc.nonce, tc.nc); got != tc.want {
			t.Errorf("%d: %+v", i, tc)
		}
	}
}

// T2: nobody gets in without the password; the negative control does with it.
func TestForgeries(t *testing.T) {
	s := newServer(false)
	var got [Malformed + 1]int
	now := boot
	for i := range 10000 {
		now = now.Add(10 * time.Millisecond)
		c := client{user: "bob", password: fmt.Sprint("guess", i), algorithm: []string{"SHA-256", "MD5"}[i%2], nc: 1, uri: "sip:office"}
		c.nonce = challenged(t, s.Challenge(now, there, false), "SHA-256")
		got[ask(s, now, there, c.answer("REGISTER")).Outcome]++
	}
	if got[Accepted] != 0 || got[Wrong]+got[Slow] != 10000 || got[Wrong] > 60 {
		t.Errorf("%v", got)
	}
	c := client{user: "bob", password: "zanzibar", algorithm: "MD5", nc: 1, uri: "sip:office"}
	c.nonce = challenged(t, s.Challenge(now, here, false), "MD5")
	if v := ask(s, now, here, c.answer("REGISTER")); v.Outcome != Accepted {
		t.Errorf("the right password from another source: %+v", v)
	}
}

func TestStrangersLearnNothing(t *testing.T) {
	try := func(user string) (outcomes []Outcome, hashes int) {
		s := newServer(false)
		for i := range 40 {
			c := client{user: user, password: "guess", algorithm: "SHA-256", nc: i + 1, uri: "sip:office"}
			now := boot.Add(time.Duration(i) * 300 * time.Millisecond)
			c.nonce = challenged(t, s.Challenge(now, there, false), "SHA-256")
			outcomes = append(outcomes, ask(s, now, there, c.answer("REGISTER")).Outcome)
		}
		return outcomes, s.hashes
	}
	a, n := try("bob")
	b, m := try("nobody")
	if !slices.Equal(a, b) || n != m || n == 0 {
		t.Errorf("%v, %d hashes; %v, %d hashes", a, n, b, m)
	}
}

func TestGuard(t *testing.T) {
	g := newGuard()
	now := boot
	g.right(now, here, "good")
	for range freeFailures {
		if g.wait(now, here, "bad") != 0 {
			t.Fatal("the first ones cost nothing")
		}
		g.wrong(now, here, "bad")
	}
	for _, want := range []time.Duration{1, 2, 4, 8, 16, 32, 32} {
		if got := g.wait(now, here, "bad"); got != want*time.Second {
			t.Errorf("%v, want %v s", got, int(want))
		}
		if w := g.wait(now, here, "other"); w != time.Second {
			t.Errorf("others at the source: %v", w)
		}
		if g.wait(now, here, "good") != 0 || g.wait(now, there, "bad") != 0 {
			t.Error("who has done no wrong has to wait")
		}
		now = now.Add(want * time.Second)
		g.wrong(now, here, "bad")
	}
	if w := g.wait(now.Add(goodMemory+time.Second), here, "good"); w != 0 {
		t.Error(w)
	}
	now = now.Add(failureMemory + time.Second)
	if n := g.wrong(now, here, "bad"); n != 1 || g.wait(now, here, "bad") != 0 {
		t.Errorf("not forgotten: %d", n)
	}
	for range freeFailures {
		g.wrong(now, here, "good")
	}
	if g.wait(now, here, "good") == 0 {
		t.Error("who was good once may guess for ever")
	}
	g.right(now, here, "good")
	if g.wait(now, here, "good") != 0 {
		t.Error("a right answer does not set free")
	}
	for i := range 5 * maxFailing {
		g.wrong(now, netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), "x")
	}
	if n := len(g.failing.new) + len(g.failing.old); n > 2*maxFailing {
		t.Errorf("%d entries", n)
	}
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
