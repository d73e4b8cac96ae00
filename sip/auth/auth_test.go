package auth

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"

	"chordophone/sip/digest"
	"chordophone/sip/wire"
)

var here = netip.MustParseAddr("192.0.2.50")

func newGate(noMD5 bool, log *bytes.Buffer) *Gate {
	secret := digest.NewSecret("201", "office", "zanzibar")
	cfg := Config{Realm: "office", NoMD5: noMD5, Secret: func(user string) (digest.Secret, bool) { return secret, user == "201" }}
	if log != nil {
		cfg.Log = slog.New(slog.NewTextHandler(log, nil))
	}
	return New(cfg)
}

func invite(t testing.TB, field string) *sip.Request {
	if field != "" {
		field += "\r\n"
	}
	msg, v := wire.Parse([]byte("INVITE sip:102@office SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.50;branch=z9hG4bK1\r\nMax-Forwards: 70\r\nFrom: <sip:201@office>;tag=a\r\n" +
		"To: <sip:102@office>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\nContact: <sip:201@192.0.2.50>\r\n" + field + "Content-Length: 0\r\n\r\n"))
	req, ok := msg.(*sip.Request)
	if !ok || !v.OK() {
		t.Fatalf("%q: %+v", field, v)
	}
	return req
}

// answer is made of the first challenge of a verdict.
func answer(t testing.TB, v Verdict, password string, nc int) string {
	if len(v.Fields) == 0 {
		t.Fatalf("%+v", v)
	}
	_, rest, _ := strings.Cut(v.Fields[1], `nonce="`)
	nonce, _, _ := strings.Cut(rest, `"`)
	h := func(s string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(s))) }
	response := h(fmt.Sprintf("%s:%s:%08x:c:auth:%s", h("201:office:"+password), nonce, nc, h("INVITE:sip:102@office")))
	name := strings.Replace(v.Fields[0], "WWW-Authenticate", "Authorization", 1)
	name = strings.Replace(name, "Proxy-Authenticate", "Proxy-Authorization", 1)
	return fmt.Sprintf(`%s: Digest username="201", realm="office", nonce="%s", uri="sip:102@office", response="%s", algorithm=SHA-256, cnonce="c", qop=auth, nc=%08x`,
		name, nonce, response, nc)
}

func TestCheck(t *testing.T) {
	for _, tc := range []struct {
		kind   Kind
		status int
		field  string
	}{{Server, 401, "WWW-Authenticate"}, {Proxy, 407, "Proxy-Authenticate"}} {
		g := newGate(false, nil)
		v := g.Check(invite(t, ""), tc.kind, here)
		if v.OK() || v.Status != tc.status || len(v.Fields) != 4 || v.Fields[0] != tc.field || v.Fields[2] != tc.field {
			t.Fatalf("%+v", v)
		}
		good := answer(t, v, "zanzibar", 1)
		if other := g.Check(invite(t, good), 1-tc.kind, here); other.OK() {
			t.Error("an answer to the other kind of challenge")
		}
		v = g.Check(invite(t, good), tc.kind, here)
		if !v.OK() || v.User != "201" || v.Status != 0 {
			t.Fatalf("%+v", v)
		}
		v = g.Check(invite(t, good), tc.kind, here)
		if v.OK() || v.Status != tc.status || !strings.Contains(v.Fields[1], "stale=true") {
			t.Errorf("used again: %+v", v)
		}
		v = g.Check(invite(t, answer(t, v, "zanzibaz", 1)), tc.kind, here)
		if v.OK() || v.Status != tc.status || strings.Contains(v.Fields[1], "stale") {
			t.Errorf("wrong: %+v", v)
		}
		if v = g.Check(invite(t, strings.Replace(good, `username="201", `, "", 1)), tc.kind, here); v.Status != 400 {
			t.Errorf("malformed: %+v", v)
		}
		if got, want := g.Counters(), (Counters{Accepted: 1, Challenged: 2, Stale: 1, Wrong: 1, Malformed: 1}); got != want {
			t.Errorf("%+v", got)
		}
	}
	if v := newGate(true, nil).Check(invite(t, ""), Server, here); len(v.Fields) != 2 || strings.Contains(v.Fields[1], "MD5") {
		t.Errorf("%+v", v)
	}
	// Credentials for others first: RFC 3261, section 22.3.
	g := newGate(false, nil)
	v := g.Check(invite(t, ""), Proxy, here)
	both := "Proxy-Authorization: Digest username=\"x\", realm=\"elsewhere\", nonce=\"n\", uri=\"u\", response=\"r\"\r\n" + answer(t, v, "zanzibar", 1)
	if v := g.Check(invite(t, both), Proxy, here); !v.OK() {
		t.Errorf("%+v", v)
	}
}

// Guessing gets slow, is said so, and does not fill the log.
func TestGuessing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		g := newGate(false, &log)
		nonce := g.Check(invite(t, ""), Server, here)
		var statuses []int
		for range 1000 {
			v := g.Check(invite(t, answer(t, nonce, "guess", 1)), Server, here)
			statuses = append(statuses, v.Status)
			if v.Status == 503 && (len(v.Fields) != 2 || v.Fields[0] != "Retry-After" || v.Fields[1] == "0") {
				t.Fatalf("%+v", v)
			}
			time.Sleep(10 * time.Millisecond)
		}
		if n := g.Counters(); n.Wrong < 10 || n.Wrong > 15 || n.Slow != 1000-n.Wrong || !slices.Contains(statuses, 503) {
			t.Errorf("%+v", n)
		}
		if lines := strings.Count(log.String(), "\n"); lines != 2 { // the 1st and the 10th
			t.Errorf("%d lines: %s", lines, log.String())
		}
		// Elsewhere the right password is as good as ever.
		there := netip.MustParseAddr("192.0.2.51")
		v := g.Check(invite(t, ""), Server, there)
		if v = g.Check(invite(t, answer(t, v, "zanzibar", 1)), Server, there); !v.OK() {
			t.Errorf("%+v", v)
		}
	})
}

func BenchmarkCheck(b *testing.B) {
	g := newGate(false, nil)
	b.ReportAllocs()
	for b.Loop() { // the whole exchange, as the first REGISTER has it
		v := g.Check(invite(b, ""), Server, here)
		if v = g.Check(invite(b, answer(b, v, "zanzibar", 1)), Server, here); !v.OK() {
			b.Fatalf("%+v", v)
		}
	}
}
