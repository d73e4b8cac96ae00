package registrar

import (
	"cmp"
	"context"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"chordophone/sip/location"
	"chordophone/sip/stack"
)

// Loop is what is used of a stack.
type Loop interface {
	Go(work func(context.Context), done func()) bool
	After(d time.Duration, f func()) *stack.Timer
}

// Config is what a Registrar is made of.
type Config struct {
	Domain string                // the office, in lower case
	Node   string                // this phone, "103@office"
	Server func() netip.AddrPort // its SIP/TLS now, as other phones reach it
	Ring   location.Registrar
	// Office says whether an IP address is that of a phone of the office. It may be
	// nil: only this phone's.
	Office func(netip.Addr) bool
	Log    *slog.Logger // may be nil
}

// Registrar answers REGISTER. All its methods are for the stack's loop.
type Registrar struct {
	cfg          Config
	loop         Loop
	lanes        *lanes
	book         *book
	ticking      bool
	removing     int
	registered   []func(aor string)
	unregistered []func(aor string)
	count        Counters
}

// Counters are since New, but for Clients, which is now.
type Counters struct {
	Clients   int
	Granted   uint64 // 200 to a REGISTER with a contact
	Unwritten uint64 // ... for which nothing had to be stored
	Refused   uint64 // 3xx-6xx, whatever is wrong with the request
	Failed    uint64 // 503: the location service, or too much to do
}

// New makes a Registrar. Attach it before the first request.
func New(cfg Config) *Registrar {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Registrar{cfg: cfg, book: newBook()}
}

// Attach hands in the stack.
func (r *Registrar) Attach(loop Loop) {
	r.loop = loop
	r.lanes = newLanes(loop.Go)
}

// Registered has f called with an address, "201@office", whenever a client of it has
// registered here or refreshed.
func (r *Registrar) Registered(f func(aor string)) { r.registered = append(r.registered, f) }

// Unregistered has f called with an address when a binding of it that was served here
// has ended: removed, expired, or its connection lost for good.
func (r *Registrar) Unregistered(f func(aor string)) { r.unregistered = append(r.unregistered, f) }

// Client is one that is served here.
type Client struct {
	AOR     string           // "201@office"
	Binding location.Binding // Expires as granted
}

// Served finds the client that a Request-URI, as it stands in its binding, means,
// and whose it is: "201@office".
func (r *Registrar) Served(contact sip.Uri) (aor string, b location.Binding, ok bool) {
	c := r.book.served(place(contact))
	if c == nil {
		return "", location.Binding{}, false
	}
	p := c.public(time.Now())
	return p.AOR, p.Binding, true
}

// Clients are all that are served here, by address.
func (r *Registrar) Clients() []Client {
	now := time.Now()
	var all []Client
	for _, c := range r.book.list {
		if !c.gone {
			all = append(all, c.public(now))
		}
	}
	slices.SortStableFunc(all, func(a, b Client) int { return cmp.Compare(a.AOR, b.AOR) })
	return all
}

// Addresses are those of Clients, each once, in order.
func (r *Registrar) Addresses() []string {
	var all []string
	for _, c := range r.Clients() {
		all = append(all, c.AOR)
	}
	return slices.Compact(all)
}

func (c *client) public(now time.Time) Client {
	b := c.binding
	b.Expires = max(c.expires.Sub(now), 0)
	return Client{AOR: plain(c.aor), Binding: b}
}

func plain(aor string) string { return strings.TrimPrefix(aor, "sip:") }

// Counters are for status.
func (r *Registrar) Counters() Counters {
	n := r.count
	n.Clients = len(r.book.list)
	return n
}

// Lost says that a connection has ended.
func (r *Registrar) Lost(f *stack.Flow) {
	r.book.lost(time.Now(), f)
	r.tick()
}

// Register answers a REGISTER of user, who has proved to be it. The 200 goes out when
// two disks have what it says.
func (r *Registrar) Register(tx *stack.ServerTx, user string) {
	f := tx.Flow
	from := source{transport: f.Transport(), local: f.Local(), remote: f.Remote(), token: f.Token(), office: r.cfg.Office}
	r.serve(tx.Request, f, user, from, tx.Reply)
}

func (r *Registrar) serve(msg *sip.Request, f *stack.Flow, user string, from source, reply func(int, ...string)) {
	req, bad := read(msg, user, r.cfg.Domain, from)
	if bad != nil {
		r.count.Refused++
		reply(bad.status, bad.fields...)
		return
	}
	busy := func() {
		r.count.Failed++
		reply(503, "Retry-After", retryAfter)
	}
	if r.full(req) {
		busy()
		return
	}
	v := visit{Registrar: r, req: req, flow: f, reply: reply}
	if !r.lanes.add(req.aor, v.begin) {
		busy()
	}
	r.tick() // the stack may have had no goroutine left
}

// full says whether a request would bring more clients than are served.
func (r *Registrar) full(req *request) bool {
	n := len(r.book.list)
	for _, b := range req.contacts {
		if b.Expires > 0 && r.book.find(req.aor, key(b)) == nil {
			n++
		}
	}
	return n > max(maxClients, len(r.book.list))
}

func (r *Registrar) tell(whom []func(string), aor string) {
	for _, f := range whom {
		f(plain(aor))
	}
}
