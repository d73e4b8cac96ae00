package proxy

import (
	"log/slog"
	"net/netip"

	"chordophone/sip/location"
	"chordophone/sip/stack"

	"github.com/emiago/sipgo/sip"
)

const (
	maxBranches = 8
	maxHops     = 3
	maxTags     = 4 // early dialogs of one branch, made by forking further on

	defaultCalls = 4000
)

// Config is what a Proxy is made of. All fields without "may" must be set.
type Config struct {
	Stack  *stack.Stack
	Domain string // the office, "office"
	Self   string // this phone's own address of record, "101@office"

	// Telephone is the proxy's end of the loopback to the telephone of this very
	// phone.
	Telephone *stack.Flow
	Clients   Clients
	Phones    Phones

	// Allowed vouches for a request in a dialog that comes from a stranger's flow
	// which is not known to be of that dialog: it has credentials of From's user, or
	// its source is a binding of From's user.
	Allowed func(f *stack.Flow, req *sip.Request) bool
	// Challenge answers a request that Allowed did not vouch for. It may be nil: 403.
	Challenge func(tx *stack.ServerTx)

	// Reach says whether all of some IP addresses are where the party that a request in
	// a dialog is for is registered; it may take its time. It may be nil: they are.
	Reach func(req *sip.Request, at []netip.Addr, then func(bool))

	// Dialogs hears of the calls of clients connected to this phone. It may be nil.
	Dialogs func(aor string, d DialogState)

	Calls int          // at once, also those being set up; 0: 4000. Beyond, INVITE gets 503
	Log   *slog.Logger // may be nil
}

// Clients knows the clients that are registered at this phone.
type Clients interface {
	// Served finds the binding of a client by its contact, as a Request-URI
	// names it, and whose it is: "102@office".
	Served(contact sip.Uri) (aor string, b location.Binding, ok bool)
}

// Phones knows the phones of the office, those that are gone for the moment too.
type Phones interface {
	// Phone finds a phone by any of its SIP addresses.
	Phone(at netip.AddrPort) (Phone, bool)
	// Telephone reports whether an address of record is a phone's own.
	Telephone(aor string) bool
}

// Phone is a phone of the office.
type Phone struct {
	User string         // "102@office"
	TLS  netip.AddrPort // where it takes SIP/TLS
}

// Proxy forwards. Its methods are for the stack's loop.
type Proxy struct {
	cfg      Config
	log      *slog.Logger
	calls    map[string]*call // by Call-ID
	inviting int              // contexts of INVITE
	dialogs  int
	sweeping bool
}

// New makes a proxy.
func New(cfg Config) *Proxy {
	if cfg.Calls == 0 {
		cfg.Calls = defaultCalls
	}
	log := cfg.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Proxy{cfg: cfg, log: log, calls: map[string]*call{}}
}

// Forward sends a request out of dialog to all targets at once and answers it. Who
// sent it, and whether it may, has been checked. No targets: 480.
func (p *Proxy) Forward(tx *stack.ServerTx, targets []Target) {
	req := tx.Request
	r := p.preprocess(req)
	if !p.valid(tx, r) {
		return
	}
	for _, route := range r.routes { // we are one server: any phone's Route is ours
		if _, ok := p.phoneAt(route.URI); !ok {
			tx.Reply(sip.StatusNotFound) // no way out of the office
			return
		}
	}
	r.routes = nil
	reachable := make([]Target, 0, min(len(targets), maxBranches))
	for _, t := range targets {
		if len(t.Hops) > 0 && len(reachable) < maxBranches {
			t.Hops = t.Hops[:min(len(t.Hops), maxHops)]
			reachable = append(reachable, t)
		}
	}
	if len(reachable) == 0 {
		tx.Reply(sip.StatusTemporarilyUnavailable)
		return
	}
	p.start(tx, reachable, within{})
}

// Route forwards a request in a dialog by its Routes and its Request-URI, and one
// out of dialog that another phone or the telephone sends to a contact which is
// registered here. A stranger's request out of dialog gets 404.
func (p *Proxy) Route(tx *stack.ServerTx) {
	req := tx.Request
	r := p.preprocess(req)
	if !p.valid(tx, r) {
		return
	}
	var in within
	if tagOf(req.To()) != "" {
		var verdict admission
		in, verdict = p.admit(tx.Flow, req)
		switch verdict {
		case refused:
			tx.Reply(sip.StatusForbidden)
			return
		case unproven:
			if p.cfg.Challenge != nil {
				p.cfg.Challenge(tx)
			} else {
				tx.Reply(sip.StatusForbidden)
			}
			return
		}
	} else if isStranger(tx.Flow) {
		tx.Reply(sip.StatusNotFound)
		return
	}
	p.withinOffice(tx.Flow, req, in, r, func() { p.route(tx, r, in) }, func() { tx.Reply(sip.StatusNotFound) })
}

// route forwards what may go.
func (p *Proxy) route(tx *stack.ServerTx, r routing, in within) {
	req := tx.Request
	t := p.way(tx.Flow, r)
	switch {
	case tagOf(req.To()) == "" && t.AOR == "" && !p.leadsHome(t):
		tx.Reply(sip.StatusNotFound) // no way out of the office
		return
	case len(t.Hops) == 0:
		if in.dialog != nil && req.Method == sip.BYE {
			p.end(in.dialog) // there is nobody left to talk to
		}
		tx.Reply(sip.StatusTemporarilyUnavailable)
		return
	}
	p.start(tx, []Target{t}, in)
}

// leadsHome reports whether a target is the telephone of this phone.
func (p *Proxy) leadsHome(t Target) bool {
	return len(t.Hops) == 1 && t.Hops[0].Flow == p.cfg.Telephone
}
