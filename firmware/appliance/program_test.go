package appliance

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"chordophone/firmware/appliance/beat"
	"chordophone/firmware/appliance/guard"
)

// TestMain is also the program that tests start.
func TestMain(m *testing.M) {
	if os.Args[0] == "program" {
		program0(os.Args[1])
	}
	os.Exit(m.Run())
}

// program0 does what its argument says.
func program0(what string) {
	switch what {
	case "lives":
		fmt.Println("on standard output")
		fmt.Fprintln(os.Stderr, strings.Repeat("x", 3*maxLine)+"end")
		fmt.Fprint(os.Stderr, os.Getenv("WHAT"))
		line, err := beat.Open()
		if err != nil {
			os.Exit(9)
		}
		line.Tell(beat.Message{Kind: beat.Named, Text: "chordophone-101"})
		line.Run(context.Background())
		os.Exit(8)
	case "code":
		os.Exit(125)
	}
	os.Exit(7)
}

// told collects what a program says, and what it tells.
type told struct {
	mu   sync.Mutex
	log  []string
	said []beat.Message
}

func (c *told) line(s string)          { c.mu.Lock(); defer c.mu.Unlock(); c.log = append(c.log, s) }
func (c *told) message(m beat.Message) { c.mu.Lock(); defer c.mu.Unlock(); c.said = append(c.said, m) }

func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not within a minute: " + what)
		}
	}
}

// ended waits for the end of a program.
func ended(t *testing.T, p *program) (code int) {
	t.Helper()
	until(t, "the program ends", func() bool {
		for _, r := range reap() {
			if r.pid == p.pid {
				code = r.code
				return true
			}
		}
		return false
	})
	return code
}

// What a program writes and tells is passed on, a signal reaches it, and its end is seen.
func TestProgram(t *testing.T) {
	var c told
	p, err := start("program", []string{"lives"}, []string{"WHAT=no end of line"}, c.line, c.message)
	if err != nil {
		t.Fatal(err)
	}
	until(t, "it is heard", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return len(c.log) >= 2 && len(c.said) >= 2
	})
	p.end(guard.Kill)
	if code := ended(t, p); code != -1 {
		t.Errorf("code %d of a signal", code)
	}
	until(t, "the last line is heard", func() bool { c.mu.Lock(); defer c.mu.Unlock(); return len(c.log) == 3 })
	if c.log[0] != "on standard output" || c.log[1] != strings.Repeat("x", maxLine) || c.log[2] != "no end of line" {
		t.Errorf("%.60q", c.log)
	}
	if c.said[0].Text != "chordophone-101" && c.said[1].Text != "chordophone-101" {
		t.Errorf("%+v", c.said)
	}
	p.end(guard.Term) // who is gone is gone
}

// Codes are passed on; a program that was told to end with a trace shows it.
func TestProgramEnds(t *testing.T) {
	var c told
	p, err := start("program", []string{"code"}, nil, c.line, c.message)
	if err != nil {
		t.Fatal(err)
	}
	if code := ended(t, p); code != 125 {
		t.Errorf("code %d", code)
	}
	p, err = start("program", []string{"lives"}, nil, c.line, c.message)
	if err != nil {
		t.Fatal(err)
	}
	until(t, "it lives", func() bool { c.mu.Lock(); defer c.mu.Unlock(); return len(c.said) > 0 })
	p.end(guard.Quit)
	ended(t, p)
	until(t, "its trace is in the log", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return strings.Contains(strings.Join(c.log, "\n"), "beat.(*Line).Run")
	})
}

func TestKernelLine(t *testing.T) {
	for line, want := range map[string]string{
		"3,812,1743593,-;EXT4-fs error (device vda4): bad\n": "EXT4-fs error (device vda4): bad",
		"28,1,2,-;a warning of another facility\n":           "a warning of another facility",
		"6,812,1743593,-;chatter\n":                          "",
		" SUBSYSTEM=usb\n":                                   "",
		"":                                                   "",
	} {
		if got, ok := kernelLine(line); got != want && ok || ok != (want != "") {
			t.Errorf("%q: %q, %v", line, got, ok)
		}
	}
}

// What is seen of the card becomes what a person is told.
func TestCardState(t *testing.T) {
	for _, tc := range []struct {
		s    cardState
		want int
	}{
		{cardState{free: 50, size: 1000}, 0}, {cardState{free: 49, size: 1000}, 1},
		{cardState{errors: 1, free: 900, size: 1000}, 1}, {cardState{errors: 1, size: 1000}, 2},
	} {
		if got := tc.s.faults(); len(got) != tc.want {
			t.Errorf("%+v: %v", tc.s, got)
		}
	}
	if all := union([]beat.Fault{faultFull, faultWorn}, []beat.Fault{faultWorn}, nil); len(all) != 2 {
		t.Error(all)
	}
	var fs unix.Statfs_t
	if err := unix.Statfs(t.TempDir(), &fs); err != nil {
		t.Fatal(err)
	}
	if s, err := look(t.TempDir(), &card{errors: 2}); err != nil || s.errors != 2 || s.readOnly || s.size == 0 {
		t.Error(s, err)
	}
	if _, err := look("/nowhere", &card{}); err == nil {
		t.Error("nowhere is a folder")
	}
}

// A configuration that was refused is left out, and with it the board file.
func TestTelephoneArgs(t *testing.T) {
	dir := t.TempDir()
	if got := strings.Join(telephoneArgs(dir, false), " "); got != "run --data "+dir+" --ssh-port 22" {
		t.Error(got)
	}
	os.WriteFile(dir+"/"+boardFile, nil, 0o600)
	if got := strings.Join(telephoneArgs(dir, false), " "); got != "run --data "+dir+" --ssh-port 22 --board "+dir+"/phone.board" {
		t.Error(got)
	}
	if got := strings.Join(telephoneArgs(dir, true), " "); strings.Contains(got, "--board") || !strings.Contains(got, "--config") {
		t.Error(got)
	}
}
