package registrar

import (
	"net/netip"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"chordophone/sip/location"
	"chordophone/sip/stack"
	"chordophone/sip/wire"
)

const (
	minExpires    = 60 * time.Second
	maxExpires    = 3600 * time.Second
	maxBindings   = 10  // of one address
	maxContact    = 512 // octets of a Contact URI
	maxInstance   = 128
	maxCallID     = 255
	maxPath       = 4
	maxPathSize   = 1024
	maxMethods    = 255
	maxAgent      = 120 // octets
	flowTimer     = "120"
	retryAfter    = "5"
	supportedHere = "path, outbound"
)

// source is what the flow of a request says.
type source struct {
	transport     stack.Transport
	local, remote netip.AddrPort
	token         string
	office        func(netip.Addr) bool // of Config
}

// names reports whether an IP address stands for the office: ours, or that of any of
// its phones, since clients move from one to another.
func (s source) names(ip netip.Addr) bool {
	return ip == s.local.Addr() || s.office != nil && s.office(ip)
}

// request is a REGISTER that was understood.
type request struct {
	aor      string // sip:201@office
	callID   string
	cseq     uint32
	all      bool               // Contact: *
	contacts []location.Binding // Expires as granted, 0: to be removed
	outbound bool
	path     []string
}

// refusal is how to answer a request that fails.
type refusal struct {
	status int
	fields []string
}

func refuse(status int, fields ...string) *refusal { return &refusal{status, fields} }

// read understands a REGISTER of user, who has proved to be it.
func read(req *sip.Request, user, domain string, from source) (*request, *refusal) {
	// RFC 3261, section 10.3, step 2
	if bad := unsupported(req); bad != "" {
		return nil, refuse(420, "Unsupported", bad)
	}
	to, id, seq := req.To(), req.CallID(), req.CSeq()
	if to == nil || id == nil || seq == nil || len(*id) > maxCallID {
		return nil, refuse(400)
	}
	// Steps 4 and 5
	host := strings.ToLower(to.Address.Host)
	if ip, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil && from.names(ip.Unmap()) {
		host = domain // who has no name for us calls us by our address
	}
	at := to.Address
	at.Host = host
	aor := wire.AOR(at)
	switch {
	case aor == "" || host != domain:
		return nil, refuse(404)
	case aor != strings.ToLower(user)+"@"+domain:
		return nil, refuse(403)
	}
	r := &request{aor: "sip:" + aor, callID: string(*id), cseq: seq.SeqNo}
	bad := r.readPath(req)
	if bad == nil {
		bad = r.readContacts(req, from)
	}
	return r, bad
}

func unsupported(req *sip.Request) string {
	var bad []string
	for _, tag := range wire.Values(req, "Require") {
		if !strings.EqualFold(tag, "path") && !strings.EqualFold(tag, "outbound") {
			bad = append(bad, tag)
		}
	}
	return strings.Join(bad, ", ")
}

// readPath is RFC 3327, section 5.3. A client that cannot know that there is a Path
// does not get one behind its back.
func (r *request) readPath(req *sip.Request) *refusal {
	values := wire.Values(req, "Path")
	if len(values) > 0 && !wire.HasValue(req, "Supported", "path") && !wire.HasValue(req, "Require", "path") {
		return refuse(421, "Require", "path")
	}
	size := 0
	for _, v := range values {
		a, err := wire.ParseAddress(v)
		if err != nil || a.URI.Wildcard || a.URI.Scheme != "sip" && a.URI.Scheme != "sips" || control(v) {
			return refuse(400)
		}
		size += len(v)
	}
	if len(values) > maxPath || size > maxPathSize {
		return refuse(400)
	}
	r.path = values
	return nil
}

func (r *request) readContacts(req *sip.Request, from source) *refusal {
	values := wire.Values(req, "Contact")
	if len(values) > maxBindings {
		return refuse(400)
	}
	field := header(req, "Expires")
	named := wire.HasValue(req, "Supported", "outbound") || wire.HasValue(req, "Require", "outbound")
	first := len(wire.Values(req, "Via")) == 1
	seen := map[string]bool{}
	active, numbered := 0, false
	for _, v := range values {
		a, err := wire.ParseAddress(v)
		if err != nil {
			return refuse(400)
		}
		if a.URI.Wildcard {
			// RFC 3261, section 10.3, step 6: "If the request has additional Contact
			// fields or an expiration time other than zero, the request is invalid"
			if len(values) > 1 || field != "0" {
				return refuse(400)
			}
			r.all = true
			return nil
		}
		b, bad := binding(a, field)
		if bad != nil {
			return bad
		}
		if isHere(a.URI, from) {
			return refuse(403) // it would lead back here; a name would not, for no DNS is asked
		}
		if b.RegID != 0 && named && !first && !r.throughEdge() {
			return refuse(439) // RFC 5626, section 6
		}
		if !named || b.Instance == "" || from.transport == stack.UDP && first || !first && !r.throughEdge() {
			b.Instance, b.RegID = "", 0
		}
		if b.RegID == 0 {
			b.Instance = ""
		}
		if b.Expires > 0 {
			active++
			numbered = numbered || b.RegID != 0
		}
		b.Path, b.CallID, b.CSeq = r.path, r.callID, r.cseq
		b.Agent = agent(header(req, "User-Agent"))
		if len(r.path) == 0 && (b.RegID != 0 || bound(a.URI, from)) {
			b.Flow = from.token
		}
		key := key(b)
		if seen[key] {
			return refuse(400)
		}
		seen[key] = true
		r.contacts = append(r.contacts, b)
	}
	if numbered && active > 1 { // RFC 5626, section 6
		return refuse(400)
	}
	r.outbound = numbered
	return nil
}

// throughEdge: the client's flow ends at an edge proxy that keeps it.
func (r *request) throughEdge() bool {
	if len(r.path) == 0 {
		return false
	}
	a, err := wire.ParseAddress(r.path[0])
	return err == nil && a.URI.UriParams.Has("ob")
}
