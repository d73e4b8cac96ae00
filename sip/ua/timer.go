package ua

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"chordophone/sip/wire"

	"github.com/emiago/sipgo/sip"
)

const (
	minExpires = 90      // seconds; RFC 4028, section 5
	maxExpires = 1 << 20 // beyond, a session as good as does not expire
)

// sessionTimer is what was agreed on how long a session holds without being
// refreshed (RFC 4028). The zero value: for ever.
type sessionTimer struct {
	interval int  // seconds
	ours     bool // we refresh
	uas      bool // ... as the side that answered the request at hand, or they do
	require  bool // the far side knows the extension
	min      int  // what a proxy demands at least
}

// askedTimer reads what an INVITE or UPDATE asks for: section 9.
func askedTimer(req *sip.Request) (sessionTimer, wire.Verdict) {
	knows := wire.HasValue(req, "Supported", "timer")
	interval, refresher := sessionExpires(req)
	switch {
	case interval == 0:
		return sessionTimer{}, wire.Verdict{}
	case interval < minExpires && knows:
		return sessionTimer{}, wire.Verdict{Status: 422, Field: "Min-SE", Value: strconv.Itoa(minExpires)}
	case interval < minExpires: // a proxy's wish, which nobody could be told to raise
		return sessionTimer{}, wire.Verdict{}
	}
	ours := refresher == "uas" || !knows // table 2
	return sessionTimer{interval: interval, ours: ours, uas: ours, require: knows}, wire.Verdict{}
}

// grantedTimer reads what a 2xx says: section 7.2.
func grantedTimer(res *sip.Response) sessionTimer {
	interval, refresher := sessionExpires(res)
	if interval < minExpires {
		return sessionTimer{}
	}
	return sessionTimer{interval: interval, ours: refresher != "uas", uas: refresher == "uas"}
}

// sessionExpires reads Session-Expires; 0 means that there is none.
func sessionExpires(msg sip.Message) (seconds int, refresher string) {
	values := wire.Values(msg, "Session-Expires")
	if len(values) == 0 {
		return 0, ""
	}
	parts := strings.Split(values[0], ";")
	n, err := strconv.ParseUint(strings.TrimSpace(parts[0]), 10, 32)
	if err != nil || n == 0 {
		return 0, ""
	}
	for _, p := range parts[1:] {
		if k, v, _ := strings.Cut(p, "="); strings.EqualFold(strings.TrimSpace(k), "refresher") {
			refresher = lower(strings.TrimSpace(v))
		}
	}
	return int(min(n, maxExpires)), refresher
}

// describe adds to a 2xx what was agreed.
func (t sessionTimer) describe(res *sip.Response) {
	if t.interval == 0 {
		return
	}
	refresher := "uac"
	if t.uas {
		refresher = "uas"
	}
	res.AppendHeader(sip.NewHeader("Session-Expires", fmt.Sprintf("%d;refresher=%s", t.interval, refresher)))
	if t.require {
		res.AppendHeader(sip.NewHeader("Require", "timer"))
	}
}

// demand adds to an INVITE of ours what holds, so that it is kept.
func (t sessionTimer) demand(req *sip.Request) {
	if t.interval > 0 {
		refresher := "uas"
		if t.ours {
			refresher = "uac"
		}
		req.AppendHeader(sip.NewHeader("Session-Expires", fmt.Sprintf("%d;refresher=%s", t.interval, refresher)))
	}
	if t.min > 0 {
		req.AppendHeader(sip.NewHeader("Min-SE", strconv.Itoa(t.min)))
	}
}

// raise takes what a 422 demands, once.
func (t *sessionTimer) raise(res *sip.Response) bool {
	values := wire.Values(res, "Min-SE")
	if len(values) == 0 || t.min > 0 {
		return false
	}
	number, _, _ := strings.Cut(values[0], ";")
	n, err := strconv.ParseUint(strings.TrimSpace(number), 10, 32)
	if err != nil || n < minExpires || n > maxExpires {
		return false
	}
	t.interval, t.min, t.ours = int(n), int(n), true
	return true
}

func (t sessionTimer) input() input {
	return timed{interval: time.Duration(t.interval) * time.Second, ours: t.ours}
}
