package digest

import (
	"crypto/hmac"
	"crypto/rand"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// maxFields are Authorization fields of one request that are looked at: one may have
// answers for several realms.
const maxFields = 8

// Config is what a Server is made of.
type Config struct {
	Realm string
	NoMD5 bool // only SHA-256 is offered and taken
	// Secret returns what the office keeps of a user's password, if there is such
	// a user. It must take the same time for both.
	Secret func(user string) (Secret, bool)
}

// Server challenges and checks the answers. It is not for several goroutines at once.
type Server struct {
	cfg    Config
	nonces nonces
	used   used
	guard  guard
	dummy  Secret // whom nobody knows is checked against this
	hashes int    // responses computed
}

// New makes a Server whose nonces are worth something from now on, and only here.
func New(now time.Time, cfg Config) *Server {
	key := make([]byte, 32+32+16)
	rand.Read(key)
	return &Server{
		cfg:    cfg,
		nonces: newNonces(now, key[:32], cfg.Realm),
		used:   make(used, maxUsed),
		guard:  newGuard(),
		dummy:  Secret{SHA256: key[32:64], MD5: key[64:]},
	}
}

// Challenge is the values of the WWW-Authenticate or Proxy-Authenticate fields for
// a client at source, best first. Stale says that an answer was not wrong but
// late.
func (s *Server) Challenge(now time.Time, source netip.Addr, stale bool) []string {
	nonce := s.nonces.make(now, source.Unmap())
	values := make([]string, 0, 2)
	for _, a := range []Algorithm{SHA256, MD5} {
		if a == MD5 && s.cfg.NoMD5 {
			break
		}
		v := `Digest realm="` + s.cfg.Realm + `", nonce="` + nonce + `", algorithm=` + a.String() + `, qop="auth"`
		if stale {
			v += ", stale=true"
		}
		values = append(values, v)
	}
	return values
}

// Request is what credentials are checked against.
type Request struct {
	Method, URI string     // of the request line
	Source      netip.Addr // whence it came
	Credentials []string   // values of all its Authorization or Proxy-Authorization fields
}

// Outcome is what credentials turned out to be worth.
type Outcome uint8

const (
	None      Outcome = iota // there are none for this realm: challenge
	Accepted                 // they are User's
	Stale                    // their nonce is not, or no longer, good: challenge with stale=true
	Wrong                    // no such user, or not the password: challenge
	Slow                     // not looked at: come again in Wait
	Malformed                // 400
)

// Verdict is the answer to a Request.
type Verdict struct {
	Outcome Outcome
	User    string        // Accepted: who; Wrong: who it claims to be
	Wait    time.Duration // Slow
	Failed  int           // Wrong: wrong answers of late from this source
}

// Verify checks the best of the credentials for this realm.
func (s *Server) Verify(now time.Time, req Request) Verdict {
	c, a, out := s.pick(req.Credentials)
	if out != Accepted {
		return Verdict{Outcome: out}
	}
	source := req.Source.Unmap()
	nc, err := strconv.ParseUint(c.Count, 16, 32)
	if err != nil || nc == 0 || len(c.Response) != 2*a.size() || c.QOP != "auth" || c.CNonce == "" || c.Username == "" || len(c.Username) > maxName ||
		!sameResource(c.URI, req.URI) {
		return Verdict{Outcome: Malformed}
	}
	number, ok := s.nonces.check(now, c.Nonce, source)
	if !ok {
		return Verdict{Outcome: Stale}
	}
	if wait := s.guard.wait(now, source, c.Username); wait > 0 {
		return Verdict{Outcome: Slow, Wait: wait}
	}
	// The same work whether there is such a user or not.
	secret, known := s.cfg.Secret(c.Username)
	of := secret.of(a)
	if len(of) != a.size() {
		of, known = s.dummy.of(a), false
	}
	s.hashes++
	right := hmac.Equal(c.response(a, of, req.Method), []byte(strings.ToLower(c.Response)))
	if !right || !known {
		return Verdict{Outcome: Wrong, User: c.Username, Failed: s.guard.wrong(now, source, c.Username)}
	}
	if !s.used.take(number, uint32(nc)) {
		return Verdict{Outcome: Stale}
	}
	s.guard.right(now, source, c.Username)
	return Verdict{Outcome: Accepted, User: c.Username}
}

// pick chooses among several credentials those for this realm, SHA-256 first.
func (s *Server) pick(values []string) (best Credentials, a Algorithm, out Outcome) {
	for _, v := range values[:min(len(values), maxFields)] {
		c, digest, err := ParseCredentials(v)
		if err != nil {
			return best, 0, Malformed
		}
		if !digest || c.Realm != s.cfg.Realm {
			continue
		}
		is, ok := c.algorithm()
		if !ok || is == MD5 && s.cfg.NoMD5 || out == Accepted && a == SHA256 {
			continue
		}
		best, a, out = c, is, Accepted
	}
	return best, a, out
}
