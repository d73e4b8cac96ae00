package message

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"chordophone/sip/location"
	"chordophone/sip/stack"
	"chordophone/sip/wire"

	"github.com/emiago/sipgo/sip"
)

// ringTime bounds what is asked of the ring for one message.
const ringTime = 5 * time.Second

// Config is what a Service is made of. All fields without "may" must be set.
type Config struct {
	Stack *stack.Stack
	// Proxy is the service's end of a loopback to this program's own proxy, which
	// forks what it gets there to all contacts of the address.
	Proxy  *stack.Flow
	Locate location.Service
	Box    Box
	// Served lists the addresses that have contacts registered at this phone.
	Served func() []string
	// Delivers says whether it is this phone, of all of the office, that is to
	// deliver what waits for an address.
	Delivers func(ctx context.Context, aor string) (bool, error)
	// Telephone says whether a user is a telephone of the office: it must be fast.
	Telephone func(user string) bool
	// Stored is told that what waits for an address has changed. It may be nil.
	Stored func(aor string)
	Log    *slog.Logger
}

// Service is the message service of this phone. Its methods are for the loop.
type Service struct {
	cfg    Config
	queues map[string]*queue // deliveries at hand, by address
	// refused is when a message was refused by its recipient, by ID.
	refused map[string]time.Time
}

// New makes a service.
func New(cfg Config) *Service {
	return &Service{cfg: cfg, queues: map[string]*queue{}, refused: map[string]time.Time{}}
}

// Request takes a MESSAGE from one address of record to another of the office. Who
// sent it was authenticated. // RFC 3428, section 7
func (s *Service) Request(tx *stack.ServerTx, from, to string) {
	var (
		bindings []location.Binding
		waiting  []Message
		err      error
	)
	ok := s.cfg.Stack.Go(func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, ringTime)
		defer cancel()
		if bindings, err = s.cfg.Locate.Lookup(ctx, "sip:"+to); err == nil {
			waiting, err = s.cfg.Box.Waiting(ctx, to)
		}
	}, func() {
		switch {
		case errors.Is(err, location.ErrNotFound):
			tx.Reply(404)
		case err != nil:
			s.cfg.Log.Warn("message: the ring did not answer", "to", to, "err", err)
			tx.Reply(503, "Retry-After", "5")
		case s.isTelephone(to), len(bindings) == 0, len(waiting) > 0:
			s.store(tx, from, to)
		default:
			s.relay(tx, from, to)
		}
	})
	if !ok {
		tx.Reply(503, "Retry-After", "1")
	}
}

// relay passes the message to whoever is there, and keeps it if nobody is.
func (s *Service) relay(tx *stack.ServerTx, from, to string) {
	req := wire.CloneRequest(tx.Request)
	for _, name := range []string{"Via", "Route", "Record-Route", "Authorization", "Proxy-Authorization"} {
		wire.Set(req, name)
	}
	s.cfg.Stack.Request(s.cfg.Proxy, req, func(res *sip.Response) {
		switch {
		case res.IsProvisional():
		case absent(res.StatusCode):
			s.store(tx, from, to)
		default:
			tx.Reply(res.StatusCode)
		}
	}, func(error) { s.store(tx, from, to) })
}

// absent reports whether a final response means that nobody was there, as
// opposed to somebody who would not have it.
func absent(status int) bool {
	return status == 408 || status == 430 || status == 480 || status/100 == 5
}

func (s *Service) isTelephone(aor string) bool {
	user, _, _ := cut(aor)
	return s.cfg.Telephone(user)
}

// store keeps the message and says 202, which "indicates that the message has
// been accepted, but ... may not have been delivered". // RFC 3428, section 7
func (s *Service) store(tx *stack.ServerTx, from, to string) {
	req := tx.Request
	if len(req.Body()) > MaxBody {
		tx.Reply(413)
		return
	}
	m := Message{
		ID:          wire.Token(),
		From:        from,
		Name:        wire.PlainText(req.From().DisplayName, 64),
		To:          to,
		ContentType: contentType(req),
		Body:        req.Body(),
		Sent:        time.Now(),
	}
	var err error
	ok := s.cfg.Stack.Go(func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, ringTime)
		defer cancel()
		err = s.cfg.Box.Put(ctx, m)
	}, func() {
		switch {
		case errors.Is(err, ErrTooLong):
			tx.Reply(413)
		case errors.Is(err, ErrFull):
			tx.Reply(480, "Retry-After", "3600")
		case err != nil:
			s.cfg.Log.Warn("message: not kept", "to", to, "err", err)
			tx.Reply(503, "Retry-After", "5")
		default:
			tx.Reply(202)
			s.changed(to)
			s.report(m)
			s.Registered(to) // perhaps a contact came meanwhile
		}
	})
	if !ok {
		tx.Reply(503, "Retry-After", "1")
	}
}

func (s *Service) changed(aor string) {
	if s.cfg.Stored != nil {
		s.cfg.Stored(aor)
	}
}

// contentType is text/plain for a message that does not say.
func contentType(req *sip.Request) string {
	if c := req.ContentType(); c != nil {
		return wire.PlainText(c.Value(), 128)
	}
	return "text/plain"
}
