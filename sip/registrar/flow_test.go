package registrar

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"chordophone/sip/stack"
	"chordophone/sip/wire"
)

// A client that has gone to another phone is left alone by the first one.
func TestMoved(t *testing.T) {
	bubble(t, func(t *testing.T, r *ring, p *phone) {
		q := newPhone(t, r, 2)
		p.want(200, bob, "Expires: 60")
		time.Sleep(50 * time.Second)
		q.want(200, bob, "Expires: 60", "Call-ID: q")
		if res := p.want(200); len(res.get("Contact")) != 1 || len(p.Clients()) != 0 || len(p.Addresses()) != 0 { // it asked, and so p knows
			t.Errorf("%+v, %+v", res, p.Clients())
		}
		p.want(200, bob, "Expires: 60", "Call-ID: p") // back and forth
		time.Sleep(50 * time.Second)
		q.want(200, bob, "Expires: 60", "Call-ID: r")
		if len(p.Clients()) != 1 {
			t.Error("how should p know?")
		}
		pass(30 * time.Second) // p's has ended
		if n := r.count("sip:201@office"); n != 1 || len(p.Clients()) != 0 || len(q.Clients()) != 1 {
			t.Errorf("%d bindings, %+v, %+v", n, p.Clients(), q.Clients())
		}
		time.Sleep(40 * time.Second)
		if n := r.count("sip:201@office"); n != 0 {
			t.Errorf("%d bindings", n)
		}
	})
}

// A client whose phone was started anew comes back over another connection: the one
// before does not stay.
func TestRestart(t *testing.T) {
	bubble(t, func(t *testing.T, r *ring, p *phone) {
		p.want(200, "Contact: <sip:201@192.0.2.50>") // can be reached, and stays
		for i := range 2 * maxBindings {
			q := newPhone(t, r, 1)
			q.from.transport, q.from.token = stack.TLS, fmt.Sprint("flow", i)
			other := newPhone(t, r, 2)
			if res := q.want(200); len(res.get("Contact")) != 1 {
				t.Errorf("%d: %+v", i, res)
			}
			res := q.want(200, fmt.Sprintf("Contact: <sip:201@192.0.2.50:%d>", 10000+i), fmt.Sprint("Call-ID: q", i))
			if len(res.get("Contact")) != 2 || r.count("sip:201@office") != 2 {
				t.Errorf("%d: %+v", i, res)
			}
			if res := other.want(200); len(res.get("Contact")) != 2 { // another phone does not judge
				t.Errorf("%d: %+v", i, res)
			}
		}
		p.want(200, bob+";expires=0", "Contact: <sip:201@192.0.2.50>;expires=0")
		newPhone(t, r, 1).want(200, "Contact: *", "Expires: 0")
		if n := r.count("sip:201@office"); n != 0 {
			t.Errorf("%d bindings", n)
		}
	})
}

// Whose flow is the only way to it: see the package comment.
func TestFlow(t *testing.T) {
	const uuid = `;+sip.instance="<urn:uuid:00000000-0000-1000-8000-AABBCCDDEEFF>";reg-id=1`
	for _, tc := range []struct {
		name      string
		transport stack.Transport
		remote    string
		lines     []string
		flow      bool
		regID     uint32
	}{
		{"at its contact", stack.UDP, "192.0.2.50:5060", []string{bob}, false, 0},
		{"from another port", stack.UDP, "192.0.2.50:33333", []string{bob}, false, 0},
		{"translated", stack.UDP, "192.0.2.99:5060", []string{bob}, true, 0},
		{"by name", stack.UDP, "192.0.2.50:5060", []string{"Contact: <sip:201@desk.local>"}, true, 0},
		{"ob", stack.UDP, "192.0.2.50:5060", []string{"Contact: <sip:201@192.0.2.50:5060;ob>"}, true, 0},
		{"outbound is not for UDP", stack.UDP, "192.0.2.50:5060", []string{bob + uuid, "Supported: outbound"}, false, 0},
		{"listens", stack.TCP, "192.0.2.50:33333", []string{bob}, false, 0},
		{"does not listen", stack.TCP, "192.0.2.50:33333", []string{"Contact: <sip:201@192.0.2.50:33333;transport=tcp>"}, true, 0},
		{"TLS", stack.TLS, "192.0.2.50:33333", []string{bob}, true, 0},
		{"outbound", stack.TCP, "192.0.2.50:33333", []string{bob + uuid, "Supported: outbound, path"}, true, 1},
		{"outbound not asked for", stack.TCP, "192.0.2.50:33333", []string{bob + uuid}, false, 0},
		{"through a proxy", stack.TLS, "192.0.2.50:33333", []string{bob, "Path: <sip:192.0.2.9;lr>", "Supported: path"}, false, 0},
	} {
		bubble(t, func(t *testing.T, r *ring, p *phone) {
			p.from.transport, p.from.remote = tc.transport, netip.MustParseAddrPort(tc.remote)
			res := p.want(200, tc.lines...)
			b := r.holds("sip:201@office")[0]
			if (b.Flow != "") != tc.flow || b.RegID != tc.regID || (b.Instance != "") != (tc.regID != 0) {
				t.Errorf("%s: %+v", tc.name, b)
			}
			if got := strings.Join(res.get("Require"), ""); (got == "outbound") != (tc.regID != 0) {
				t.Errorf("%s: %+v", tc.name, res)
			}
		})
	}
}

// RFC 5626, section 6: the binding is known by instance and reg-id, whatever its
// Contact is.
func TestOutboundReplaces(t *testing.T) {
	bubble(t, func(t *testing.T, r *ring, p *phone) {
		const uuid = `;+sip.instance="<urn:uuid:1>"`
		p.from.transport = stack.TCP
		p.want(200, "Contact: <sip:201@192.0.2.50:33333>"+uuid+";reg-id=1", "Supported: outbound")
		p.want(200, "Contact: <sip:201@192.0.2.50:44444>"+uuid+";reg-id=2", "Supported: outbound")
		p.from.remote, p.from.token = netip.MustParseAddrPort("192.0.2.50:55555"), "new"
		res := p.want(200, "Contact: <sip:201@192.0.2.50:55555>"+uuid+";reg-id=1", "Supported: outbound", "Call-ID: rebooted")
		if got := res.get("Contact"); len(got) != 2 || !strings.Contains(got[1], `:55555>;expires=3600;+sip.instance="<urn:uuid:1>";reg-id=1`) {
			t.Errorf("%q", got)
		}
		for port, ok := range map[int]bool{33333: false, 44444: true, 55555: true} {
			uri, _ := wire.ParseURI(fmt.Sprintf("sip:201@192.0.2.50:%d", port))
			if _, _, served := p.Served(uri); served != ok {
				t.Errorf("%d: %v", port, served)
			}
		}
	})
}
