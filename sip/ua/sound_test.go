package ua

import (
	"net/netip"
	"testing"
	"time"

	"chordophone/sip/media"
	"chordophone/sip/sdp"
)

// Over real sockets with the telephone's own media: hold says so in the session
// description, and the far side understands it.
func TestRealSound(t *testing.T) {
	o := newOffice(t)
	real := func(user, ip string) *phone {
		p := o.start(user, netip.AddrPortFrom(netip.MustParseAddr(ip), 0), nil, func(c *Config) {
			c.NewMedia = func(local netip.Addr, client bool) (Media, error) {
				policy := media.Required
				if client {
					policy = media.Optional
				}
				return media.New(media.Config{Local: local, Secure: policy})
			}
		})
		p.slack = 30 * time.Second
		o.bind("sip:"+user+"@office", p.Contact(p.Addr().Addr()))
		return p
	}
	a, b, c := real("101", "127.0.32.1"), real("102", "127.0.32.2"), real("103", "127.0.32.3")
	a.Dial("x", "102")
	in := b.expect("^offered").(Offered)
	a.expect("^progress 180")
	b.Answer(in.Call)
	far := b.expect("^answered").(Answered).Media.(*media.Session)
	near := a.expect("^answered").(Answered).Media.(*media.Session)

	a.Hold("x", true)
	b.expect("^held=true by=far$")
	a.expect("^held=true by=us$")
	if near.Direction() != sdp.SendOnly || far.Direction() != sdp.RecvOnly {
		t.Errorf("held: %v, %v", near.Direction(), far.Direction())
	}
	b.Hold(in.Call, true)
	b.expect("^held=true by=us$")
	a.expect("^held=true by=far$")
	a.Hold("x", false)
	b.expect("^held=false by=far$")
	a.expect("^held=false by=us$")
	if near.Direction() != sdp.RecvOnly || far.Direction() != sdp.SendOnly {
		t.Errorf("held by the other: %v, %v", near.Direction(), far.Direction())
	}
	a.Transfer("x", "103")
	deadline := time.After(30 * time.Second)
	for offered := false; !offered; {
		select {
		case e := <-c.Events():
			if e, ok := e.(Offered); ok {
				c.Answer(e.Call)
				offered = true
			}
		case <-b.Events():
		case <-a.Events():
		case <-deadline:
			t.Fatal("not transferred")
		}
	}
	c.expect("^answered peer=102")
}
