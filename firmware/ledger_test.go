package firmware

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"chordophone/hal"
	"chordophone/storage"
)

func TestLedger(t *testing.T) {
	db, err := storage.Open(filepath.Join(t.TempDir(), storage.File), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	l := newLedger(db, slog.New(slog.DiscardHandler))
	start := time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC)
	say := func(after time.Duration, id, state, cause string, status int) {
		l.note(start.Add(after), hal.CallState{ID: id, State: state, Peer: "102", Cause: cause, Status: status}, nil)
	}
	say(0, "out-1", "dialling", "", 0)
	say(time.Second, "out-1", "ringing", "", 0)
	say(3*time.Second, "in-1", "ended", "busy", 486) // somebody knocks in vain
	say(4*time.Second, "out-1", "connected", "", 0)
	l.note(start, hal.Ringing{On: true}, nil) // not a call
	if now := l.calls(); len(now) != 1 || now[0].state != "connected" || now[0].Incoming || now[0].Number != "102" {
		t.Errorf("in progress: %+v", now)
	}
	say(14*time.Second, "out-1", "ended", "call ended", 200)
	if now := l.calls(); len(now) != 0 {
		t.Errorf("still in progress: %+v", now)
	}

	say(20*time.Second, "refer-1", "ringing", "", 180)
	say(21*time.Second, "refer-1", "held", "", 0) // answered, and held by the far side from the start
	say(22*time.Second, "refer-1", "connected", "", 0)
	say(24*time.Second, "refer-1", "held", "", 0)
	if now := l.calls(); len(now) != 1 || now[0].state != "held" || now[0].Incoming {
		t.Errorf("in progress: %+v", now)
	}
	say(26*time.Second, "refer-1", "ended", "hung up", 0)

	ctx, cancel := context.WithCancel(t.Context())
	cancel() // what has ended is written all the same
	if err := l.run(ctx); err != nil {
		t.Fatal(err)
	}
	log, err := db.Calls(10)
	if err != nil || len(log) != 3 {
		t.Fatalf("call log: %+v, %v", log, err)
	}
	if c := log[0]; c.Incoming || c.Duration != 5*time.Second {
		t.Errorf("the call that the far side had us make: %+v", c)
	}
	log = log[1:]
	if c := log[0]; c.Incoming || c.Duration != 10*time.Second || !c.Start.Equal(start) || c.Status != 200 {
		t.Errorf("the answered call: %+v", c)
	}
	if c := log[1]; !c.Incoming || c.Duration != 0 || c.Status != 486 {
		t.Errorf("the refused call: %+v", c)
	}
}
