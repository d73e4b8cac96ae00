package registrar

import (
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

func TestRingFailure(t *testing.T) {
	bubble(t, func(t *testing.T, r *ring, p *phone) {
		r.breakDown(true)
		if res := p.want(503, bob); len(res.get("Retry-After")) != 1 {
			t.Errorf("%+v", res)
		}
		p.want(503)
		if len(p.Clients()) != 0 || p.Counters().Failed != 2 {
			t.Errorf("%+v", p.Counters())
		}
		r.breakDown(false)
		p.want(200, bob, "Expires: 60")
		r.breakDown(true)
		pass(70 * time.Second)
		r.breakDown(false)
		if r.count("sip:201@office") != 1 {
			t.Error("removed by whom?")
		}
		pass(tryAgain) // it is tried again
		if r.count("sip:201@office") != 0 || p.Counters().Clients != 0 {
			t.Error("not removed")
		}
		synctest.Wait()
		r.known = map[string]bool{}
		p.want(404, bob)
		p.cfg.Server = func() netip.AddrPort { return netip.AddrPort{} }
		r.known = nil
		p.want(503, bob)
	})
}

// A thousand clients come back together; one more is sent to another phone.
func TestStorm(t *testing.T) {
	bubble(t, func(t *testing.T, r *ring, p *phone) {
		all := make([]chan reply, maxClients)
		for round := range 2 {
			start := time.Now()
			for i := range all {
				all[i] = p.start(fmt.Sprintf("Contact: <sip:%d@192.0.2.50:%d>;expires=60", 1000+i, 10000+i),
					fmt.Sprintf("To: <sip:%d@office>", 1000+i), fmt.Sprintf("From: <sip:%d@office>;tag=a", 1000+i))
			}
			for i, c := range all {
				if res := <-c; res.status != 200 {
					t.Fatalf("%d: %+v", i, res)
				}
			}
			if d := time.Since(start); d > 2*time.Second {
				t.Errorf("%v", d)
			}
			synctest.Wait()
			if r.most > maxRunning {
				t.Errorf("%d questions at once", r.most)
			}
			if r.writes != maxClients {
				t.Errorf("round %d: %d writes", round, r.writes)
			}
		}
		p.want(503, bob)
		if n := p.Counters(); n.Clients != maxClients || len(p.Clients()) != maxClients {
			t.Errorf("%+v", n)
		}
		// All leave without a word.
		pass(60*time.Second + 70*time.Second)
		if n := p.Counters(); n.Clients != 0 || len(p.book.byAOR)+len(p.book.byPlace) != 0 || len(p.lanes.busy)+len(p.lanes.queue)+p.lanes.waiting != 0 {
			t.Errorf("%+v", n)
		}
		if n := r.count("sip:1500@office"); n != 0 {
			t.Error("not removed")
		}
	})
}

// No goroutine to be had: it waits, and goes on by itself.
func TestStackIsFull(t *testing.T) {
	bubble(t, func(t *testing.T, r *ring, p *phone) {
		p.do(func() { p.loop.full = true })
		answer := p.start(bob)
		time.Sleep(3 * time.Second)
		p.do(func() { p.loop.full = false })
		if res := <-answer; res.status != 200 {
			t.Errorf("%+v", res)
		}
	})
}
