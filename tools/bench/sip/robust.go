package sip

import (
	"bytes"
	"context"
	"strings"
	"time"

	"chordophone/tools/bench/procs"
)

// robustness is what a campaign of malformed requests came to.
type robustness struct {
	Cases    int            `json:"cases"`
	Sent     int            `json:"sent"`
	Answers  map[int]int    `json:"answers"` // final responses by status
	Silent   int            `json:"silent"`
	Dropped  map[string]int `json:"dropped,omitempty"` // what was silent, by what was wrong
	Wrong    []string       `json:"wrong,omitempty"`   // cases with another answer than 4xx, 5xx and 6xx
	Alive    bool           `json:"alive"`
	Before   memory         `json:"before"`
	After    memory         `json:"after"`
	LastSeen string         `json:"last_seen,omitempty"` // the case before the server fell silent
}

const (
	caseWait  = 25 * time.Millisecond // for an answer
	casePause = 5 * time.Millisecond  // at least, between two cases: no faster than a known client may
	maxWrong  = 50                    // of them are named
)

// robust sends cases, one after the other, and looks at what comes back. telephone is
// who reads SDP.
func robust(ctx context.Context, host *procs.Host, t *target, seed uint64, n int, telephone string) (r robustness, err error) {
	a, err := newAgent(host, tormentorAddr, sipPort)
	if err != nil {
		return r, err
	}
	defer a.close()
	all := cases(seed, n)
	begin := func() robustness {
		return robustness{Cases: len(all), Answers: map[int]int{}, Dropped: map[string]int{}, Alive: true}
	}
	r = begin()
	run := time.Now().UnixNano()
	// What a first call costs once is not what malformed ones cost.
	usual := assemble("", plain(headTemplate), false)
	for i := range 100 {
		usual.sdp = i%2 == 0
		if err := r.one(a, t, usual, -1-i, run, telephone); err != nil {
			return r, err
		}
	}
	r = begin()
	if r.Before, err = t.memory(); err != nil {
		return r, err
	}
	for i, c := range all {
		if ctx.Err() != nil {
			return r, ctx.Err()
		}
		start := time.Now()
		if err := r.one(a, t, c, i, run, telephone); err != nil {
			return r, err
		}
		r.Sent++
		time.Sleep(casePause - time.Since(start))
		if i%100 == 99 || i == len(all)-1 {
			if r.Alive, err = a.lives(t.entry); err != nil || !r.Alive {
				r.LastSeen = c.what
				return r, err
			}
		}
	}
	r.After, err = t.memory()
	return r, err
}

// one sends a case and clears up what it began: a call that rings is cancelled, a
// final response acknowledged.
func (r *robustness) one(a *agent, t *target, c malformed, i int, run int64, telephone string) error {
	data, callID := c.text(i, run, a.addr(), telephone)
	if err := a.send(t.entry, data); err != nil {
		return err
	}
	until, cancelled := time.Now().Add(caseWait), false
	for {
		text, ok, err := a.hear(until)
		if err != nil {
			return err
		}
		if !ok {
			r.Silent++
			field, _, _ := strings.Cut(c.what, ":")
			r.Dropped[field]++
			return nil
		}
		m, ok := parseMessage(text)
		switch {
		case !ok || m.status == 0 || strings.HasPrefix(m.callID, "agent-") || m.method == "CANCEL":
		case strings.HasPrefix(m.callID, "malformed-") && m.callID != callID: // late, of a case before
		case m.status < 200:
			until = time.Now().Add(time.Second)
			if m.status > 100 && !cancelled {
				cancelled = true
				a.send(t.entry, cancel(data))
			}
		default:
			r.Answers[m.status]++
			if m.status < 400 && len(r.Wrong) < maxWrong {
				r.Wrong = append(r.Wrong, c.what)
			}
			return a.send(t.entry, acknowledgement(data, m.field("to")))
		}
	}
}

// cancel is the CANCEL of an INVITE. // RFC 3261, section 9.1
func cancel(invite []byte) []byte {
	m, _ := parseMessage(invite)
	ack := acknowledgement(invite, m.field("to"))
	ack = bytes.Replace(ack, []byte("ACK"), []byte("CANCEL"), 1)
	return bytes.Replace(ack, []byte(" ACK"), []byte(" CANCEL"), 1)
}

// wrong is how many cases got an answer that is no refusal.
func (r robustness) wrong() (n int) {
	for status, k := range r.Answers {
		if status < 400 {
			n += k
		}
	}
	return n
}
