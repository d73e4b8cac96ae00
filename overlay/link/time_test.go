package link

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"testing"
	"time"

	"chordophone/overlay"
	"chordophone/overlay/chord"
	"chordophone/overlay/reload"
)

// octets counts what goes over connections.
type octets struct {
	mu sync.Mutex
	n  int
}

func (o *octets) Frame(_ time.Time, _, _ netip.AddrPort, frame []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.n += len(frame)
}

func (o *octets) take() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := o.n
	o.n = 0
	return n
}

// A node tells its time whom it may, in few octets; one without a clock tells none.
func TestOfficeTime(t *testing.T) {
	o := newOffice(t, "office.example")
	var count octets
	want := reload.OfficeTime{Milliseconds: 1_000_000_000_000, Source: 3}
	a := run(t, o.phone(node(1)), func(c *Config) { c.Tap = &count })
	b := run(t, o.phone(node(2)), func(c *Config) { c.Time = func() reload.OfficeTime { return want } })
	req := reload.ProbeReq{Types: []byte{reload.ProbeOfficeTime}}
	for i := range 3 { // the first ones bring certificates
		count.take()
		body, err := a.ask(b.Self(), chord.Dest{}, req)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := body.(reload.ProbeAns).OfficeTime(); got != want || err != nil {
			t.Error(got, err)
		}
		if n := count.take(); i == 2 {
			t.Logf("%d octets for question and answer", n)
			if n > 600 {
				t.Errorf("%d octets for question and answer", n)
			}
		}
	}
	body, err := b.ask(a.Self(), chord.Dest{}, req)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := body.(reload.ProbeAns).OfficeTime(); !errors.Is(err, reload.ErrTime) {
		t.Error(err)
	}
	// Whoever is not of the office is asked in vain.
	far := run(t, newOffice(t, "office.example").phone(node(3)), func(c *Config) { c.Time = func() reload.OfficeTime { return want } })
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, _, err := a.Ask(ctx, overlay.Peer{ID: node(3), Addr: far.Self().Addr}, chord.Dest{}, req); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}
