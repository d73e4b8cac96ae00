package proxy

import (
	"net/netip"
	"strings"

	"chordophone/sip/location"
	"chordophone/sip/stack"
	"chordophone/sip/wire"

	"github.com/emiago/sipgo/sip"
)

// Target is one place that a request goes to: a branch.
type Target struct {
	AOR  string // whose place it is, "102@office"; empty: unknown
	URI  sip.Uri
	Hops []Hop // ways to it, tried in order
}

// Hop is a next hop.
type Hop struct {
	Flow   *stack.Flow // the flow to use, or nil:
	To     stack.Target
	Routes []string // to go with the request, topmost first
}

// Targets turns the bindings of an address of record, "102@office", into targets:
//
//	the telephone of this phone        over the loopback
//	another telephone of the office    over TLS, once more over a new connection
//	a client registered here           over its own flow, or to its contact
//	a client registered elsewhere      by the phone that serves it, then, if it can
//	                                   be reached from everywhere, to its contact
//
// A binding that cannot be understood, or whose client can be reached by no way
// that is known, is left out.
func (p *Proxy) Targets(aor string, bindings []location.Binding) []Target {
	targets := make([]Target, 0, len(bindings))
	for _, b := range bindings {
		uri, err := wire.ParseURI(b.Contact)
		if err != nil {
			p.log.Debug("proxy: contact is no URI", "aor", aor, "contact", b.Contact)
			continue
		}
		if hops := p.reach(uri, b); len(hops) > 0 {
			targets = append(targets, Target{AOR: aor, URI: requestURI(uri), Hops: hops})
		}
	}
	return targets
}

// requestURI takes off what must not stand in a Request-URI: RFC 3261, section
// 19.1.1, table 1.
func requestURI(uri sip.Uri) sip.Uri {
	uri.Headers = nil
	if has(uri, "method") {
		uri.UriParams = without(uri.UriParams, "method")
	}
	return uri
}

// reach is the ways to a binding's contact.
func (p *Proxy) reach(uri sip.Uri, b location.Binding) []Hop {
	if !b.Client() {
		return p.telephone(uri)
	}
	if b.Node == p.cfg.Self {
		return p.served(uri, b)
	}
	hops := []Hop{{To: stack.Target{Transport: stack.TLS, Addr: b.Server, Peer: b.Node}}}
	if b.Flow == "" {
		hops = append(hops, p.straight(uri, b.Path)...)
	}
	return hops
}

// telephone is the ways to a telephone of the office.
func (p *Proxy) telephone(uri sip.Uri) []Hop {
	at, _, ok := address(uri)
	switch {
	case !ok:
		return nil
	case p.cfg.Stack.Listens(stack.TLS, at):
		return []Hop{{Flow: p.cfg.Telephone}}
	}
	to := stack.Target{Transport: stack.TLS, Addr: at, Peer: strings.ToLower(uri.User) + "@" + p.cfg.Domain}
	again := to
	again.Fresh = true
	return []Hop{{To: to}, {To: again}}
}

// served is the way to a client that is registered here.
func (p *Proxy) served(uri sip.Uri, b location.Binding) []Hop {
	if b.Flow != "" {
		if f := p.cfg.Stack.FlowOf(b.Flow); f != nil && f.Alive() {
			return []Hop{{Flow: f, Routes: b.Path}}
		}
		return nil
	}
	return p.straight(uri, b.Path)
}

// straight is the way to a contact that can be reached from everywhere: by its
// Path (RFC 3327, section 5.4) or to the address that it names.
func (p *Proxy) straight(uri sip.Uri, path []string) []Hop {
	next := uri
	if len(path) > 0 {
		edge, err := wire.ParseAddress(path[0])
		if err != nil {
			return nil
		}
		next = edge.URI
	}
	at, transport, ok := address(next)
	if !ok {
		return nil
	}
	return []Hop{{To: stack.Target{Transport: transport, Addr: at}, Routes: path}}
}

// address is where a URI leads: no names, the office has no DNS to ask.
func address(uri sip.Uri) (netip.AddrPort, stack.Transport, bool) {
	transport, port := stack.UDP, uint16(5060)
	name, _ := wire.Param(uri.UriParams, "transport")
	switch {
	case uri.Scheme == "sips" || strings.EqualFold(name, "tls"):
		transport, port = stack.TLS, 5061
	case strings.EqualFold(name, "tcp"):
		transport = stack.TCP
	case name != "" && !strings.EqualFold(name, "udp"):
		return netip.AddrPort{}, 0, false
	}
	host, err := netip.ParseAddr(strings.Trim(uri.Host, "[]"))
	if err != nil {
		return netip.AddrPort{}, 0, false
	}
	if uri.Port != 0 {
		port = uint16(uri.Port)
	}
	return netip.AddrPortFrom(host.Unmap(), port), transport, uri.Port <= 65535
}
