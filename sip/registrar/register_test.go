package registrar

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"chordophone/sip/location"
)

func TestRegister(t *testing.T) {
	bubble(t, func(t *testing.T, r *ring, p *phone) {
		start := time.Now()
		res := p.want(200, bob+";q=0.25", "Expires: 120", "User-Agent: Desk 1.0")
		least := 2 * r.delay // a question and a write
		if r.prompt {
			least = r.delay
		}
		if d := time.Since(start); d < least {
			t.Errorf("answered before it was stored: %v", d)
		}
		if got := res.get("Contact"); !slices.Equal(got, []string{"<sip:201@192.0.2.50:5060>;expires=120;q=0.250"}) {
			t.Errorf("%q", got)
		}
		got := r.holds("sip:201@office")
		b := got[0]
		want := location.Binding{Contact: "sip:201@192.0.2.50:5060", Server: netip.MustParseAddrPort("192.0.2.1:5061"), Node: "101@office",
			CallID: "call", CSeq: 1, Q: 250, Agent: "Desk 1.0", Expires: b.Expires}
		if len(got) != 1 || fmt.Sprint(b) != fmt.Sprint(want) || b.Expires < 239*time.Second || b.Expires > 240*time.Second {
			t.Errorf("%+v", got)
		}
		// A second phone adds another contact; both list both.
		q := newPhone(t, r, 2)
		for _, res := range []reply{q.want(200, "Contact: <sip:201@192.0.2.51>;expires=60", "Call-ID: other"), p.want(200), q.want(200)} {
			if got := res.get("Contact"); len(got) != 2 || !strings.Contains(got[0], "192.0.2.50") || !strings.Contains(got[1], "192.0.2.51") {
				t.Errorf("%q", got)
			}
		}
		if !slices.Equal(p.heardAll(), []string{"+201@office"}) {
			t.Errorf("%q", p.heard)
		}
	})
}

func TestRemove(t *testing.T) {
	bubble(t, func(t *testing.T, r *ring, p *phone) {
		const aor, home = "sip:201@office", "Contact: <sip:201@192.0.2.51>"
		p.want(200, bob, home)
		if res := p.want(200, bob+";expires=0"); len(res.get("Contact")) != 1 || r.count(aor) != 1 {
			t.Errorf("%+v", res)
		}
		p.want(200, bob+";expires=0") // is not there: fine
		q := newPhone(t, r, 2)
		q.want(200, bob, "Call-ID: q")
		if res := p.want(200, "Contact: *", "Expires: 0"); len(res.get("Contact")) != 0 || r.count(aor) != 0 {
			t.Errorf("%+v", res)
		}
		if len(p.Clients()) != 0 {
			t.Errorf("%+v", p.Clients())
		}
		if !slices.Equal(p.heardAll(), []string{"+201@office", "-201@office", "-201@office"}) {
			t.Errorf("%q", p.heard)
		}
		// One that is removed at once with one that is added.
		p.want(200, bob)
		if res := p.want(200, bob+";expires=0", home); len(res.get("Contact")) != 1 || r.count(aor) != 1 {
			t.Errorf("%+v", res)
		}
	})
}

// No address has more than ten, however they come.
func TestTooMany(t *testing.T) {
	bubble(t, func(t *testing.T, r *ring, p *phone) {
		for i := range maxBindings {
			p.want(200, fmt.Sprintf("Contact: <sip:201@192.0.2.%d>", 100+i))
		}
		p.want(403, bob)
		p.want(200, "Contact: <sip:201@192.0.2.100>")                // a refresh
		p.want(200, bob, "Contact: <sip:201@192.0.2.100>;expires=0") // one for another
		newPhone(t, r, 2).want(403, "Contact: <sip:201@192.0.2.99>", "Call-ID: elsewhere")
		if n := r.count("sip:201@office"); n != maxBindings {
			t.Errorf("%d bindings", n)
		}
	})
}

// RFC 3261, section 10.3, step 7: "If it does agree, it compares the CSeq value. If
// the value is higher than that of the existing binding, it MUST update or remove
// the binding as above. If not, the update MUST be aborted and the request fails."
func TestOrder(t *testing.T) {
	bubble(t, func(t *testing.T, r *ring, p *phone) {
		p.want(200, bob, "CSeq: 10 REGISTER")
		p.want(500, bob, "CSeq: 10 REGISTER")
		p.want(500, bob, "CSeq: 9 REGISTER")
		p.want(500, bob+";expires=0", "CSeq: 9 REGISTER")
		p.want(500, "Contact: *", "Expires: 0", "CSeq: 9 REGISTER")
		p.want(500, "Contact: <sip:201@192.0.2.51>", bob, "CSeq: 9 REGISTER") // all or nothing
		if n := r.count("sip:201@office"); n != 1 {
			t.Errorf("%d bindings", n)
		}
		p.want(200, bob, "CSeq: 11 REGISTER") // not stored, but known
		p.want(500, bob, "CSeq: 11 REGISTER")
		p.want(200, bob, "CSeq: 1 REGISTER", "Call-ID: restarted")
		newPhone(t, r, 2).want(500, bob, "CSeq: 1 REGISTER", "Call-ID: restarted")
	})
}

// "Registrars MUST process REGISTERs for a particular address-of-record in the order
// that they are received" (RFC 3261, section 10.3).
func TestOneAfterTheOther(t *testing.T) {
	bubble(t, func(t *testing.T, r *ring, p *phone) {
		var answers []chan reply
		for i := range maxLane + 3 {
			answers = append(answers, p.start(fmt.Sprintf("Contact: <sip:201@192.0.2.%d>", 100+i)))
		}
		other := p.start(bob, "From: <sip:202@office>;tag=a", "To: <sip:202@office>")
		start := time.Now()
		if res := <-other; res.status != 200 || time.Since(start) > 3*r.delay {
			t.Errorf("another address waited: %v", time.Since(start))
		}
		for i, a := range answers {
			res := <-a
			switch {
			case i > maxLane:
				if res.status != 503 || len(res.get("Retry-After")) != 1 {
					t.Errorf("%d: %+v", i, res)
				}
			case res.status != 200 || len(res.get("Contact")) != i+1:
				t.Errorf("%d: %+v", i, res)
			}
		}
	})
}
