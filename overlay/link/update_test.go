package link

import (
	"context"
	"crypto/tls"
	"fmt"
	"testing"

	"chordophone/overlay"
)

// A connection for releases is handed on with who it is from, and is none of the
// ring's; a stranger's is not handed on.
func TestUpdate(t *testing.T) {
	o := newOffice(t, "office.example")
	p, q := o.phone(node(1)), o.phone(node(2))
	speaks := func(c *Config) {
		server := p.tls(overlay.ID{})
		server.NextProtos = []string{"reload", UpdateALPN}
		c.ServerTLS = server
	}
	dial := func(a *running, from *phone) string {
		client := from.tls(overlay.ID{})
		client.NextProtos = []string{UpdateALPN}
		client.VerifyConnection = nil
		nc, err := tls.Dial("tcp", a.Self().Addr.String(), client)
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		b := make([]byte, 64)
		n, _ := nc.Read(b)
		return string(b[:n])
	}
	a := run(t, p, speaks, func(c *Config) {
		c.Update = func(ctx context.Context, nc *tls.Conn, from overlay.ID) {
			fmt.Fprint(nc, from.Short())
			nc.Close()
		}
	})
	if got := dial(a, q); got != q.id.Short() {
		t.Errorf("%q, want %q", got, q.id.Short())
	}
	if got := dial(a, newOffice(t, "other.example").phone(node(3))); got != "" {
		t.Errorf("%q for a phone of another office", got)
	}
	if s := a.Stats(); s.Conns != 0 {
		t.Errorf("it became one of the ring's: %+v", s)
	}
	p = o.phone(node(4))
	closed := run(t, p, speaks)
	if got := dial(closed, q); got != "" {
		t.Errorf("%q from a phone that hands nothing on", got)
	}
}
