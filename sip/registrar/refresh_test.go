package registrar

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"chordophone/sip/wire"
)

// A refresh is stored only if the location service would forget too early; the last
// one holds as long as was granted.
func TestRefresh(t *testing.T) {
	for _, tc := range []struct {
		expires, every time.Duration
		writes         int // of 30 REGISTERs
	}{
		{60 * time.Second, 30 * time.Second, 10},
		{60 * time.Second, 50 * time.Second, 15},
		{300 * time.Second, 150 * time.Second, 10},
		{3600 * time.Second, 600 * time.Second, 15},
		{3600 * time.Second, 1800 * time.Second, 30},
	} {
		bubble(t, func(t *testing.T, r *ring, p *phone) {
			const aor = "sip:201@office"
			for range 30 {
				start := time.Now()
				res := p.want(200, bob, fmt.Sprintf("Expires: %d", tc.expires/time.Second))
				if got := res.get("Contact"); len(got) != 1 || !strings.HasSuffix(got[0], fmt.Sprintf("expires=%d", tc.expires/time.Second)) {
					t.Errorf("%q", got)
				}
				if left := r.holds(aor)[0].Expires; left < tc.expires-100*time.Millisecond || left > tc.expires+min(tc.expires, maxSlack) {
					t.Errorf("%v granted, kept for %v", tc.expires, left)
				}
				time.Sleep(tc.every - time.Since(start))
			}
			if r.writes != tc.writes {
				t.Errorf("%+v: %d writes", tc, r.writes)
			}
			if n := p.Counters(); n.Granted != 30 || n.Unwritten != uint64(30-tc.writes) {
				t.Errorf("%+v", n)
			}
			// And when no more come it ends when it should.
			uri, _ := wire.ParseURI("sip:201@192.0.2.50:5060")
			time.Sleep(tc.expires - tc.every - 2*time.Second)
			p.do(func() {
				if who, b, ok := p.Served(uri); !ok || who != "201@office" || b.Expires > 2*time.Second || r.count(aor) != 1 {
					t.Errorf("gone too early: %q, %+v", who, b)
				}
			})
			pass(4 * time.Second)
			p.do(func() {
				if who, _, ok := p.Served(uri); ok || r.count(aor) != 0 {
					t.Errorf("not gone: %q", who)
				}
			})
			if heard := p.heardAll(); heard[len(heard)-1] != "-201@office" || p.Counters().Clients != 0 {
				t.Errorf("%q, %+v", p.heard, p.Counters())
			}
		})
	}
}

// A refresh that need not be stored takes neither time nor a goroutine where the
// location service knows the address, and does not overtake what came before it.
func TestRefreshAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T, r *ring, p *phone) {
		if !r.prompt {
			return
		}
		p.want(200, bob)
		p.do(func() { p.loop.full = true })
		start := time.Now()
		p.want(200, bob)
		p.want(500, bob, "CSeq: 1 REGISTER")
		if d := time.Since(start); d != 0 {
			t.Errorf("took %v", d)
		}
		p.do(func() { p.loop.full = false })
		first := p.start("Contact: <sip:201@192.0.2.51>")
		second := p.start(bob)
		if res := <-first; res.status != 200 {
			t.Errorf("%+v", res)
		}
		if res := <-second; res.status != 200 || len(res.get("Contact")) != 2 || r.writes != 2 {
			t.Errorf("%+v, %d writes", res, r.writes)
		}
		p.do(func() {
			if l := p.lanes; len(l.busy)+len(l.queue)+len(l.ready)+l.waiting+l.running != 0 {
				t.Errorf("%+v", l)
			}
		})
	})
}

// What changes is stored at once.
func TestChangeIsStored(t *testing.T) {
	bubble(t, func(t *testing.T, r *ring, p *phone) {
		q := newPhone(t, r, 2)
		for i, f := range []func(){
			func() { p.want(200, bob) },
			func() { p.want(200, bob+";q=0.5") },
			func() { p.want(200, bob+";q=0.5", "User-Agent: other") },
			func() { p.want(200, bob+`;methods="INVITE"`) },
			func() { p.want(200, "Contact: <sip:201@192.0.2.50:5060;x=1>") }, // spelt otherwise: one binding
			func() { p.want(200, bob, "Path: <sip:192.0.2.9;lr>", "Supported: path") },
			func() { q.want(200, bob, "Call-ID: q") },                                                          // at another phone
			func() { p.want(200, bob, "Call-ID: p") },                                                          // and back
			func() { p.from.remote = netip.MustParseAddrPort("192.0.2.60:1"); p.want(200, bob, "Call-ID: p") }, // a translated address
		} {
			f()
			if r.writes != i+1 || r.count("sip:201@office") != 1 {
				t.Errorf("%d: %d writes, %d bindings", i, r.writes, r.count("sip:201@office"))
			}
		}
		if b := r.holds("sip:201@office")[0]; b.Flow != "token" || b.Contact != "sip:201@192.0.2.50:5060" {
			t.Errorf("%+v", b)
		}
	})
}

// A refresh that comes when the end is due holds.
func TestRefreshAtTheLastMoment(t *testing.T) {
	bubble(t, func(t *testing.T, r *ring, p *phone) {
		p.want(200, bob, "Expires: 60")
		time.Sleep(59500 * time.Millisecond)
		r.slow(3 * time.Second)
		p.want(200, bob, "Expires: 60", "User-Agent: new")
		pass(20 * time.Second)
		if r.count("sip:201@office") != 1 || len(p.Clients()) != 1 {
			t.Error("removed")
		}
	})
}

// The phone dies: what it stored outlives what it granted by no more than that.
func TestSlackIsBounded(t *testing.T) {
	for _, granted := range []time.Duration{60 * time.Second, time.Hour} {
		bubble(t, func(t *testing.T, r *ring, p *phone) {
			p.want(200, bob, fmt.Sprintf("Expires: %d", granted/time.Second))
			p.do(func() { p.loop.full = true }) // as good as dead
			time.Sleep(granted + 2*time.Second)
			if r.count("sip:201@office") != 1 {
				t.Error("the negative control: it was removed all the same")
			}
			time.Sleep(min(granted, maxSlack))
			if r.count("sip:201@office") != 0 {
				t.Error("still there")
			}
		})
	}
}
