package proxy

import (
	"net/netip"

	"chordophone/sip/stack"

	"github.com/emiago/sipgo/sip"
)

// beyond lists the IP addresses that a request in a dialog names as its way, and of
// which this phone does not know that they are a phone's, a client's that is
// registered here, or a party's of that dialog. Names of hosts lead nowhere.
func (p *Proxy) beyond(in within, r routing) (list []netip.Addr) {
	look := func(uri sip.Uri) {
		at, _, ok := address(uri)
		if !ok || p.own(uri) {
			return
		}
		if _, ok := p.phoneAt(uri); ok {
			return
		}
		if d := in.dialog; d != nil {
			for _, s := range d.sides {
				if s.contact == at.Addr() || s.flow != nil && s.flow.Remote().Addr() == at.Addr() {
					return
				}
			}
		}
		list = append(list, at.Addr())
	}
	if _, _, ok := p.cfg.Clients.Served(r.uri); !ok {
		look(r.uri)
	}
	for _, a := range r.routes {
		look(a.URI)
	}
	return list
}

// withinOffice goes on with a client's request in a dialog unless that would leave the
// office: a To with a tag is no ticket to anywhere.
func (p *Proxy) withinOffice(f *stack.Flow, req *sip.Request, in within, r routing, on, refused func()) {
	if p.cfg.Reach == nil || !isStranger(f) {
		on()
		return
	}
	list := p.beyond(in, r)
	if len(list) == 0 {
		on()
		return
	}
	p.cfg.Reach(req, list, func(ok bool) {
		if ok {
			on()
		} else {
			refused()
		}
	})
}

// contactAddr is the IP address in the Contact of a message, if it has one.
func contactAddr(msg interface{ Contact() *sip.ContactHeader }) netip.Addr {
	h := msg.Contact()
	if h == nil {
		return netip.Addr{}
	}
	at, _, _ := address(h.Address)
	return at.Addr()
}
