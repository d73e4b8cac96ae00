package registrar

import (
	"context"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"chordophone/sip/location"
	"chordophone/sip/stack"
)

// empty is a ring that takes everything and keeps nothing, in no time.
type empty struct{}

func (empty) Lookup(context.Context, string) ([]location.Binding, error) { return nil, nil }
func (empty) Register(_ context.Context, _ string, changes []location.Binding) ([]location.Binding, error) {
	return changes, nil
}

// once runs what is asked for at once, as a loop with nothing else to do.
type once struct{ todo []func() }

func (o *once) Go(work func(context.Context), done func()) bool {
	work(context.Background())
	o.todo = append(o.todo, done)
	return true
}
func (o *once) After(time.Duration, func()) *stack.Timer { return nil }

// BenchmarkRegister is what a REGISTER costs that brings a new client, and one that
// refreshes: above the stack, after the password, without the ring.
func BenchmarkRegister(b *testing.B) {
	addr := netip.MustParseAddrPort("192.0.2.1:5061")
	l := &once{}
	r := New(Config{Domain: "office", Node: "101@office", Ring: empty{}, Server: func() netip.AddrPort { return addr }})
	r.Attach(l)
	from := source{stack.UDP, netip.MustParseAddrPort("192.0.2.1:5060"), netip.MustParseAddrPort(clientAddr), "token", nil}
	ok := 0
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		b.StopTimer()
		n := i % maxClients
		req := message(b, i+1, fmt.Sprintf("Contact: <sip:%d@192.0.2.50:5060>;expires=60", n),
			fmt.Sprintf("To: <sip:%d@office>", n), fmt.Sprintf("From: <sip:%d@office>;tag=a", n))
		b.StartTimer()
		r.serve(req, nil, fmt.Sprint(n), from, func(status int, _ ...string) {
			if status == 200 {
				ok++
			}
		})
		for len(l.todo) > 0 {
			done := l.todo[0]
			l.todo = l.todo[1:]
			done()
		}
	}
	if ok != b.N {
		b.Errorf("%d of %d", ok, b.N)
	}
}
