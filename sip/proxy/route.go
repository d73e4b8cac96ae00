package proxy

import (
	"strings"

	"chordophone/sip/stack"
	"chordophone/sip/wire"

	"github.com/emiago/sipgo/sip"
)

// routing is what a request says of its way once it has reached us.
type routing struct {
	uri    sip.Uri
	routes []wire.Address // that are not ours
	token  string         // of the last of our Routes
	bad    bool           // a Route cannot be read
}

// preprocess is RFC 3261, section 16.4.
func (p *Proxy) preprocess(req *sip.Request) routing {
	r := routing{uri: req.Recipient}
	for _, h := range req.Headers() {
		if !is(h, "Route") {
			continue
		}
		a, err := wire.ParseAddress(h.Value())
		if err != nil {
			r.bad = true
			return r
		}
		r.routes = append(r.routes, a)
	}
	// "The proxy MUST inspect the Request-URI of the request. If the Request-URI of
	// the request contains a value this proxy previously placed into a Record-Route
	// header field, the proxy MUST replace the Request-URI in the request with the
	// last value from the Route header field, and remove that value": the element
	// before us is a strict router.
	if n := len(r.routes); n > 0 && has(r.uri, "lr") && p.own(r.uri) {
		first := wire.Address{URI: r.uri}
		r.uri = r.routes[n-1].URI
		r.routes = append([]wire.Address{first}, r.routes[:n-1]...)
	}
	if maddr, ok := wire.Param(r.uri.UriParams, "maddr"); ok {
		there := r.uri
		there.Host = maddr
		if p.own(there) { // "the proxy MUST strip the maddr and any non-default port or transport parameter"
			r.uri.Port = 0
			r.uri.UriParams = without(r.uri.UriParams, "maddr", "transport")
		}
	}
	for len(r.routes) > 0 && p.own(r.routes[0].URI) {
		r.token = r.routes[0].URI.User
		r.routes = r.routes[1:]
	}
	return r
}

// own reports whether a URI names this phone as a hop.
func (p *Proxy) own(uri sip.Uri) bool {
	if strings.EqualFold(uri.Host, p.cfg.Domain) {
		return true
	}
	at, transport, ok := address(uri)
	return ok && p.cfg.Stack.Listens(transport, at)
}

func (p *Proxy) phoneAt(uri sip.Uri) (Phone, bool) {
	at, _, ok := address(uri)
	if !ok {
		return Phone{}, false
	}
	return p.cfg.Phones.Phone(at)
}

// way is where a request goes by its Routes and its Request-URI: RFC 3261, section
// 16.6, steps 6 and 7. Routes that name phones of the office may be passed over
// when those are dead.
func (p *Proxy) way(from *stack.Flow, r routing) Target {
	t := Target{URI: r.uri}
	texts := make([]string, len(r.routes))
	for i, a := range r.routes {
		texts[i] = a.Text
	}
	if r.token != "" {
		// RFC 5626, section 5.3.1: a token that names the flow it came over says
		// where the request is from, not where it goes.
		if f := p.cfg.Stack.FlowOf(r.token); f != nil && f.Alive() && f != from {
			t.Hops = append(t.Hops, Hop{Flow: f, Routes: texts})
		}
	}
	for i := 0; i < len(r.routes); i++ {
		phone, ok := p.phoneAt(r.routes[i].URI)
		if !ok {
			at, transport, ok := address(r.routes[i].URI)
			if ok && len(t.Hops) < maxHops {
				t.Hops = append(t.Hops, Hop{To: stack.Target{Transport: transport, Addr: at}, Routes: texts[i:]})
			}
			return t // it must be passed: nothing is known of what lies behind
		}
		if len(t.Hops) < maxHops-1 { // the last is kept for the Request-URI
			t.Hops = append(t.Hops, Hop{To: stack.Target{Transport: stack.TLS, Addr: phone.TLS, Peer: phone.User}, Routes: texts[i:]})
		}
		for i+1 < len(r.routes) { // its double Record-Route
			if next, ok := p.phoneAt(r.routes[i+1].URI); !ok || next != phone {
				break
			}
			i++
		}
	}
	hops, aor := p.there(r.uri)
	for _, h := range hops {
		if len(t.Hops) < maxHops && !(len(t.Hops) > 0 && t.Hops[0].Flow != nil && t.Hops[0].Flow == h.Flow) {
			t.Hops = append(t.Hops, h)
		}
	}
	t.AOR = aor
	return t
}

// there is the ways to what a Request-URI names, and whose address that is, if it
// is a client's that is registered here.
func (p *Proxy) there(uri sip.Uri) ([]Hop, string) {
	if aor := wire.AOR(uri); aor != "" && aor == p.cfg.Self {
		return []Hop{{Flow: p.cfg.Telephone}}, ""
	}
	if aor, b, ok := p.cfg.Clients.Served(uri); ok {
		if contact, err := wire.ParseURI(b.Contact); err == nil {
			return p.served(contact, b), aor
		}
	}
	if strings.EqualFold(uri.Host, p.cfg.Domain) {
		return nil, ""
	}
	at, transport, ok := address(uri)
	if !ok {
		return nil, ""
	}
	if p.cfg.Stack.Listens(transport, at) {
		return []Hop{{Flow: p.cfg.Telephone}}, ""
	}
	if phone, ok := p.cfg.Phones.Phone(at); ok {
		return []Hop{{To: stack.Target{Transport: stack.TLS, Addr: phone.TLS, Peer: phone.User}}}, ""
	}
	return []Hop{{To: stack.Target{Transport: transport, Addr: at}}}, ""
}

// recordRoutes is what to put on top of a request's Record-Routes, topmost first:
// section 16.6, step 4, and RFC 5658. near is where the request came from, far
// where it goes to, the contacts what they call themselves.
func recordRoutes(near, far *stack.Flow, nearContact, farContact sip.Uri, secure bool) []string {
	a, b := recordRoute(near, nearContact, secure), recordRoute(far, farContact, secure)
	switch {
	case a == "" || b == a:
		return []string{b}
	case b == "":
		return []string{a}
	}
	return []string{b, a}
}

// recordRoute is how the far side of a flow reaches us, empty if it has no need of
// that: the telephone sends all it has over the loopback.
func recordRoute(f *stack.Flow, contact sip.Uri, secure bool) string {
	transport := f.Transport()
	if transport == stack.Loopback {
		return ""
	}
	var b strings.Builder
	b.Grow(96)
	if secure {
		b.WriteString("<sips:")
	} else {
		b.WriteString("<sip:")
	}
	if isStranger(f) && needsToken(f, contact) {
		b.WriteString(f.Token())
		b.WriteByte('@')
	}
	b.WriteString(f.Own().String())
	switch {
	case transport == stack.TCP, transport == stack.TLS && secure:
		b.WriteString(";transport=tcp")
	case transport == stack.TLS:
		b.WriteString(";transport=tls")
	}
	b.WriteString(";lr>")
	return b.String()
}

// needsToken reports whether the address in a contact does not lead over a flow.
func needsToken(f *stack.Flow, contact sip.Uri) bool {
	if f.Transport() != stack.UDP {
		return true
	}
	at, transport, ok := address(contact)
	return !ok || transport != stack.UDP || at != f.Remote()
}

// isStranger reports whether a flow is of neither a phone nor our own telephone:
// there is a client at its other end, or nobody we know.
func isStranger(f *stack.Flow) bool {
	return f.Peer() == "" && f.Transport() != stack.Loopback
}

func has(uri sip.Uri, param string) bool {
	_, ok := wire.Param(uri.UriParams, param)
	return ok
}

func without(params sip.HeaderParams, names ...string) sip.HeaderParams {
	kept := make(sip.HeaderParams, 0, len(params))
next:
	for _, kv := range params {
		for _, n := range names {
			if strings.EqualFold(kv.K, n) {
				continue next
			}
		}
		kept = append(kept, kv)
	}
	return kept
}
