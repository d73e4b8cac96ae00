package link

import (
	"crypto/tls"
	"net"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"chordophone/overlay"
	"chordophone/overlay/chord"
	"chordophone/overlay/reload"
)

func TestRefused(t *testing.T) {
	o := newOffice(t, "office.example")
	a := run(t, o.phone(node(1)))
	// Nobody listens there.
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().(*net.TCPAddr).AddrPort()
	ln.Close()
	start := time.Now()
	a.Send(overlay.Peer{ID: node(2), Addr: addr}, a.to(node(2), chord.Ping{}))
	a.lost(node(2))
	if d := time.Since(start); d >= a.dialTime {
		t.Errorf("a refused connection took %v", d)
	}
	// No address at all.
	a.Send(overlay.Peer{ID: node(3)}, a.to(node(3), chord.Ping{}))
	a.lost(node(3))
	// Somebody else of the office answers.
	b := run(t, o.phone(node(2)))
	a.Send(overlay.Peer{ID: node(4), Addr: b.Self().Addr}, a.to(node(4), chord.Ping{}))
	a.lost(node(4))
}

// TestStrangers: whoever has no certificate of the office gets no further than
// the handshake, on either side.
func TestStrangers(t *testing.T) {
	ours, theirs := newOffice(t, "office.example"), newOffice(t, "office.example")
	a, x := run(t, ours.phone(node(1))), run(t, theirs.phone(node(2)))
	a.Send(x.Self(), a.to(x.id, chord.Ping{}))
	a.lost(x.id)
	x.Send(a.Self(), x.to(a.id, chord.Ping{}))
	x.lost(a.id)

	naked, err := net.Dial("tcp", a.Self().Addr.String())
	if err != nil {
		t.Fatal(err)
	}
	defer naked.Close()
	nc := tls.Client(naked, &tls.Config{InsecureSkipVerify: true})
	if nc.Handshake() == nil { // TLS 1.3: the refusal comes after it
		if _, err := nc.Read(make([]byte, 1)); err == nil {
			t.Error("served without certificate")
		}
	}
	a.eventually("refusal", func() bool { return a.Stats().Dropped[Refused.String()] >= 3 })
	if s := a.Stats(); s.MessagesIn != 0 || s.Conns != 0 {
		t.Errorf("%+v", s)
	}
}

// raw is a connection of a member to l that the test speaks on itself.
func raw(t *testing.T, from *phone, l *running) *tls.Conn {
	t.Helper()
	nc, err := tls.Dial("tcp", l.Self().Addr.String(), from.tls(l.id))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.NetConn().Close() })
	return nc
}

func TestGarbage(t *testing.T) {
	o := newOffice(t, "office.example")
	x := o.phone(node(9))
	for _, tt := range []struct {
		name   string
		octets []byte
		reason Reason
	}{
		{"not a frame", []byte("GET / HTTP/1.1\r\n\r\n"), BadFraming},
		{"16 MB", []byte{128, 0, 0, 0, 0, 0xff, 0xff, 0xff}, TooLarge},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := run(t, o.phone(node(1)))
			nc := raw(t, x, a)
			nc.Write(tt.octets)
			a.lost(x.id)
			if n := a.Stats().Dropped[tt.reason.String()]; n != 1 {
				t.Errorf("%d dropped as %v; %+v", n, tt.reason, a.Stats())
			}
		})
	}
	t.Run("no message", func(t *testing.T) { // the frame is whole: the connection may stay
		a := run(t, o.phone(node(1)))
		nc := raw(t, x, a)
		frame, _ := reload.AppendData(nil, 0, []byte("nonsense"))
		nc.Write(frame)
		ack := make([]byte, reload.AckSize)
		if _, err := nc.Read(ack); err != nil {
			t.Fatal(err)
		}
		a.eventually("drop", func() bool { return a.Stats().Dropped[Malformed.String()] == 1 })
		if a.Stats().Conns != 1 {
			t.Error("connection closed")
		}
	})
	t.Run("cut in a frame", func(t *testing.T) {
		a := run(t, o.phone(node(1)))
		nc := raw(t, x, a)
		nc.Write([]byte{128, 0, 0, 0, 0, 0, 1, 0, 1, 2, 3})
		nc.NetConn().Close()
		a.lost(x.id)
	})
}

func TestWrongOverlay(t *testing.T) {
	o := newOffice(t, "office.example")
	a := run(t, o.phone(node(1)))
	b := run(t, o.phone(node(2)), func(c *Config) { c.Office = "another.example" })
	b.Send(a.Self(), b.to(a.id, chord.Ping{}))
	a.eventually("drop", func() bool { return a.Stats().Dropped[WrongOverlay.String()] == 1 })
}

// TestBadRecords: a Store with a bad record is refused, what was fetched loses
// only the bad one.
func TestBadRecords(t *testing.T) {
	o := newOffice(t, "office.example")
	a, b := run(t, o.phone(node(1))), run(t, o.phone(node(2)))
	good := a.record(node(8), overlay.SIPRegistration, "good")
	bad := a.record(node(8), overlay.OfficeMember, "bad")
	bad.Value = []byte("changed")

	a.Send(b.Self(), a.to(b.id, chord.Store{Records: []overlay.Record{good, bad}}))
	b.eventually("drop", func() bool { return b.Stats().Dropped[BadRecord.String()] == 1 })
	a.Send(b.Self(), a.to(b.id, chord.Fetched{Records: []overlay.Record{bad, good}}))
	got := b.receive().Msg.Body.(chord.Fetched).Records
	if diff := cmp.Diff([]overlay.Record{good}, got); diff != "" {
		t.Error(diff)
	}
	a.Send(b.Self(), a.to(b.id, chord.Store{Replica: 1, Records: []overlay.Record{bad, good}}))
	got = b.receive().Msg.Body.(chord.Store).Records
	if diff := cmp.Diff([]overlay.Record{good}, got); diff != "" {
		t.Error("copies that are handed over:", diff)
	}
}
