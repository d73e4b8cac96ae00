package message

import (
	"context"
	"slices"
	"strings"
	"time"

	"chordophone/sip/wire"

	"github.com/emiago/sipgo/sip"
)

const (
	// lookEvery is how often a phone looks for messages that another one kept for
	// somebody who is registered here.
	lookEvery = 30 * time.Second
	// refusedFor is how long a message that its recipient would not have is left
	// alone: it waits on, for another of the recipient's programs may take it.
	refusedFor = time.Hour
)

// queue is the delivery to one address: one message at a time.
type queue struct {
	waiting []Message
	again   bool // somebody asked meanwhile
}

// Start begins to look for messages from time to time.
func (s *Service) Start() {
	for id, at := range s.refused {
		if time.Since(at) >= refusedFor {
			delete(s.refused, id)
		}
	}
	for _, aor := range s.cfg.Served() {
		s.Registered(aor)
	}
	s.cfg.Stack.After(lookEvery, s.Start)
}

// Registered says that a contact of aor may be reachable at this phone: what
// waits is delivered.
func (s *Service) Registered(aor string) {
	if q := s.queues[aor]; q != nil {
		q.again = true
		return
	}
	if s.isTelephone(aor) || !slices.Contains(s.cfg.Served(), aor) {
		return
	}
	q := &queue{}
	s.queues[aor] = q
	s.fill(aor, q)
}

// fill asks the Box what waits, if it is for this phone to deliver it.
func (s *Service) fill(aor string, q *queue) {
	var err error
	ok := s.cfg.Stack.Go(func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, ringTime)
		defer cancel()
		var mine bool
		if mine, err = s.cfg.Delivers(ctx, aor); err == nil && mine {
			q.waiting, err = s.cfg.Box.Waiting(ctx, aor)
		}
	}, func() {
		q.waiting = slices.DeleteFunc(q.waiting, func(m Message) bool { return !s.refused[m.ID].IsZero() })
		if err != nil {
			s.cfg.Log.Info("message: what waits could not be read", "for", aor, "err", err)
		}
		s.next(aor, q)
	})
	if !ok {
		delete(s.queues, aor)
	}
}

// next sends the oldest message to all contacts of the address, wherever they are.
func (s *Service) next(aor string, q *queue) {
	if len(q.waiting) == 0 {
		delete(s.queues, aor)
		if q.again {
			s.Registered(aor)
		}
		return
	}
	m := q.waiting[0]
	s.cfg.Stack.Request(s.cfg.Proxy, request(m, uriOf(aor)), func(res *sip.Response) {
		switch {
		case res.IsProvisional():
		case res.IsSuccess():
			s.remove(aor, q, m)
		case absent(res.StatusCode):
			s.giveUp(aor, q)
		default: // not this one; perhaps the next
			s.cfg.Log.Info("message: refused by its recipient", "to", aor, "status", res.StatusCode)
			s.refused[m.ID] = time.Now()
			q.waiting = q.waiting[1:]
			s.next(aor, q)
		}
	}, func(error) { s.giveUp(aor, q) })
}

// giveUp waits for the next registration.
func (s *Service) giveUp(aor string, q *queue) {
	q.waiting = nil
	s.next(aor, q)
}

// remove takes a delivered message out of the Box before the next is sent, so
// that a loss of power repeats one message at most.
func (s *Service) remove(aor string, q *queue, m Message) {
	var err error
	ok := s.cfg.Stack.Go(func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, ringTime)
		defer cancel()
		err = s.cfg.Box.Remove(ctx, m)
	}, func() {
		if err != nil {
			s.cfg.Log.Warn("message: delivered, but not removed: it may come again", "to", aor, "err", err)
			q.waiting = nil
		} else {
			q.waiting = q.waiting[1:]
			s.changed(aor)
		}
		s.next(aor, q)
	})
	if !ok {
		delete(s.queues, aor)
	}
}

// request is the MESSAGE that delivers m. // RFC 3428, sections 4 and 5
func request(m Message, to sip.Uri) *sip.Request {
	req := sip.NewRequest(sip.MESSAGE, to)
	hops := sip.MaxForwardsHeader(70)
	req.AppendHeader(&hops)
	from := wire.Address{Name: m.Name, URI: uriOf(m.From), Params: []wire.Parameter{{Name: "tag", Value: wire.Token()}}}
	for _, f := range [...][2]string{
		{"From", from.String()},
		{"To", "<sip:" + m.To + ">"},
		{"Call-ID", wire.Token()},
		{"CSeq", "1 MESSAGE"},
		// "The Date header field ... SHOULD be inserted": RFC 3428, section 5.
		{"Date", m.Sent.UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT")},
		{"Content-Type", m.ContentType},
	} {
		req.AppendHeader(sip.NewHeader(f[0], f[1]))
	}
	req.SetBody(m.Body)
	return req
}

func uriOf(aor string) sip.Uri {
	user, domain, _ := cut(aor)
	return sip.Uri{Scheme: "sip", User: user, Host: domain}
}

func cut(aor string) (user, domain string, ok bool) { return strings.Cut(aor, "@") }
