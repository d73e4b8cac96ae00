package presence

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"chordophone/sip/presence/document"
	"chordophone/sip/stack"
	"chordophone/sip/wire"

	"github.com/emiago/sipgo/sip"
)

// Event packages.
const (
	presenceEvent = "presence"        // RFC 3856
	dialogEvent   = "dialog"          // RFC 4235
	summaryEvent  = "message-summary" // RFC 3842
	stateEvent    = "office-state"    // see the package comment
)

// typeOf is the body type of an event package, empty for one that is unknown.
func typeOf(event string) string {
	switch event {
	case presenceEvent:
		return document.PresenceType
	case dialogEvent:
		return document.DialogType
	case summaryEvent:
		return document.SummaryType
	case stateEvent:
		return document.RelatedType
	}
	return ""
}

// topic is what watchers are told of together.
type topic struct {
	kind topicKind
	aor  string
}

type topicKind uint8

const (
	views     topicKind = iota // presence and dialog: all that is known of an address
	summaries                  // its waiting messages
	states                     // what this phone itself says of it
)

// watcher is one subscription here, of a client or of another phone.
type watcher struct {
	sub    subscription
	d      dialog
	flow   *stack.Flow
	user   string
	event  string
	id     string // of Event
	aor    string // whose state it is, or whose list
	serial uint64

	list    []*entry // not nil: a list
	full    bool     // all entries are to be told next
	version uint32   // of the next document
	sent    string   // the state told last
	timer   *stack.Timer
}

// subscribe is RFC 6665, section 4.2.1: a new subscription.
func (a *Agent) subscribe(tx *stack.ServerTx, user string) {
	req := tx.Request
	if a.unsupported(tx, "eventlist") {
		return
	}
	w := &watcher{user: user, flow: tx.Flow}
	w.event, w.id = eventOf(req)
	switch kind := typeOf(w.event); {
	case kind == "", w.event == stateEvent && (tx.Flow.Peer() == "" || tx.Flow.Peer() != user):
		a.refuse(tx, 489, "Allow-Events", allowEvents)
		return
	}
	expires, ok := a.expires(tx)
	if !ok {
		return
	}
	w.aor = a.target(req.Recipient)
	owner, isList := strings.CutPrefix(w.aor, "contacts+")
	if isList {
		w.aor = owner
	}
	accept := wire.Values(req, "Accept")
	switch {
	case w.aor == "":
		a.refuse(tx, 404)
		return
	case isList && (w.event == summaryEvent || w.event == stateEvent):
		a.refuse(tx, 489, "Allow-Events", "presence, dialog")
		return
	case isList && !wire.HasValue(req, "Supported", "eventlist") && !wire.HasValue(req, "Require", "eventlist"):
		a.refuse(tx, 421, "Require", "eventlist")
		return
	case accept != nil && !accepts(accept, typeOf(w.event)),
		accept != nil && isList && !(accepts(accept, document.RelatedType) && accepts(accept, document.ListType)):
		a.refuse(tx, 406)
		return
	case (isList || w.event == summaryEvent) && user != w.aor, !a.may(user, w.aor):
		a.refuse(tx, 403)
		return
	}
	if w.d, ok = dialogOf(req, tx.Tag); !ok {
		a.refuse(tx, 400)
		return
	}
	if isList {
		a.fetchList(user, func(list []Contact, err error) {
			if err != nil {
				a.log.Warn("presence: list of contacts", "of", user, "error", err)
				a.refuse(tx, 503, "Retry-After", retrySeconds)
				return
			}
			w.list, w.full = entries(list), true
			a.accept(tx, w, expires)
		}, func() { a.refuse(tx, 503, "Retry-After", retrySeconds) })
		return
	}
	a.accept(tx, w, expires)
}

// accept takes a watcher into service, if there is room.
func (a *Agent) accept(tx *stack.ServerTx, w *watcher, expires time.Duration) {
	if !a.room(w) {
		a.refuse(tx, 503, "Retry-After", retrySeconds)
		return
	}
	a.serial++
	w.serial = a.serial
	a.watchers[w.d.localTag] = w
	a.charge(w, w.cost())
	a.listen(w, w.topics())
	a.grant(tx, w, expires)
	a.step(w, subscribe{expires: expires, known: a.sayable(w)})
}

// room reports whether one more watcher fits. At a client's own bound, a
// subscription of its own to the same gives way: it has been started anew without
// ending the old one.
func (a *Agent) room(w *watcher) bool {
	if w.event == stateEvent {
		return a.phones[w.user] < maxOfPhone && a.backend < maxOfPhones
	}
	if a.cost+w.cost() > maxWatched {
		return false
	}
	full := func() bool { return a.costs[w.user]+w.cost() > maxOfUser }
	if !full() {
		return true
	}
	for _, old := range a.all() {
		if full() && old.user == w.user && old.aor == w.aor && old.event == w.event && old.id == w.id && (old.list == nil) == (w.list == nil) {
			a.forget(old)
		}
	}
	return !full()
}

func (w *watcher) cost() int { return 1 + len(w.list) }

// charge counts a watcher, or with a negative cost no longer.
func (a *Agent) charge(w *watcher, cost int) {
	count := a.costs
	if w.event == stateEvent {
		count = a.phones
		a.backend += cost
	} else {
		a.cost += cost
	}
	if count[w.user] += cost; count[w.user] == 0 {
		delete(count, w.user)
	}
}

// topics are what a watcher is to be told of.
func (w *watcher) topics() []topic {
	switch {
	case w.event == summaryEvent:
		return []topic{{summaries, w.aor}}
	case w.event == stateEvent:
		return []topic{{states, w.aor}}
	case w.list == nil:
		return []topic{{views, w.aor}}
	}
	var all []topic
	for _, e := range w.list {
		all = append(all, topic{views, e.aor})
	}
	return all
}

func (a *Agent) listen(w *watcher, topics []topic) {
	for _, t := range topics {
		a.topics[t] = append(a.topics[t], w)
		if t.kind == views {
			a.acquire(t.aor)
		}
	}
}

func (a *Agent) unlisten(w *watcher, topics []topic) {
	for _, t := range topics {
		if i := slices.Index(a.topics[t], w); i >= 0 {
			a.topics[t] = slices.Delete(a.topics[t], i, i+1)
		}
		if len(a.topics[t]) == 0 {
			delete(a.topics, t)
		}
		if t.kind == views {
			a.release(t.aor)
		}
	}
}

// resubscribe is RFC 6665, section 4.2.1.3: a SUBSCRIBE within a subscription.
func (a *Agent) resubscribe(tx *stack.ServerTx, user string) {
	req := tx.Request
	w := a.watchers[wire.Tag(req.To().Params)]
	event, id := eventOf(req)
	switch {
	case w == nil || w.d.callID != string(*req.CallID()) || w.d.remoteTag != wire.Tag(req.From().Params),
		w.event != event || w.id != id, w.sub.reason != "":
		a.refuse(tx, 481)
		return
	case w.user != user:
		a.refuse(tx, 403)
		return
	case req.CSeq().SeqNo <= w.d.remoteSeq:
		a.refuse(tx, 500) // RFC 3261, section 12.2.2
		return
	case a.unsupported(tx, "eventlist"):
		return
	}
	expires, ok := a.expires(tx)
	if !ok {
		return
	}
	w.d.remoteSeq = req.CSeq().SeqNo
	w.flow = tx.Flow
	w.d.retarget(req)
	a.grant(tx, w, expires)
	w.full = w.list != nil
	a.step(w, subscribe{expires: expires, known: a.sayable(w)})
	if w.list != nil && expires > 0 {
		a.renewList(w)
	}
}

// grant answers 200.
func (a *Agent) grant(tx *stack.ServerTx, w *watcher, expires time.Duration) {
	fields := []string{"Expires", ceilSeconds(expires), "Contact", contact(tx.Flow)}
	for _, r := range wire.Values(tx.Request, "Record-Route") {
		fields = append(fields, "Record-Route", r)
	}
	if w.list != nil {
		fields = append(fields, "Require", "eventlist")
	}
	tx.Reply(200, fields...)
}

// expires reads the duration asked for, and refuses what is too short.
func (a *Agent) expires(tx *stack.ServerTx) (time.Duration, bool) {
	d, given, bad := seconds(tx.Request, "Expires")
	switch {
	case bad:
		a.refuse(tx, 400)
		return 0, false
	case !given:
		return maxExpires, true
	case d > 0 && d < minExpires:
		a.refuse(tx, 423, "Min-Expires", ceilSeconds(minExpires))
		return 0, false
	}
	return min(d, maxExpires), true
}

// eventOf is the package that Event names, and its id.
func eventOf(req *sip.Request) (event, id string) {
	values := wire.Values(req, "Event")
	if len(values) != 1 {
		return "", ""
	}
	event, _, _ = strings.Cut(values[0], ";")
	return strings.TrimSpace(event), param(values[0], "id")
}

// step hands an input to the subscription and does what it says.
func (a *Agent) step(w *watcher, in input) {
	for _, act := range w.sub.step(time.Now(), in) {
		switch act := act.(type) {
		case notify:
			a.notify(w, act)
		case forget:
			a.forget(w)
		}
	}
	w.timer.Stop()
	w.timer = nil
	if next := w.sub.next(); a.watchers[w.d.localTag] == w && !next.IsZero() {
		w.timer = a.stack.After(time.Until(next), func() { a.step(w, tick{}) })
	}
}

// forget ends a subscription without a word.
func (a *Agent) forget(w *watcher) {
	if a.watchers[w.d.localTag] != w {
		return
	}
	delete(a.watchers, w.d.localTag)
	w.sub.over = true
	w.timer.Stop()
	w.timer = nil
	a.charge(w, -w.cost())
	a.unlisten(w, w.topics())
}

// all is the watchers in the order in which they came.
func (a *Agent) all() []*watcher {
	return slices.SortedFunc(maps.Values(a.watchers), func(v, w *watcher) int {
		return cmp.Compare(v.serial, w.serial)
	})
}

// fetchList gets a list of contacts, or calls busy if too much is asked for at once.
func (a *Agent) fetchList(owner string, then func([]Contact, error), busy func()) {
	var (
		list []Contact
		err  error
	)
	if a.fetching[owner] >= maxFetching {
		busy()
		return
	}
	if !a.stack.Go(func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, lookupTime)
		defer cancel()
		list, err = a.cfg.Lists.List(ctx, owner)
	}, func() {
		if a.fetching[owner]--; a.fetching[owner] == 0 {
			delete(a.fetching, owner)
		}
		then(list, err)
	}) {
		busy()
		return
	}
	a.fetching[owner]++
}
