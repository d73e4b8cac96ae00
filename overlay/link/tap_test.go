package link

import (
	"bytes"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"chordophone/overlay"
	"chordophone/overlay/chord"
	"chordophone/overlay/reload"
)

// tape is a Tap that remembers.
type tape struct {
	mu     sync.Mutex
	frames []taped
}

type taped struct {
	from, to netip.AddrPort
	frame    string
}

func (t *tape) Frame(_ time.Time, from, to netip.AddrPort, frame []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.frames = append(t.frames, taped{from, to, string(frame)})
}

func (t *tape) list(from netip.AddrPort) (out []taped) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, f := range t.frames {
		if f.from == from {
			out = append(out, f)
		}
	}
	return out
}

// TestTap: both ends of a connection see the same frames, whole ones, DATA and
// ACK, the long ones too.
func TestTap(t *testing.T) {
	o := newOffice(t, "office.example")
	var at, bt tape
	a := run(t, o.phone(node(1)), func(c *Config) { c.Tap = &at })
	b := run(t, o.phone(node(2)), func(c *Config) { c.Tap = &bt })
	a.Send(b.Self(), a.to(b.id, chord.Ping{})) // one connection, from a
	b.receive()
	var records []overlay.Record
	for range 12 {
		records = append(records, a.record(node(8), overlay.SIPRegistration, string(bytes.Repeat([]byte("v"), 4000))))
	}
	for i := range 10 {
		if i > 0 {
			a.Send(b.Self(), a.to(b.id, chord.Ping{}))
		}
		a.Send(b.Self(), a.to(b.id, chord.Store{Records: records}))
		for range min(i, 1) + 1 {
			b.receive()
		}
	}
	for range 20 {
		b.Send(a.Self(), b.to(a.id, chord.Ack{Of: chord.AckLeave}))
		a.receive()
	}
	a.eventually("ACKs", func() bool { return !a.busy() && !b.busy() })
	aAddr := at.frames[0].from
	for _, from := range []netip.AddrPort{aAddr, b.Self().Addr} {
		one, two := at.list(from), bt.list(from)
		if !slices.Equal(one, two) {
			t.Errorf("from %v: %d frames at one end, %d at the other, or others", from, len(one), len(two))
		}
		data := 0
		for _, f := range one {
			h, n, err := reload.ParseFrame([]byte(f.frame))
			if err != nil || n == 0 || len(f.frame) != n+h.Length {
				t.Fatalf("%+v of %d octets, %v", h, len(f.frame), err)
			}
			if !h.Ack {
				data++
				if _, err := reload.Parse([]byte(f.frame)[n:]); err != nil {
					t.Error(err)
				}
			}
		}
		if data != 20 {
			t.Errorf("%d messages from %v", data, from)
		}
	}
}
