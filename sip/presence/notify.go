package presence

import (
	"errors"
	"time"

	"chordophone/sip/presence/document"
	"chordophone/sip/stack"

	"github.com/emiago/sipgo/sip"
)

// notify sends NOTIFY with the state as it is now, or fails the same way.
func (a *Agent) notify(w *watcher, n notify) {
	if !w.flow.Alive() {
		to, ok := w.d.nextHop()
		if w.event == stateEvent || !ok {
			a.forget(w)
			return
		}
		a.stack.Connect(to, func(f *stack.Flow, _ bool, err error) {
			switch {
			case a.watchers[w.d.localTag] != w:
			case err != nil:
				a.step(w, answered{status: 408})
			default:
				w.flow = f
				a.send(w, n)
			}
		})
		return
	}
	a.send(w, n)
}

func (a *Agent) send(w *watcher, n notify) {
	allowed := w.list != nil || a.may(w.user, w.aor)
	if !allowed && n.reason == "" {
		n.reason = rejected
		w.sub.reason, w.sub.final = n.reason, true
	}
	state := "terminated;reason=" + n.reason
	if n.reason == "" {
		state = "active;expires=" + ceilSeconds(n.expires)
	}
	event := w.event
	if w.id != "" {
		event += ";id=" + w.id
	}
	fields := []string{"Event", event, "Subscription-State", state}
	var kind string
	var body []byte
	more := false
	switch {
	case w.list != nil:
		fields = append(fields, "Require", "eventlist")
		kind, body, more = a.listBody(w)
	case allowed:
		known := false
		if kind, body, known = a.state(w.event, w.aor, w.version); known {
			w.version++
			w.sent = a.plain(w.event, w.aor)
		} else {
			kind, body = "", nil // RFC 6665, section 4.2.1.2: no meaningful state yet
		}
	}
	if kind != "" {
		fields = append(fields, "Content-Type", kind)
	}
	req := w.d.request(sip.NOTIFY, w.flow, fields...)
	req.SetBody(body)
	a.stats.Notified++
	a.stack.Request(w.flow, req, func(res *sip.Response) {
		if res.StatusCode >= 200 {
			if res.StatusCode >= 300 { // what it held is not known there
				w.full = w.list != nil
			}
			after, _, _ := seconds(res, "Retry-After")
			a.step(w, answered{res.StatusCode, after})
		}
	}, func(err error) {
		w.full = w.list != nil
		if errors.Is(err, stack.ErrTimeout) {
			a.step(w, answered{status: 408})
		} else { // perhaps over another connection
			a.step(w, answered{status: 503})
		}
	})
	if more {
		a.step(w, changed{})
	}
}

// state is a document: its type, its octets, and whether there is anything to say.
func (a *Agent) state(event, aor string, version uint32) (kind string, body []byte, known bool) {
	kind = typeOf(event)
	switch event {
	case summaryEvent:
		fresh, old := a.cfg.Mailboxes.Waiting(aor)
		s := document.Summary{Account: "sip:" + aor, New: uint32(max(0, fresh)), Old: uint32(max(0, old))}
		return kind, s.Bytes(), true
	case stateEvent:
		kind, body = a.factsOf(aor).print(aor, version)
		return kind, body, true
	}
	w := a.addresses[aor]
	if w == nil || !w.last.known {
		return kind, nil, false
	}
	if event == dialogEvent {
		d := w.last.calls(aor)
		d.Version = version
		return kind, d.Bytes(), true
	}
	return kind, w.last.compose(aor).Bytes(), true
}

// plain is the state without what changes from one document to the next.
func (a *Agent) plain(event, aor string) string {
	_, body, _ := a.state(event, aor, 0)
	return string(body)
}

// sayable reports whether there is something to tell a watcher.
func (a *Agent) sayable(w *watcher) bool {
	if w.list != nil {
		return true
	}
	_, _, known := a.state(w.event, w.aor, 0)
	return known
}

// tell tells those whom it concerns, and those only who would hear
// something new.
func (a *Agent) tell(t topic) {
	for _, w := range append([]*watcher(nil), a.topics[t]...) {
		if a.watchers[w.d.localTag] != w {
			continue
		}
		if a.news(w, t.aor) {
			a.step(w, changed{})
		}
	}
}

func (a *Agent) news(w *watcher, aor string) bool {
	if w.list == nil {
		return a.sayable(w) && (a.plain(w.event, aor) != w.sent || !a.may(w.user, aor))
	}
	news := false
	for _, e := range w.list {
		if e.aor == aor && !e.due {
			e.due = a.entryState(w, e) != e.sent
			news = news || e.due
		}
	}
	return news
}

// stateBoundary cannot be in a document, whose lines all begin with "<".
const stateBoundary = "office-state"

// print is the body of office-state.
func (f facts) print(aor string, version uint32) (kind string, body []byte) {
	calls := document.DialogInfo{Entity: "sip:" + aor, Version: version, Dialogs: f.dialogs}
	return document.Related(stateBoundary, []document.Part{
		{ID: "presence@office", Type: document.PresenceType, Body: f.presence.Bytes()},
		{ID: "dialogs@office", Type: document.DialogType, Body: calls.Bytes()},
	})
}

var errOtherState = errors.New("presence: not what office-state is made of")

// parseFacts reads the body of office-state for an address.
func parseFacts(kind string, body []byte, aor string) (facts, error) {
	parts, err := document.ParseRelated(kind, body)
	if err != nil {
		return facts{}, err
	}
	if len(parts) != 2 || parts[0].Type != document.PresenceType || parts[1].Type != document.DialogType {
		return facts{}, errOtherState
	}
	p, err := document.ParsePresence(parts[0].Body)
	if err != nil {
		return facts{}, err
	}
	d, err := document.ParseDialogInfo(parts[1].Body)
	if err != nil {
		return facts{}, err
	}
	if p.Entity != "sip:"+aor || d.Entity != p.Entity {
		return facts{}, errOtherState
	}
	return facts{dialogs: d.Dialogs, presence: p}, nil
}

// until is a timer's duration.
func until(t time.Time) time.Duration { return max(0, time.Until(t)) }
