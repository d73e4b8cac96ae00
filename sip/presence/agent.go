package presence

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"strings"
	"time"

	"chordophone/sip/location"
	"chordophone/sip/presence/document"
	"chordophone/sip/stack"
	"chordophone/sip/wire"

	"github.com/emiago/sipgo/sip"
)

// Bounds on what is kept.
const (
	maxOfUser    = 256  // addresses that one client watches, each entry of its lists counted
	maxWatched   = 4096 // ... all clients
	maxOfPhone   = 1024 // addresses that one other phone watches here
	maxOfPhones  = 8192 // ... all phones
	minExpires   = 60 * time.Second
	maxExpires   = 3600 * time.Second
	lookupTime   = 5 * time.Second
	maxLooking   = 32 // look-ups at once
	maxFetching  = 4  // ... of lists of one owner
	allowEvents  = "presence, dialog, message-summary"
	retrySeconds = "30" // of a 503
)

// DialogState is the state of one call as its user sees it; State is one of RFC
// 4235's: trying, proceeding, early, confirmed, terminated.
type DialogState = document.Dialog

// Config is what an Agent is made of. Addresses of record are written "102@office",
// as wire.AOR does, but to Locate, which has them as "sip:102@office". All fields
// without "may" must be set.
type Config struct {
	Stack     *stack.Stack
	Domain    string // the office's name
	Self      string // the number of this telephone: "101@office"
	Locate    location.Service
	Lists     Lists
	Policy    Policy
	Mailboxes Mailboxes
	Rand      *rand.Rand
	Log       *slog.Logger // may be nil
}

// Lists keeps what people keep as contacts. It may take its time.
type Lists interface {
	List(ctx context.Context, owner string) ([]Contact, error)
}

// Contact is an entry of a list.
type Contact struct{ Name, AOR string }

// Policy says who may know what goes on at an address. It is asked before each
// notification and must answer at once. Of watchers at other phones it is told the
// phone. Everybody may watch himself, whatever it says.
type Policy interface {
	May(watcher, target string) bool
}

// Mailboxes counts the messages that wait for an address, at once.
type Mailboxes interface {
	Waiting(aor string) (fresh, old int)
}

// Agent is the presence agent of RFC 3856, and all else that is in this package.
// Its methods are for the stack's loop.
type Agent struct {
	cfg   Config
	stack *stack.Stack
	log   *slog.Logger

	watchers map[string]*watcher  // by our tag
	topics   map[topic][]*watcher // those to be told
	costs    map[string]int       // of clients' subscriptions, by user
	cost     int
	serial   uint64
	phones   map[string]int // subscriptions of other phones
	backend  int

	here         map[string]*here // what goes on at this phone, by address
	publications publications
	changes      uint32 // of bindings

	addresses map[string]*watched
	nodes     map[string]*node
	remotes   map[string]*remote // our subscriptions at other phones, by our tag
	queue     []*watched         // waiting for their look-up
	looking   int
	fetching  map[string]int // look-ups of lists under way, by owner
	stopped   bool

	stats Stats
}

// Stats is for people.
type Stats struct {
	Subscriptions int // of clients
	Backend       int // of other phones
	Addresses     int // watched
	Published     int
	Notified      uint64 // NOTIFYs sent
	Refused       uint64 // SUBSCRIBE and PUBLISH requests refused
	Malformed     uint64 // documents
}

// New makes an agent. Requests may come once the stack runs.
func New(cfg Config) *Agent {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	cfg.Self, cfg.Domain = strings.ToLower(cfg.Self), strings.ToLower(cfg.Domain)
	return &Agent{
		cfg: cfg, stack: cfg.Stack, log: cfg.Log,
		watchers: map[string]*watcher{}, topics: map[topic][]*watcher{}, costs: map[string]int{}, phones: map[string]int{},
		here: map[string]*here{}, publications: publications{of: map[string][]publication{}},
		addresses: map[string]*watched{}, nodes: map[string]*node{}, remotes: map[string]*remote{}, fetching: map[string]int{},
	}
}

// Stats counts.
func (a *Agent) Stats() Stats {
	s := a.stats
	s.Subscriptions, s.Backend = len(a.watchers)-a.backend, a.backend
	s.Addresses, s.Published = len(a.addresses), a.publications.count
	return s
}

// Request takes SUBSCRIBE, PUBLISH and NOTIFY, in and out of dialogs. user is who
// was proven to speak: a client, or the phone whose flow it is; nobody gets 403.
func (a *Agent) Request(tx *stack.ServerTx, user string) {
	user = strings.ToLower(user)
	switch method := tx.Request.Method; {
	case user == "":
		a.refuse(tx, 403)
	case a.stopped:
		a.refuse(tx, 503, "Retry-After", retrySeconds)
	case method == sip.NOTIFY:
		a.notified(tx)
	case method == sip.SUBSCRIBE && wire.Tag(tx.Request.To().Params) != "":
		a.resubscribe(tx, user)
	case method == sip.SUBSCRIBE:
		a.subscribe(tx, user)
	case method == sip.PUBLISH:
		a.publish(tx, user)
	default:
		a.refuse(tx, 405, "Allow", "SUBSCRIBE, NOTIFY, PUBLISH")
	}
}

func (a *Agent) refuse(tx *stack.ServerTx, status int, fields ...string) {
	a.stats.Refused++
	tx.Reply(status, fields...)
}

// Lost says that a flow has ended.
func (a *Agent) Lost(f *stack.Flow) {
	if f.Peer() == "" {
		return // its clients are looked for at their contacts when there is news for them
	}
	for _, w := range a.all() {
		if w.event == stateEvent && w.flow == f {
			a.forget(w)
		}
	}
	if n := a.nodes[f.Peer()]; n != nil && n.flow == f {
		n.flow = nil
		a.obey(n, n.link.lost(time.Now()))
	}
}

// Gone says that the ring misses a phone, "102@office"; Back that it has it again.
// Both only hasten what would be found out anyway.
func (a *Agent) Gone(phone string) {
	if n := a.nodes[strings.ToLower(phone)]; n != nil {
		a.obey(n, n.link.gone(time.Now()))
	}
}

func (a *Agent) Back(phone string) {
	if n := a.nodes[strings.ToLower(phone)]; n != nil {
		a.obey(n, n.link.back(time.Now()))
	}
}

// Stop ends all subscriptions such that clients subscribe elsewhere at once. The
// stack must run a little longer.
func (a *Agent) Stop() {
	a.stopped = true
	for _, w := range a.all() {
		a.step(w, end{"deactivated"})
	}
	for _, w := range a.sorted() {
		a.drop(w)
	}
}

// unsupported refuses a request that requires what is not known here.
func (a *Agent) unsupported(tx *stack.ServerTx, known ...string) bool {
	var bad []string
next:
	for _, tag := range wire.Values(tx.Request, "Require") {
		for _, k := range known {
			if strings.EqualFold(tag, k) {
				continue next
			}
		}
		bad = append(bad, tag)
	}
	if bad != nil {
		a.refuse(tx, 420, "Unsupported", strings.Join(bad, ", "))
	}
	return bad != nil
}

// target is the address of record that a Request-URI means: whatever its host, it
// was sent to this office.
func (a *Agent) target(uri sip.Uri) string {
	u := *uri.Clone()
	u.Host, u.Port = a.cfg.Domain, 0
	return wire.AOR(u)
}

// may is the policy, but for oneself.
func (a *Agent) may(watcher, target string) bool {
	return watcher == target || a.cfg.Policy.May(watcher, target)
}
