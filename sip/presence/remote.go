package presence

import (
	"errors"
	"strings"
	"time"

	"chordophone/sip/presence/document"
	"chordophone/sip/stack"
	"chordophone/sip/wire"

	"github.com/emiago/sipgo/sip"
)

// Times of a subscription at another phone.
const (
	sayTime    = 3 * time.Second // it has to say something
	askAgain   = 2 * time.Second // after it did not, or ended the subscription
	askRefused = 60 * time.Second
)

// remote is our subscription to one address at one phone.
type remote struct {
	node  *node
	of    *watched
	d     dialog // without callID: none
	timer *stack.Timer
}

// ask subscribes anew.
func (a *Agent) ask(r *remote) {
	a.quit(r)
	n := r.node
	if n.flow == nil || !n.flow.Alive() {
		return // the link is about to be made again
	}
	r.d = dialog{
		callID: wire.Token(), localTag: wire.Token(),
		local: a.uri(a.cfg.Self), remote: a.uri(r.of.aor), target: a.uri(r.of.aor),
	}
	a.remotes[r.d.localTag] = r
	a.subscribeAt(r, maxExpires)
	r.timer = a.stack.After(sayTime, func() {
		a.silence(r)
		a.askIn(r, askAgain)
	})
}

// quit forgets the subscription there is, if any.
func (a *Agent) quit(r *remote) {
	delete(a.remotes, r.d.localTag)
	r.d = dialog{}
	r.timer.Stop()
	r.timer = nil
}

// unask ends it such that the other phone knows.
func (a *Agent) unask(r *remote) {
	if r.d.remoteTag != "" && r.node.flow != nil && r.node.flow.Alive() {
		req := r.d.request(sip.SUBSCRIBE, r.node.flow, "Event", stateEvent, "Expires", "0")
		a.stack.Request(r.node.flow, req, func(*sip.Response) {}, func(error) {})
	}
	a.quit(r)
}

func (a *Agent) askIn(r *remote, d time.Duration) {
	a.quit(r)
	r.timer = a.stack.After(d, func() { a.ask(r) })
}

// silence says that the phone does not answer.
func (a *Agent) silence(r *remote) {
	if !r.node.link.up {
		a.quit(r)
	}
	if r.of.set(r.node.name, silent) {
		a.refresh(r.of)
		a.lookLater(r.of)
	}
}

func (a *Agent) uri(aor string) sip.Uri {
	user, host, _ := strings.Cut(aor, "@")
	return sip.Uri{Scheme: "sip", User: user, Host: host}
}

// subscribeAt sends SUBSCRIBE, the first or to go on.
func (a *Agent) subscribeAt(r *remote, expires time.Duration) {
	tag := r.d.localTag
	req := r.d.request(sip.SUBSCRIBE, r.node.flow, "Event", stateEvent, "Expires", ceilSeconds(expires), "Accept", document.RelatedType)
	a.stack.Request(r.node.flow, req, func(res *sip.Response) {
		if a.remotes[tag] != r || res.StatusCode < 200 {
			return
		}
		switch status := res.StatusCode; {
		case status < 300:
			if r.d.remoteTag == "" {
				r.d.remoteTag = wire.Tag(res.To().Params)
			}
		case status == 403, status == 404, status == 489:
			if r.of.set(r.node.name, refused) {
				a.refresh(r.of)
			}
			a.askIn(r, askRefused)
		case status == 481:
			a.ask(r)
		default:
			a.askIn(r, askAgain)
		}
	}, func(err error) {
		if a.remotes[tag] == r && !errors.Is(err, stack.ErrFlow) { // else Lost comes
			a.askIn(r, askAgain)
		}
	})
}

// notified takes NOTIFY from another phone.
func (a *Agent) notified(tx *stack.ServerTx) {
	req := tx.Request
	r := a.remotes[wire.Tag(req.To().Params)]
	from := wire.Tag(req.From().Params)
	event, _ := eventOf(req)
	switch {
	case r == nil || r.d.callID != string(*req.CallID()) || r.d.remoteTag != "" && r.d.remoteTag != from,
		tx.Flow.Peer() != r.node.name:
		a.refuse(tx, 481)
		return
	case event != stateEvent:
		a.refuse(tx, 489, "Allow-Events", stateEvent)
		return
	case req.CSeq().SeqNo <= r.d.remoteSeq:
		a.refuse(tx, 500)
		return
	}
	r.d.remoteSeq, r.d.remoteTag = req.CSeq().SeqNo, from
	r.d.retarget(req)
	state := strings.Join(wire.Values(req, "Subscription-State"), ",")
	if word, _, _ := strings.Cut(state, ";"); !strings.EqualFold(strings.TrimSpace(word), "active") {
		tx.Reply(200)
		a.askIn(r, askAgain)
		return
	}
	kind := ""
	if h := req.ContentType(); h != nil {
		kind = h.Value()
	}
	f, err := parseFacts(kind, req.Body(), r.of.aor)
	if err != nil {
		a.stats.Malformed++
		a.log.Warn("presence: state", "of", r.of.aor, "from", r.node.name, "error", err)
		a.refuse(tx, 400)
		return
	}
	tx.Reply(200)
	r.timer.Stop()
	r.timer = a.stack.After(maxExpires*4/5, func() {
		if r.node.flow != nil && r.node.flow.Alive() {
			a.subscribeAt(r, maxExpires)
			r.timer = a.stack.After(sayTime, func() { a.ask(r) })
		}
	})
	if r.of.heard(r.node.name, f) {
		a.look(r.of)
	}
	a.refresh(r.of)
}
