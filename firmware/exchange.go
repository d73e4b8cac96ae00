package firmware

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"chordophone/firmware/phone"
	"chordophone/firmware/usage"
	"chordophone/hal"
	"chordophone/sip/auth"
	"chordophone/sip/digest"
	"chordophone/sip/media"
	"chordophone/sip/message"
	"chordophone/sip/presence"
	"chordophone/sip/proxy"
	"chordophone/sip/registrar"
	"chordophone/sip/server"
	"chordophone/sip/stack"
	"chordophone/sip/ua"
)

// exchange is all of this phone that speaks SIP, put together: the telephone's own
// calls, and what it does for the clients that people already own.
type exchange struct {
	stack     *stack.Stack
	calls     *ua.UA
	registrar *registrar.Registrar
	proxy     *proxy.Proxy
	presence  *presence.Agent
	messages  *message.Service
	directory *directory

	self     string // "101@office"
	mailbox  *usage.Mailbox
	contacts *usage.Contacts
	tell     *outbox
	log      *slog.Logger

	served atomic.Pointer[[]string] // addresses of the clients registered here

	// Owned by the stack's loop.
	waiting map[string]int // messages, by address
	lamps   []lamp
}

// lamp is one contact's lamp.
type lamp struct {
	at   int
	stop func()
}

// newMedia makes the sound of a call, with a client or between our telephones.
func (a *appliance) newMedia(local netip.Addr, client bool) (ua.Media, error) {
	// Between our telephones everything is sent twice from the first packet on: a LAN has
	// room for it, and a loss is not heard even once.
	secure, twice := media.Required, media.Always
	if client {
		secure, twice = media.Optional, media.OnLoss
	}
	return media.New(media.Config{
		Local: local, Secure: secure, Redundancy: twice, Log: a.log,
		Ptime: time.Duration(a.cfg.PacketTime) * time.Millisecond,
	})
}

// makeExchange makes the SIP side.
func (a *appliance) makeExchange() error {
	user := strconv.Itoa(a.member.Extension())
	office := a.member.Office()
	self := a.member.User()
	x := &exchange{
		self: self, mailbox: a.mailbox, contacts: a.contacts, directory: a.directory,
		tell: newOutbox(a.events.tell), log: a.log, waiting: make(map[string]int),
	}
	x.served.Store(new([]string))
	trusted := func(ip netip.Addr) bool {
		return slices.ContainsFunc(a.cfg.Trust, func(p netip.Prefix) bool { return p.Contains(ip) })
	}
	sips := func() netip.AddrPort { return netip.AddrPortFrom(a.self.Addr.Addr(), sipsPort) }

	handler := new(server.Server)
	var err error
	x.stack, err = stack.New(stack.Config{
		Listen: a.cfg.Listen, Also: a.cfg.Floating.Addr(), UDPPort: sipPort, TLSPort: sipsPort,
		Handler:   handler,
		ServerTLS: a.member.SIPServerTLS(), ClientTLS: a.member.SIPClientTLS(), PeerUser: a.member.PeerOf,
		Trusted: trusted,
		Log:     a.log,
	})
	if err != nil {
		return err
	}
	// Each loopback has an end that asks and one where the server hears it.
	phoneEnd, phoneServer := x.stack.Loopback(self)
	postEnd, postServer := x.stack.Loopback(self)

	x.calls, err = ua.New(ua.Config{
		User: user, Domain: office, Name: a.cfg.Name,
		Stack: x.stack, Server: phoneEnd, Local: a.self.Addr.Addr(),
		Locate:    a.clients,
		Telephone: a.members.Telephone,
		NewMedia:  a.newMedia,
		Dialogs:   func(all []ua.DialogState) { x.presence.Dialogs(self, telephoneDialogs(all)) },
		Log:       a.log,
	})
	if err != nil {
		return err
	}
	x.registrar = registrar.New(registrar.Config{
		Domain: office, Node: self, Server: sips, Ring: a.clients, Office: a.ours, Log: a.log,
	})
	x.registrar.Attach(x.stack)
	x.proxy = proxy.New(proxy.Config{
		Stack: x.stack, Domain: office, Self: self, Telephone: phoneServer,
		Clients: x.registrar, Phones: a.directory,
		Allowed: handler.Allowed, Challenge: handler.Challenge, Reach: handler.Reach,
		Dialogs: func(aor string, d proxy.DialogState) { x.presence.Dialog(aor, clientDialog(d)) },
		Log:     a.log,
	})
	x.presence = presence.New(presence.Config{
		Stack: x.stack, Domain: office, Self: self, Locate: a.clients,
		Lists: contactLists{a.contacts}, Policy: everybody{}, Mailboxes: x,
		Rand: rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())), Log: a.log,
	})
	x.messages = message.New(message.Config{
		Stack: x.stack, Proxy: postEnd, Locate: a.clients, Box: a.mailbox,
		Served: func() []string { return *x.served.Load() }, Delivers: a.clients.Delivers, Telephone: a.members.Telephone, Log: a.log,
	})
	handler.Use(server.Config{
		Stack: x.stack, Domain: office, Phone: phoneEnd, Post: postServer,
		Telephone: x.calls, Proxy: x.proxy, Registrar: x.registrar, Presence: x.presence, Messages: x.messages,
		Gate: auth.New(auth.Config{Realm: office, Log: a.log, Secret: func(user string) (digest.Secret, bool) {
			s, ok := a.accounts.Lookup(user)
			return digest.Secret{SHA256: s.SHA256, MD5: s.MD5}, ok
		}}),
		Locate: a.clients,
		Number: a.directory.Telephone, Office: a.ours, Trusted: trusted,
		Log: a.log,
	})
	x.watchRegistrations()
	a.exchange, a.calls = x, x.calls
	return nil
}

// watchRegistrations passes on who comes and goes. A client that registers again
// changes nothing, and most do nothing else.
func (x *exchange) watchRegistrations() {
	x.registrar.Registered(func(aor string) {
		served := *x.served.Load()
		i, known := slices.BinarySearch(served, aor)
		if !known {
			served = slices.Insert(slices.Clone(served), i, aor)
			x.served.Store(&served)
			x.presence.Registered(aor)
		}
		if !known || x.waiting[aor] > 0 {
			x.messages.Registered(aor)
		}
	})
	x.registrar.Unregistered(func(aor string) {
		served := x.registrar.Addresses()
		x.served.Store(&served)
		x.presence.Registered(aor)
	})
}

// run serves until ctx is cancelled.
func (x *exchange) run(ctx context.Context) error {
	x.mailbox.Watch(func() []string { return append([]string{x.self}, *x.served.Load()...) }, func(aor string, n int) {
		x.stack.Do(func() { x.count(aor, n) })
	})
	if err := x.contacts.Watch(x.self, x.light); err != nil {
		return err
	}
	x.directory.watch(func(user string, here bool) {
		x.stack.Do(func() {
			if here {
				x.presence.Back(user)
			} else {
				x.presence.Gone(user)
			}
		})
	})
	x.stack.Do(x.messages.Start)
	telling := make(chan struct{})
	go func() { defer close(telling); x.tell.run(ctx) }()
	below, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	context.AfterFunc(ctx, func() {
		x.stack.Do(x.presence.Stop) // its watchers hear of it
		stop()
	})
	err := x.stack.Run(below)
	<-telling
	return err
}

// count notes how many messages wait for an address that is served here, and has
// them delivered or, for the telephone itself, its lamp lit.
func (x *exchange) count(aor string, n int) {
	more := n > x.waiting[aor]
	x.waiting[aor] = n
	if n == 0 {
		delete(x.waiting, aor)
	}
	x.presence.WaitingChanged(aor)
	switch {
	case aor == x.self:
		x.tell.post(phone.Messages{Waiting: n})
	case more:
		x.messages.Registered(aor)
	}
}

// Waiting is presence.Mailboxes'.
func (x *exchange) Waiting(aor string) (fresh, old int) { return x.waiting[aor], 0 }

// light gives each contact of this telephone its lamp.
func (x *exchange) light(ctx context.Context) error {
	list, err := x.contacts.List(ctx, x.self)
	if err != nil {
		return err
	}
	x.stack.Do(func() {
		for _, l := range x.lamps {
			l.stop()
			x.tell.post(phone.Contact{Lamp: l.at, Signal: hal.Off})
			x.tell.post(phone.Directory{Lamp: l.at})
		}
		x.lamps = nil
		for _, c := range list {
			if c.Lamp == 0 {
				continue
			}
			at := hal.LampContact + int(c.Lamp) - 1
			number, _, _ := strings.Cut(c.AOR, "@")
			x.tell.post(phone.Directory{Lamp: at, Number: number, Name: c.Name})
			x.lamps = append(x.lamps, lamp{at, x.presence.Watch(c.AOR, func(s presence.State) {
				x.tell.post(phone.Contact{Lamp: at, Signal: signalOf(s)})
			})})
		}
	})
	return nil
}

// prepare is what must be so before this phone says that it is ready: the ring lists
// it, it knows the office's accounts, and those that the command line asks for are made.
func (a *appliance) prepare(ctx context.Context) error {
	if err := a.members.Keep(ctx); err != nil {
		return err
	}
	for len(a.cfg.Accounts) > 0 {
		one := a.cfg.Accounts[0]
		_, _, err := a.accounts.Add(ctx, one.User, one.Password.Reveal(), "")
		if h, wrong := err.(interface{ Hint() string }); wrong && !errors.Is(err, usage.ErrAccountExists) {
			a.log.Error("account not made", "user", one.User, "err", err, "hint", h.Hint())
		} else if err != nil && !errors.Is(err, usage.ErrAccountExists) {
			return err
		}
		a.cfg.Accounts = a.cfg.Accounts[1:]
	}
	_, err := a.accounts.List(ctx)
	return err
}
