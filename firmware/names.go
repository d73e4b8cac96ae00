package firmware

import (
	"cmp"
	"errors"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"chordophone/firmware/floating"
	"chordophone/sip/dns"
)

// This file is how clients that know no phone find one: by the office's name, and
// by the address that one of the phones always has.

// makeNames makes the DNS server. A phone without it is still a phone.
func (a *appliance) makeNames() {
	if a.cfg.DNS == 0 {
		return
	}
	at := netip.AddrPortFrom(a.self.Addr.Addr(), a.cfg.DNS)
	var err error
	a.names, err = dns.New(dns.Config{
		Office: a.member.Office(), Listen: at, SIPPort: sipPort, TLSPort: sipsPort,
		Phones: a.phonesByName, Log: a.log,
	})
	if err == nil {
		return
	}
	hint := "choose another --dns-port, or 0 for none"
	switch {
	case errors.Is(err, syscall.EACCES):
		hint = "give it CAP_NET_BIND_SERVICE, run it as root, or " + hint
	case errors.Is(err, syscall.EADDRINUSE):
		hint = "another DNS server is there: " + hint
	}
	a.log.Info("no DNS for SIP clients", "err", err, "hint", hint)
}

// phonesByName are the phones in sight, this one first.
func (a *appliance) phonesByName() []dns.Phone {
	own := strconv.Itoa(a.member.Extension())
	all := []dns.Phone{{User: own, Addr: a.self.Addr.Addr()}}
	for user, at := range a.directory.phones() {
		if user, _, _ = strings.Cut(user, "@"); user != own {
			all = append(all, dns.Phone{User: user, Addr: at})
		}
	}
	slices.SortFunc(all[1:], func(x, y dns.Phone) int { return cmp.Compare(x.User, y.User) })
	return all
}

// makeFloating makes what has the floating address when the ring says so. A phone
// that may not have it is still a phone.
func (a *appliance) makeFloating() {
	if !a.cfg.Floating.IsValid() {
		return
	}
	place, err := floating.Open(a.cfg.Floating, a.self.Addr.Addr())
	if err != nil {
		hint := "leave --floating out if this phone need not have it"
		if h, ok := errors.AsType[interface {
			error
			Hint() string
		}](err); ok {
			hint = h.Hint()
		}
		a.log.Warn("this phone will not have the floating address", "address", a.cfg.Floating.Addr(), "err", err, "hint", hint)
		return
	}
	a.floating = floating.New(floating.Config{
		Address: a.cfg.Floating.Addr().Unmap(),
		Place:   place,
		Views:   a.node.Watch(),
		Hold:    a.exchange.stack.Hold,
		Log:     a.log,
	})
}

// ours reports whether a URI's host is one of the office's phones, or the address
// that any of them may have.
func (a *appliance) ours(at netip.Addr) bool {
	return at == a.cfg.Floating.Addr().Unmap() || a.directory.has(at)
}
