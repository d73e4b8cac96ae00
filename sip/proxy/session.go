package proxy

import (
	"strconv"
	"strings"
	"time"

	"chordophone/sip/wire"

	"github.com/emiago/sipgo/sip"
)

const (
	sessionInterval = 1800 // seconds, for a caller that knows session timers and names none
	minSE           = 90   // seconds: RFC 4028, section 4
)

// session is what a proxy must remember of an INVITE's session timer: RFC 4028,
// section 8.1.
type session struct {
	interval  int  // seconds, 0: none was asked for
	supported bool // the caller knows session timers
	expires   string
	minSE     string // to be put into the request instead of what is there; empty: as it came
}

// askSession reads an INVITE and says what it is to ask for; false means 422.
func askSession(req *sip.Request) (session, bool) {
	var s session
	s.supported = wire.HasValue(req, "Supported", "timer")
	least := minSE
	if n, ok := seconds(req, "Min-SE"); ok && n > least {
		least = n
	}
	n, ok := seconds(req, "Session-Expires")
	switch {
	case !ok && !s.supported:
	case !ok:
		s.interval = max(sessionInterval, least)
		s.expires = strconv.Itoa(s.interval)
	case n >= minSE:
		s.interval = n
	case s.supported:
		return s, false
	default:
		// "the proxy cannot usefully reject the request, as this would result in a
		// call failure. Rather, the proxy SHOULD insert a Min-SE header field"
		s.interval = least
		s.expires, s.minSE = strconv.Itoa(least), strconv.Itoa(least)
	}
	return s, true
}

// answer sees to the 2xx of an INVITE or UPDATE and says when the session is over,
// if ever: section 8.2.
func (s session) answer(now time.Time, res *sip.Response) time.Time {
	if n, ok := seconds(res, "Session-Expires"); ok {
		return now.Add(time.Duration(n) * time.Second)
	}
	if s.interval == 0 || !s.supported {
		return time.Time{}
	}
	// "This proxy MUST insert a Session-Expires header field into the response with
	// the value it remembered from the forwarded request. It MUST set the value of
	// the 'refresher' parameter to 'uac'."
	res.AppendHeader(sip.NewHeader("Session-Expires", strconv.Itoa(s.interval)+";refresher=uac"))
	res.AppendHeader(sip.NewHeader("Require", "timer"))
	return now.Add(time.Duration(s.interval) * time.Second)
}

// seconds reads a field that begins with a number of seconds.
func seconds(msg message, name string) (int, bool) {
	value, ok := field(msg, name)
	if !ok {
		return 0, false
	}
	value, _, _ = strings.Cut(value, ";")
	n, err := strconv.Atoi(strings.TrimSpace(value))
	if err != nil || n < 0 || n > 1<<31-1 {
		return 0, false
	}
	return min(n, 7*24*3600), true
}
