// Package auth says who sends a request: it puts sip/digest to SIP messages (RFC
// 3261, section 22).
package auth

import (
	"log/slog"
	"net/netip"
	"strconv"
	"time"

	"github.com/emiago/sipgo/sip"

	"chordophone/sip/digest"
	"chordophone/sip/wire"
)

// Kind is as what we challenge.
type Kind uint8

const (
	Server Kind = iota // registrar or user agent server: 401, Authorization
	Proxy              // 407, Proxy-Authorization
)

func (k Kind) names() (status int, challenge, credentials string) {
	if k == Proxy {
		return 407, "Proxy-Authenticate", "proxy-authorization"
	}
	return 401, "WWW-Authenticate", "authorization"
}

// Config is what a Gate is made of.
type Config struct {
	Realm string // the office
	NoMD5 bool   // MD5 is neither offered nor taken
	// Secret is asked in the caller's goroutine and must answer from memory, in the
	// same time whether there is such a user or not.
	Secret func(user string) (secret digest.Secret, known bool)
	Log    *slog.Logger // may be nil
}

// Gate lets in who has a password. It is for one goroutine: the stack's loop.
type Gate struct {
	cfg    Config
	server *digest.Server
	count  Counters
}

// Counters are of requests since New.
type Counters struct {
	Accepted, Challenged, Stale, Wrong, Slow, Malformed uint64
}

// New makes a Gate.
func New(cfg Config) *Gate {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Gate{
		cfg:    cfg,
		server: digest.New(time.Now(), digest.Config{Realm: cfg.Realm, NoMD5: cfg.NoMD5, Secret: cfg.Secret}),
	}
}

// Verdict is who sent a request, or else how to answer it.
type Verdict struct {
	User   string   // who it is; empty: nobody we know
	Status int      // of the response, if User is empty
	Fields []string // of the response, in pairs of name and value, as ServerTx.Reply takes them
}

// OK reports whether the request is somebody's.
func (v Verdict) OK() bool { return v.User != "" }

// Check looks for credentials of this office in a request that came from source. ACK
// and CANCEL cannot be challenged (RFC 3261, section 22.1): do not ask about
// them. A wrong password and a user who does not exist get the same answer.
func (g *Gate) Check(req *sip.Request, kind Kind, source netip.Addr) Verdict {
	now := time.Now()
	status, challenge, field := kind.names()
	var values []string
	for _, h := range req.GetHeaders(field) {
		values = append(values, h.Value())
	}
	v := g.server.Verify(now, digest.Request{Method: string(req.Method), URI: req.Recipient.String(), Source: source, Credentials: values})
	switch v.Outcome {
	case digest.Accepted:
		g.count.Accepted++
		return Verdict{User: v.User}
	case digest.Malformed:
		g.count.Malformed++
		return Verdict{Status: 400}
	case digest.Slow:
		// Not another challenge: that would call for another answer at once.
		g.count.Slow++
		return Verdict{Status: 503, Fields: []string{"Retry-After", strconv.Itoa(int(v.Wait/time.Second) + 1)}}
	case digest.Wrong:
		g.count.Wrong++
		if round(v.Failed) {
			g.cfg.Log.Warn("sip: wrong password, or no such account", "user", wire.PlainText(v.User, 40), "from", source, "times", v.Failed)
		}
	case digest.Stale:
		g.count.Stale++
	case digest.None:
		g.count.Challenged++
	}
	out := Verdict{Status: status}
	for _, value := range suited(req, g.server.Challenge(now, source, v.Outcome == digest.Stale)) {
		out.Fields = append(out.Fields, challenge, value)
	}
	return out
}

// Counters says how often what came of it.
func (g *Gate) Counters() Counters { return g.count }

// round says whether a number is worth a line in the log: 1, 10, 100 and so on.
func round(n int) bool {
	for n > 1 && n%10 == 0 {
		n /= 10
	}
	return n == 1
}
