package config

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"chordophone/overlay"
	"chordophone/overlay/reload"
)

// Bounds on lists in a document.
const (
	maxRoots     = 8
	maxBootstrap = 64
	maxIDs       = 1024 // of signers and of bad nodes
	maxKinds     = 64
)

// Parse reads the configuration of an office out of a document. It verifies
// nothing: see Verify. The error is ErrMalformed, ErrUnsupported or ErrOffice.
func Parse(octets []byte, office string) (*Document, error) {
	top, err := read(octets, "")
	if err != nil {
		return nil, err
	}
	if top.name != (xml.Name{Space: base, Local: "overlay"}) {
		return nil, fmt.Errorf("%w: %s in place of overlay", ErrMalformed, top.name.Local)
	}
	for i, e := range top.children {
		if name, _ := e.attr("instance-name"); e.name != (xml.Name{Space: base, Local: "configuration"}) || name != office {
			continue
		}
		if i+1 == len(top.children) || top.children[i+1].name != (xml.Name{Space: base, Local: "signature"}) {
			return nil, fmt.Errorf("%w: configuration without signature", ErrMalformed)
		}
		d := &Document{signed: bytes.Clone(octets[e.start:e.end])}
		if d.security, err = security(top.children[i+1]); err != nil {
			return nil, err
		}
		p := parser{octets: octets, seen: make(map[xml.Name]bool)}
		p.configuration(e, d)
		if p.err == nil {
			p.err = d.check()
		}
		return d, p.err
	}
	return nil, fmt.Errorf("%w: no configuration of %q", ErrOffice, office)
}

// configuration reads a configuration element. Defaults are those of RFC 6940,
// section 11.1; no-ice has to be said, since its default is false.
func (p *parser) configuration(e *element, d *Document) {
	d.Office, _ = e.attr("instance-name")
	sequence, _ := e.attr("sequence")
	d.Sequence = uint16(p.uint(sequence, reload.NoConfig-1))
	if s, ok := e.attr("expiration"); ok {
		var err error
		if d.Expiration, err = time.Parse(time.RFC3339, s); err != nil {
			p.fail(ErrMalformed, "expiration %q", s)
		}
		d.Expiration = d.Expiration.UTC()
	}
	d.MaxMessage, d.InitialTTL, d.Reactive = 5000, 100, true
	d.Reliability, d.UpdateInterval, d.PingInterval = 3*time.Second, 600*time.Second, 3600*time.Second
	noICE, protocols, tls := false, 0, false
	for _, c := range e.children {
		text := strings.TrimSpace(string(c.text))
		switch c.name.Space {
		case base, chord:
		case "":
			p.fail(ErrMalformed, "element %s without namespace", c.name.Local)
			continue
		default:
			continue // foreign-elements
		}
		if c.name.Space == chord {
			p.once(c)
			switch c.name.Local {
			case "chord-update-interval":
				d.UpdateInterval = time.Duration(p.uint(text, 1<<31-1)) * time.Second
			case "chord-ping-interval":
				d.PingInterval = time.Duration(p.uint(text, 1<<31-1)) * time.Second
			case "chord-reactive":
				d.Reactive = p.bool(text)
			default:
				p.fail(ErrMalformed, "element chord:%s", c.name.Local)
			}
			continue
		}
		switch c.name.Local {
		case "root-cert":
			d.RootCerts = bounded(p, d.RootCerts, maxRoots, p.base64(text))
		case "bootstrap-node":
			d.Bootstrap = bounded(p, d.Bootstrap, maxBootstrap, p.bootstrap(c))
		case "configuration-signer":
			d.ConfigSigners = bounded(p, d.ConfigSigners, maxIDs, p.id(text))
		case "kind-signer":
			d.KindSigners = bounded(p, d.KindSigners, maxIDs, p.id(text))
		case "bad-node":
			d.BadNodes = bounded(p, d.BadNodes, maxIDs, p.id(text))
		case "overlay-link-protocol":
			protocols++
			tls = tls || text == "TLS"
		case "enrollment-server": // there is none; phones are enrolled otherwise
		case "mandatory-extension":
			p.fail(ErrUnsupported, "extension %s", text)
		default:
			p.once(c)
			switch c.name.Local {
			case "topology-plugin":
				if text != "CHORD-RELOAD" {
					p.fail(ErrUnsupported, "topology plug-in %s", text)
				}
			case "node-id-length":
				if n := p.uint(text, 255); n != uint64(len(overlay.ID{})) {
					p.fail(ErrUnsupported, "Node-IDs of %d octets", n)
				}
			case "max-message-size":
				d.MaxMessage = int(p.uint(text, 1<<31-1))
			case "initial-ttl":
				d.InitialTTL = int(p.uint(text, reload.MaxTTL))
			case "overlay-reliability-timer":
				d.Reliability = time.Duration(p.uint(text, 1<<31-1)) * time.Millisecond
			case "no-ice":
				noICE = p.bool(text)
			case "clients-permitted": // of no consequence here
				p.bool(text)
			case "turn-density":
				p.uint(text, 255)
			case "self-signed-permitted":
				if p.bool(text) {
					p.fail(ErrUnsupported, "self-signed certificates")
				}
			case "shared-secret":
				p.fail(ErrUnsupported, "shared secret")
			case "required-kinds":
				for _, b := range c.children {
					d.Kinds = bounded(p, d.Kinds, maxKinds, p.kindBlock(b))
				}
			default:
				p.fail(ErrMalformed, "element %s", c.name.Local)
			}
		}
	}
	switch {
	case !noICE:
		p.fail(ErrUnsupported, "ICE")
	case protocols > 0 && !tls:
		p.fail(ErrUnsupported, "no link protocol TLS")
	}
}

// kindBlock reads a kind-block.
func (p *parser) kindBlock(b *element) (k Kind) {
	if b.name != (xml.Name{Space: base, Local: "kind-block"}) || len(b.children) != 2 {
		p.fail(ErrMalformed, "kind-block")
		return k
	}
	e, signature := b.children[0], b.children[1]
	if e.name.Local == "kind-signature" {
		e, signature = signature, e
	}
	if e.name != (xml.Name{Space: base, Local: "kind"}) || signature.name != (xml.Name{Space: base, Local: "kind-signature"}) {
		p.fail(ErrMalformed, "kind-block")
		return k
	}
	k.signed = bytes.Clone(p.octets[e.start:e.end])
	var err error
	if k.security, err = security(signature); err != nil {
		p.fail(ErrMalformed, "kind-signature: %v", err)
	}
	name, named := e.attr("name")
	id, numbered := e.attr("id")
	switch {
	case named == numbered:
		p.fail(ErrMalformed, "kind has a name or an id")
	case named:
		k.ID = 0
		for _, n := range names {
			if n.name == name {
				k.ID = n.id
			}
		}
		if k.ID == 0 {
			p.fail(ErrUnsupported, "kind %s", name)
		}
	default:
		k.ID = reload.Kind(p.uint(id, 1<<32-1))
	}
	seen := make(map[string]bool)
	for _, c := range e.children {
		text := strings.TrimSpace(string(c.text))
		if c.name.Space != base {
			continue // foreign-elements
		}
		if seen[c.name.Local] {
			p.fail(ErrMalformed, "%s twice", c.name.Local)
		}
		seen[c.name.Local] = true
		switch c.name.Local {
		case "data-model":
			for m, name := range models {
				if m > 0 && name == text {
					k.Model = reload.Model(m)
				}
			}
		case "access-control":
			k.Access = text
		case "max-count":
			k.MaxCount = int(p.uint(text, 1<<31-1))
		case "max-size":
			k.MaxSize = int(p.uint(text, 1<<31-1))
		case "max-node-multiple":
			k.MaxNodeMultiple = int(p.uint(text, 1<<31-1))
		default:
			p.fail(ErrMalformed, "element %s", c.name.Local)
		}
	}
	if k.Model == 0 || k.Access == "" || !seen["max-count"] || !seen["max-size"] || (k.Access == NodeMultiple) != (k.MaxNodeMultiple > 0) {
		p.fail(ErrMalformed, "kind %#x is not described wholly", uint32(k.ID))
	}
	return k
}

func (p *parser) bootstrap(e *element) netip.AddrPort {
	address, _ := e.attr("address")
	a, err := netip.ParseAddr(address)
	if err != nil || a.Zone() != "" {
		p.fail(ErrMalformed, "bootstrap-node %q", address)
	}
	port := uint64(overlay.Port)
	if s, ok := e.attr("port"); ok {
		port = p.uint(s, 65535)
	}
	return netip.AddrPortFrom(a, uint16(port))
}

// security reads a SecurityBlock.
func security(e *element) (*reload.Security, error) {
	var p parser
	octets := p.base64(string(e.text))
	if p.err != nil {
		return nil, p.err
	}
	sec, err := reload.ParseSecurity(octets)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return &sec, nil
}

// check says whether the values are possible.
func (d *Document) check() error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%w: "+format, append([]any{ErrMalformed}, args...)...)
	}
	switch {
	case d.Office == "":
		return bad("no instance-name")
	case d.Sequence == reload.NoConfig:
		return bad("sequence %d", d.Sequence)
	case len(d.RootCerts) == 0:
		return bad("no root-cert")
	case len(d.ConfigSigners) == 0:
		return bad("no configuration-signer")
	case d.Reliability < 200*time.Millisecond: // "The value MUST be at least 200 milliseconds"
		return bad("overlay-reliability-timer %v", d.Reliability)
	case d.MaxMessage > reload.MaxMessage || d.MaxMessage < 5000:
		return fmt.Errorf("%w: messages of %d octets", ErrUnsupported, d.MaxMessage)
	case d.InitialTTL < 1 || d.UpdateInterval <= 0 || d.PingInterval <= 0:
		return bad("initial-ttl or interval of 0")
	}
	for i, k := range d.Kinds {
		for _, other := range d.Kinds[:i] {
			if other.ID == k.ID {
				return bad("kind %#x twice", uint32(k.ID))
			}
		}
	}
	return nil
}
