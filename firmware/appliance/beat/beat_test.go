package beat

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// line is both ends.
func line(t *testing.T) (guard *net.UnixConn, l *Line) {
	t.Helper()
	guard, program, err := Pair()
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.FileConn(program)
	program.Close()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { guard.Close() })
	guard.SetDeadline(time.Now().Add(30 * time.Second))
	l = New(c.(*net.UnixConn))
	l.every = 10 * time.Millisecond
	return guard, l
}

// alive waits for a message about the loops that is as wanted.
func alive(t *testing.T, guard *net.UnixConn, want func(map[string]uint64) bool) {
	t.Helper()
	for {
		m, err := Receive(guard)
		if err != nil {
			t.Fatal(err)
		}
		counts := map[string]uint64{}
		for _, p := range m.Pulses {
			counts[p.Loop] = p.Count
		}
		if m.Kind == Alive && want(counts) {
			return
		}
	}
}

// A loop that hangs stops its own count and nobody else's; Run waits for its probes.
func TestHungLoop(t *testing.T) {
	guard, l := line(t)
	l.Loop("good", func(context.Context) error { return nil })
	l.Loop("hung", func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
	l.Loop("sick", func(context.Context) error { return errors.New("no") })
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- l.Run(ctx) }()
	alive(t, guard, func(c map[string]uint64) bool {
		return c["good"] >= 2 && c["hung"] == 0 && c["sick"] == 0 && len(c) == 3
	})
	l.Forget("hung")
	alive(t, guard, func(c map[string]uint64) bool { return len(c) == 2 })
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// What the guard says reaches the program, the newest only; the end of the line ends Run.
func TestHealth(t *testing.T) {
	guard, l := line(t)
	ended := make(chan error, 1)
	go func() { ended <- l.Run(t.Context()) }()
	guard.Write([]byte("{"))
	for _, text := range []string{"a", "b", "c"} {
		if err := Send(guard, Message{Kind: Health, Faults: []Fault{{text, "hint"}}}); err != nil {
			t.Fatal(err)
		}
	}
	for last := ""; last != "c"; {
		faults := <-l.Health()
		last = faults[0].Message
	}
	if err := l.Tell(Message{Kind: Trouble, Faults: []Fault{{strings.Repeat("ä", 1000), ""}}}); err != nil {
		t.Fatal(err)
	}
	for {
		m, err := Receive(guard)
		if err != nil {
			t.Fatal(err)
		}
		if m.Kind == Trouble {
			if m.Faults[0].Message != strings.Repeat("ä", 128) {
				t.Errorf("%q", m.Faults[0].Message)
			}
			break
		}
	}
	guard.Close()
	if err := <-ended; err != nil {
		t.Log(err) // either side may notice first
	}
}

// Without a guard nothing is done and nothing fails.
func TestNobodyGuards(t *testing.T) {
	l, err := Open()
	if l != nil || err != nil {
		t.Fatal(l, err)
	}
	l.Loop("x", nil)
	l.Forget("x")
	l.Busy(nil)
	if l.Health() != nil || l.Tell(Message{Kind: Reboot}) != nil || l.Run(t.Context()) != nil {
		t.Error("something is done")
	}
}

func TestParse(t *testing.T) {
	for _, bad := range []string{
		"", "{", `{}`, `{"kind":"x"}`, `{"kind":"alive","pulses":[` + strings.Repeat(`{"loop":"a"},`, 32) + `{}]}`,
		`{"kind":"named","text":"` + strings.Repeat("a", 257) + `"}`,
		`{"kind":"trouble","faults":[{"message":"` + strings.Repeat("a", 257) + `"}]}`,
	} {
		if m, err := Parse([]byte(bad)); !errors.Is(err, ErrBad) {
			t.Errorf("%.60s: %v, %v", bad, m, err)
		}
	}
	if m, err := Parse([]byte(`{"kind":"named","text":"chordophone-101"}`)); err != nil || m.Text != "chordophone-101" {
		t.Error(m, err)
	}
	guard, l := line(t)
	if err := l.Tell(Message{Kind: Shift, By: -time.Minute}); err != nil {
		t.Error(err)
	}
	if m, err := Receive(guard); err != nil || m.Kind != Shift || m.By != -time.Minute {
		t.Error(m, err)
	}
	l.conn.Close()
	if _, err := Receive(guard); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
}
