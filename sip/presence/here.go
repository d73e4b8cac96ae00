package presence

import (
	"slices"
	"strings"
	"time"

	"chordophone/sip/presence/document"
	"chordophone/sip/stack"
	"chordophone/sip/wire"
)

// here is what this phone itself knows of an address, beside what was published.
type here struct {
	telephone []document.Dialog // calls of this telephone
	clients   []document.Dialog // calls of clients that are registered here
	bindings  uint32            // counts their changes
	timer     *stack.Timer      // of what was published
}

func (a *Agent) at(aor string) *here {
	h := a.here[aor]
	if h == nil {
		h = &here{}
		a.here[aor] = h
	}
	return h
}

// factsOf is what this phone says of an address.
func (a *Agent) factsOf(aor string) facts {
	f := facts{presence: a.publications.compose(aor)}
	if h := a.here[aor]; h != nil {
		f.dialogs = append(named("phone-", h.telephone), named("client-", h.clients)...)
		f.presence.Bindings = h.bindings
	}
	if len(f.dialogs) > document.MaxDialogs {
		f.dialogs = f.dialogs[:document.MaxDialogs]
	}
	return f
}

// named gives dialogs identifiers that are unique beside those of another source.
func named(prefix string, dialogs []document.Dialog) []document.Dialog {
	list := slices.Clone(dialogs)
	for i := range list {
		list[i].ID = prefix + list[i].ID
	}
	return list
}

// Dialogs says which calls an address's telephone, here, is in: all of them.
func (a *Agent) Dialogs(aor string, dialogs []DialogState) {
	aor = strings.ToLower(aor)
	a.at(aor).telephone = slices.Clone(dialogs)
	a.moved(aor)
}

// Dialog says how one call of a client stands that is registered here. It is
// forgotten once it is terminated.
func (a *Agent) Dialog(aor string, d DialogState) {
	aor = strings.ToLower(aor)
	h := a.at(aor)
	i := slices.IndexFunc(h.clients, func(o document.Dialog) bool { return o.ID == d.ID })
	switch {
	case d.State == document.Terminated && i >= 0:
		h.clients = slices.Delete(h.clients, i, i+1)
	case d.State == document.Terminated:
		return
	case i >= 0:
		h.clients[i] = d
	default:
		h.clients = append(h.clients, d)
	}
	a.moved(aor)
}

// Registered says that the bindings of an address have changed: here, or as far as
// is known here.
func (a *Agent) Registered(aor string) {
	aor = strings.ToLower(aor)
	a.changes++
	a.at(aor).bindings = a.changes
	if w := a.addresses[aor]; w != nil {
		a.look(w)
	}
	a.moved(aor)
}

// WaitingChanged says that the count of messages that wait for an address has
// changed.
func (a *Agent) WaitingChanged(aor string) {
	aor = strings.ToLower(aor)
	a.tell(topic{summaries, aor})
	if w := a.addresses[aor]; w != nil {
		a.light(w)
	}
}

// moved says that what this phone knows of an address has changed.
func (a *Agent) moved(aor string) {
	a.tell(topic{states, aor})
	if w := a.addresses[aor]; w != nil {
		a.refresh(w)
	}
	h := a.here[aor]
	if h != nil && len(h.telephone)+len(h.clients)+len(a.publications.of[aor]) == 0 && len(a.topics[topic{states, aor}]) == 0 {
		h.timer.Stop()
		delete(a.here, aor) // nobody can tell the difference
	}
}

// publish is RFC 3903, section 6.
func (a *Agent) publish(tx *stack.ServerTx, user string) {
	req := tx.Request
	if a.unsupported(tx) {
		return
	}
	aor := a.target(req.Recipient)
	event, _ := eventOf(req)
	match := wire.Values(req, "SIP-If-Match")
	body := req.Body()
	switch {
	case aor == "":
		a.refuse(tx, 404)
		return
	case event != presenceEvent:
		a.refuse(tx, 489, "Allow-Events", presenceEvent)
		return
	case aor != user:
		a.refuse(tx, 403)
		return
	case len(match) > 1:
		a.refuse(tx, 400)
		return
	case len(body) > maxPublishBody:
		a.refuse(tx, 413)
		return
	}
	expires, ok := a.expires(tx)
	if !ok {
		return
	}
	var state *document.Presence
	if len(body) > 0 {
		if !accepts([]string{strings.Join(wire.Values(req, "Content-Type"), ",")}, document.PresenceType) {
			a.refuse(tx, 415, "Accept", document.PresenceType)
			return
		}
		p, err := document.ParsePresence(body)
		if err != nil {
			a.stats.Malformed++
			a.log.Debug("presence: published", "by", user, "error", err)
			a.refuse(tx, 400)
			return
		}
		p.Entity, p.Unreachable, p.Bindings = "sip:"+aor, false, 0
		state = &p
	}
	tag := wire.Token()
	now := time.Now()
	if match == nil {
		match = []string{""}
	}
	switch status := a.publications.publish(now, aor, match[0], tag, expires, state); status {
	case 200:
		tx.Reply(200, "SIP-ETag", tag, "Expires", ceilSeconds(expires))
	case 503:
		a.refuse(tx, 503, "Retry-After", retrySeconds)
		return
	default:
		a.refuse(tx, status)
		return
	}
	a.awaitExpiry(aor)
	a.moved(aor)
}

// awaitExpiry keeps the timer of what is published for an address.
func (a *Agent) awaitExpiry(aor string) {
	h := a.at(aor)
	h.timer.Stop()
	h.timer = nil
	if next := a.publications.next(aor); !next.IsZero() {
		h.timer = a.stack.After(until(next), func() {
			a.publications.expire(time.Now(), aor)
			a.awaitExpiry(aor)
			a.moved(aor)
		})
	}
}
