package telephone

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"chordophone/tools/bench/procs"
	"chordophone/tools/built"
)

// program is the telephone under test.
var program string

func TestMain(m *testing.M) {
	os.Exit(built.Run(m, "chordophone/firmware/cmd/chordophone", &program))
}

// Two telephones call each other; then one is found to be gone.
func TestCalls(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	host, err := procs.NewHost()
	if err != nil {
		t.Fatal(err)
	}
	defer host.Close()
	dir := t.TempDir()
	log := filepath.Join(dir, "log")
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(procs.Explain(err, log))
		}
	}
	var phones [2]*Phone
	for i := range phones {
		c := Config{
			Program: []string{"/usr/bin/env", program}, Data: filepath.Join(dir, fmt.Sprint(i)), Log: log,
			Listen: fmt.Sprintf("127.0.79.%d", i+1), Trust: "127.0.79.0/24", Peer: "127.0.79.1",
		}
		if i == 0 {
			c.Found = "office.test"
		}
		phones[i], err = Start(ctx, host, c)
		must(err)
	}
	// Who was called calls next: its handset is back by then, whatever it hears first.
	// A call is longer each time, until the machine has had time for some sound.
	var heard [2]bool
	for i, long := 0, time.Second/10; !heard[0] || !heard[1]; i, long = 1-i, 2*long {
		a, b := phones[i], phones[1-i]
		a.Forget()
		b.Forget()
		must(a.Dial(fmt.Sprint(102 - i)))
		must(b.Answer(ctx))
		must(a.Connected(ctx))
		time.Sleep(long)
		must(a.HangUp())
		there, err := a.Heard(ctx)
		must(err)
		back, err := b.Heard(ctx)
		must(err)
		must(b.HangUp())
		heard[i] = there.Received > 0 && back.Received > 0
	}
	must(phones[1].Kill())
	if err := phones[1].Answer(ctx); err == nil || !strings.Contains(err.Error(), "127.0.79.2 ended while it was waited for: the bell") {
		t.Error(err)
	}
}

// One that does not start says why.
func TestDoesNotStart(t *testing.T) {
	host, err := procs.NewHost()
	if err != nil {
		t.Fatal(err)
	}
	defer host.Close()
	dir := t.TempDir()
	c := Config{Program: []string{program}, Data: dir, Log: filepath.Join(dir, "log"), Listen: "127.0.79.3", Trust: "nonsense", Found: "office.test"}
	_, err = Start(t.Context(), host, c)
	if err = procs.Explain(err, c.Log); err == nil || !strings.Contains(err.Error(), "ended while it was waited for: ready") || !strings.Contains(err.Error(), "nonsense") {
		t.Error(err)
	}
}
