package link

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"

	"chordophone/overlay"
	"chordophone/overlay/chord"
	"chordophone/overlay/reload"
)

// ErrBusy is the error for one request too many.
var ErrBusy = errors.New("link: too many requests at once")

// Error is an ErrorResponse. // RFC 6940, section 6.3.3.1
type Error struct {
	From overlay.ID // who said so: the node asked, or one on the way
	Code chord.Code
	Info string
}

func (e *Error) Error() string {
	if e.Info == "" {
		return fmt.Sprintf("link: %s answers with error %d", e.From.Short(), e.Code)
	}
	return fmt.Sprintf("link: %s answers with error %d: %s", e.From.Short(), e.Code, e.Info)
}

// maxQuestions bounds the requests under way.
const maxQuestions = 256

// question is a request that waits for its answer.
type question struct {
	to     chord.Dest
	answer chan *incoming // takes one
}

// Ask sends a request of RELOAD's own kind to a node or to whoever is
// responsible for a resource, by way of the neighbour via, and waits for the
// answer. The zero Dest stands for via itself. from is who answered. The error is an *Error for an ErrorResponse, that
// of ctx, or ErrBusy.
//
// The ring's messages go through chord and Send. Ask is for those that the link
// at the other end answers: Attach, AppAttach, Probe, RouteQuery, Find,
// PathTrack and ConfigUpdate.
func (l *Link) Ask(ctx context.Context, via overlay.Peer, to chord.Dest, req reload.Body) (ans reload.Body, from overlay.ID, err error) {
	if to.ID.IsZero() {
		to.ID = via.ID
	}
	if to.ID.IsZero() {
		to.ID = everybody // whoever is at via's address
	}
	q := &question{to: to, answer: make(chan *incoming, 1)}
	tx := rand.Uint64()
	l.mu.Lock()
	full := len(l.questions) >= maxQuestions
	if !full {
		l.questions[tx] = q
	}
	l.mu.Unlock()
	if full {
		return nil, from, ErrBusy
	}
	defer func() {
		l.mu.Lock()
		delete(l.questions, tx)
		l.mu.Unlock()
	}()
	h := l.header(tx, []chord.Dest{to})
	if req.Code() == reload.CodeConfigUpdateReq {
		h.Config = reload.NoConfig // accepted whatever the other side has
	}
	if err := l.say(via, h, req); err != nil {
		return nil, from, err
	}
	select {
	case in := <-q.answer:
		if e, ok := in.body.(reload.ErrorResponse); ok {
			return nil, in.msg.From.ID, &Error{in.msg.From.ID, chord.Code(e.ErrorCode), string(e.Info)}
		}
		return in.body, in.msg.From.ID, nil
	case <-ctx.Done():
		return nil, from, ctx.Err()
	case <-l.ctx.Done():
		return nil, from, errEnded
	}
}

// answered hands an answer to whoever asked. It reports whether somebody did.
func (l *Link) answered(in *incoming) bool {
	l.mu.Lock()
	q := l.questions[in.header.Tx]
	l.mu.Unlock()
	if q == nil {
		return false
	}
	body, err := reload.ParseBody(in.code, in.contents.Body)
	_, failed := body.(reload.ErrorResponse)
	switch {
	case err != nil:
		l.drop(Malformed, "answer", "from", in.msg.From, "err", err)
		return true
	case !failed && !q.to.Resource && q.to.ID != everybody && in.msg.From.ID != q.to.ID:
		l.drop(Unasked, "answer of another node", "from", in.msg.From)
		return true
	}
	in.body = body
	select {
	case q.answer <- in:
	default: // there is one already
	}
	return true
}

// header is that of a message of ours.
func (l *Link) header(tx uint64, to []chord.Dest) reload.Header {
	return reload.Header{Overlay: l.overlay, Config: l.sequence(), TTL: reload.MaxTTL, Tx: tx, To: destinations(to)}
}

// say sends a message that chord has no word for.
func (l *Link) say(next overlay.Peer, h reload.Header, body reload.Body) error {
	c, err := reload.MakeContents(body)
	if err != nil {
		return err
	}
	o := &outgoing{header: h}
	if err := l.fill(o, next.ID, c); err != nil {
		return err
	}
	if o.size() > reload.MaxMessage-maxOverhead {
		return reload.ErrTooLarge
	}
	l.send(next, o)
	return nil
}

// maxOverhead is room for header, certificates and signature.
const maxOverhead = 32 << 10
