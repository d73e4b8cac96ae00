package ua

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"chordophone/sip/location"
	"chordophone/sip/stack"
)

// Media is one call's session as the user agent needs it. The methods are
// called from the stack's loop, one at a time, and must not block; Close is
// called from another goroutine, once, and may. An error that matches
// sdp.ErrSyntax refuses an offer with 400, any other with 488, of which only
// sdp.ErrNotAcceptable is not logged as a warning.
type Media interface {
	Offer() (sdp []byte, err error)                 // the description we begin with, later the state of now
	Answer(offer []byte) (answer []byte, err error) // also for a changed offer within the session
	Accept(answer []byte) error                     // the far answer to our Offer or Hold
	Hold(on bool) (offer []byte, err error)         // hold or retrieve, in force here at once
	Close() error
}

// Config is what a UA is made of. All fields without "may" must be set.
type Config struct {
	User   string // "101"
	Domain string // "office"
	Name   string // display name; may be empty

	// Stack carries the messages. Server is the end of a stack.Loopback at
	// which the telephone speaks with this program's own proxy. Both may be
	// handed to Attach instead.
	Stack  *stack.Stack
	Server *stack.Flow
	// Local is the address at which this telephone is reached, for what is
	// said over Server.
	Local netip.Addr

	Locate location.Service
	// Telephone says whether a user of this office is a telephone, as opposed
	// to a client. It is called in the loop and must not block.
	Telephone func(user string) bool
	// NewMedia makes the session of one call, heard and spoken at local, the
	// address of this telephone that the far side can reach. With a telephone
	// of the office sound must be encrypted, with a client it is if the client
	// can. It must not block.
	NewMedia func(local netip.Addr, client bool) (Media, error)
	// Dialogs, which may be nil, hears in the loop of all calls whenever they
	// change. One that has ended comes once more, as terminated.
	Dialogs func([]DialogState)
	Log     *slog.Logger // may be nil

	MaxCalls int // calls at once, in all states; 0 means 8
}

// UA makes and answers this telephone's calls. Dial, Answer, Reject, Hangup,
// Hold, Transfer, TransferTo, Contact and Events may be used from any goroutine;
// they return at once and their outcome comes as events. Request, Ack, Lost and
// Mine are for the handler of the stack, in its loop.
type UA struct {
	cfg    Config
	aor    string // "sip:101@office"
	self   string // "101@office" in lower case
	log    *slog.Logger
	events chan Event
	out    outbox

	// Owned by the stack's loop.
	stack    *stack.Stack
	server   *stack.Flow
	calls    []*session // in the order in which they began
	count    int        // calls that were not dialled
	shown    []DialogState
	stopping bool
	idle     chan struct{} // closed when stopping and no call is left
	closing  sync.WaitGroup
}

const farewell = 2 * time.Second // for the far sides to confirm when Run ends

// New makes a user agent.
func New(cfg Config) (*UA, error) {
	switch {
	case !plainUser(cfg.User), !plainHost(cfg.Domain):
		return nil, fmt.Errorf("ua: %q is not an address (hint: digits or letters for the user, a host name for the office)", cfg.User+"@"+cfg.Domain)
	case cfg.Locate == nil, cfg.NewMedia == nil, cfg.Telephone == nil, !cfg.Local.IsValid():
		return nil, errors.New("ua: config lacks one of Local, Locate, NewMedia, Telephone")
	}
	cfg.Name, cfg.Local = plainName(cfg.Name), cfg.Local.Unmap()
	if cfg.MaxCalls <= 0 {
		cfg.MaxCalls = 8
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	u := &UA{
		cfg:    cfg,
		aor:    "sip:" + cfg.User + "@" + cfg.Domain,
		self:   lower(cfg.User + "@" + cfg.Domain),
		log:    cfg.Log,
		events: make(chan Event),
		out:    outbox{wake: make(chan struct{}, 1)},
		idle:   make(chan struct{}),
	}
	u.Attach(cfg.Stack, cfg.Server)
	return u, nil
}

// Attach gives the UA its stack, whose handler needs the UA, and must be called
// before either runs unless Config named it.
func (u *UA) Attach(s *stack.Stack, server *stack.Flow) { u.stack, u.server = s, server }

// Run delivers events until ctx is cancelled; then it hangs up all calls, gives
// the far sides two seconds to confirm, closes the events and returns nil. The
// stack must run all that time.
func (u *UA) Run(ctx context.Context) error {
	done := ctx.Done()
	var idle <-chan struct{}
	var end <-chan time.Time
	for left := true; left; {
		var events chan Event
		first, some := u.out.first()
		if some {
			events = u.events
		} else if end != nil && idle == nil {
			break
		}
		select {
		case <-u.out.wake:
		case events <- first:
			u.out.pop()
		case <-done:
			done, idle, end = nil, u.idle, time.After(farewell)
			if !u.stack.Do(u.stop) {
				left = false
			}
		case <-idle:
			idle = nil
		case <-end:
			left = false
		}
	}
	u.out.close()
	u.abandon()
	u.closing.Wait()
	close(u.events)
	return nil
}

// stop hangs up all calls and takes no more.
func (u *UA) stop() {
	u.stopping = true
	for _, s := range append([]*session(nil), u.calls...) {
		u.step(s, hangup{})
	}
	u.rest()
}

// rest notices that nothing is left to wait for.
func (u *UA) rest() {
	if u.stopping && len(u.calls) == 0 {
		select {
		case <-u.idle:
		default:
			close(u.idle)
		}
	}
}

// abandon forgets the calls that did not end in time.
func (u *UA) abandon() {
	over := make(chan struct{})
	work := func() {
		for _, s := range append([]*session(nil), u.calls...) {
			u.forget(s)
		}
		close(over)
	}
	if u.stack.Do(work) {
		<-over
	}
}

// Contact is the URI at which this telephone is reached at an address of this
// machine: what to bind in the location service.
func (u *UA) Contact(ip netip.Addr) string {
	return fmt.Sprintf("sip:%s@%v;transport=tls", u.cfg.User, netip.AddrPortFrom(ip, u.stack.Addr(stack.TLS).Port()))
}

// Events must be read until it is closed, which is when Run returns.
func (u *UA) Events() <-chan Event { return u.events }

// Dial calls a number ("102") or an address of this office ("sip:102@office").
// The caller chooses the call's id, which must be new.
func (u *UA) Dial(call, number string) {
	u.stack.Do(func() { u.dial(call, number) })
}

// Answer answers a call that was offered.
func (u *UA) Answer(call string) { u.command(call, answer{}) }

// Reject refuses a call that was offered, with a status of 400 or more; 486
// means busy.
func (u *UA) Reject(call string, status int) {
	if status < 400 || status > 699 {
		status = 480
	}
	u.command(call, reject{status: status})
}

// Hangup ends a call in whatever way its state demands: CANCEL, BYE, a refusal
// or nothing at all. Ended follows at once.
func (u *UA) Hangup(call string) { u.command(call, hangup{}) }

// Abort is Hangup for a reason that is not the owner's will; Ended names it.
func (u *UA) Abort(call, cause string) { u.command(call, hangup{cause: cause}) }

// Hold holds or retrieves a call that was answered. Held says when the far side
// has agreed, or that it did not.
func (u *UA) Hold(call string, on bool) { u.command(call, hold{on: on}) }

// Transfer has the far side call a number or an address of this office instead
// (RFC 5589, basic transfer). Referred says what became of it, and Ended follows
// if it succeeded.
func (u *UA) Transfer(call, to string) {
	u.stack.Do(func() {
		if s := u.call(call); s != nil {
			u.transfer(s, to)
		}
	})
}

// TransferTo joins the far sides of two calls, of which the first one takes the
// place of this telephone in the other (RFC 5589, attended transfer).
func (u *UA) TransferTo(call, other string) {
	u.stack.Do(func() {
		if s := u.call(call); s != nil {
			u.transferTo(s, u.call(other))
		}
	})
}

func (u *UA) command(call string, in input) {
	u.stack.Do(func() {
		if s := u.call(call); s != nil {
			u.step(s, in)
		}
	})
}

// call finds a call by its id.
func (u *UA) call(id string) *session {
	for _, s := range u.calls {
		if s.id == id {
			return s
		}
	}
	return nil
}

func (u *UA) emit(e Event) {
	u.log.Info("sip: "+fmt.Sprint(e), "call", e.call()) // never the value: it holds keys
	u.out.put(e)
}

// outbox holds the events that the owner has not read yet, so that the loop
// never waits for it.
type outbox struct {
	wake chan struct{}

	mu     sync.Mutex // guards the rest
	queue  []Event
	closed bool
}

func (o *outbox) put(e Event) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return
	}
	o.queue = append(o.queue, e)
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

func (o *outbox) first() (Event, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.queue) == 0 {
		return nil, false
	}
	return o.queue[0], true
}

func (o *outbox) pop() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.queue = o.queue[1:]
}

func (o *outbox) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	o.queue = nil
}
