package manage

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

func TestPrompt(t *testing.T) {
	phone := &fakePhone{stuck: make(chan string, 1)}
	c := start(t, phone)
	k := sit(t, c.dial(), "")
	k.sees("Ctrl-D leaves.\r\n")
	k.sees("101@acme> ")
	k.types("sta\t\r")
	k.sees("status ")
	k.sees("uptime         3 d 4 h\r\n")
	k.sees("101@acme> ")
	k.types("revoke \t\t")
	k.sees("101  102  103")
	k.types("\x03version\r") // Ctrl-C clears the line
	k.sees("\r\nchordophone 1.2.3")
	k.types("lookup slow\r")
	<-phone.stuck
	k.types("x\x03") // and interrupts
	k.sees("lookup: interrupted\r\n101@acme> ")
	if err := k.session.WindowChange(10, 1<<31); err != nil {
		t.Fatal(err)
	}
	k.types("\x1b[A\r") // up: again
	<-phone.stuck
	k.types("\x03")
	k.sees("lookup: interrupted\r\n101@acme> ")
	k.types("capture\r")
	k.sees("not for a terminal")
	k.types("\r  \rmake coffee\r")
	k.sees("make: no such command")
	k.types("\x04")
	if status := k.status(); status != 0 {
		t.Errorf("exit %d", status)
	}

	k = sit(t, c.dial(), "")
	k.types("exit\r")
	if status := k.status(); status != 0 {
		t.Errorf("exit %d", status)
	}
}

// A command with a terminal writes for it, and is interrupted at it.
func TestCommandAtTerminal(t *testing.T) {
	c := start(t, &fakePhone{stuck: make(chan string, 1)})
	client := c.dial()
	k := sit(t, client, "log -f")
	k.sees("level=INFO msg=started\r\n")
	k.types("\x03")
	if status := k.status(); status != 0 {
		t.Errorf("exit %d", status)
	}
	k = sit(t, client, "capture")
	k.sees("wireshark -k -i -)\r\n")
	if status := k.status(); status != exitUsage {
		t.Errorf("exit %d", status)
	}
}

func TestNoTerminal(t *testing.T) {
	session, err := start(t, new(fakePhone)).dial().NewSession()
	if err != nil {
		t.Fatal(err)
	}
	var errOut bytes.Buffer
	session.Stderr = &errOut
	if err := session.Shell(); err != nil {
		t.Fatal(err)
	}
	var exit *ssh.ExitError
	if err := session.Wait(); !errors.As(err, &exit) || exit.ExitStatus() != exitUsage || !strings.Contains(errOut.String(), "ssh -t") {
		t.Errorf("%v: %q", err, errOut.String())
	}
}

// The end of the phone is told at its prompts.
func TestStopAtPrompt(t *testing.T) {
	c := start(t, new(fakePhone))
	k := sit(t, c.dial(), "")
	k.sees("101@acme> ")
	c.stop()
	k.sees("\r\nthe phone is going down\r\n")
	if status := k.status(); status != exitFailed {
		t.Errorf("exit %d", status)
	}
}

func TestComplete(t *testing.T) {
	s := &shell{role: admin, phone: &fakePhone{
		accounts: []Account{{User: "alice"}, {User: "al\x1b[2J"}}, contacts: []Contact{{Number: "102"}}, messages: somePosts(),
	}}
	for line, want := range map[string]string{
		"s":          "s|status selftest",
		"st":         "status ",
		"config ":    "config |get set show unset",
		"config g":   "config get ",
		"re":         "re|registrations revoke restore reboot",
		"rev":        "revoke ",
		"":           "|" + strings.Join(names(), " "),
		"xyz":        "xyz",
		"revoke 1":   "revoke 10",
		"revoke 10":  "revoke 10|101 102 103",
		"lookup 102": "lookup 102 ",
		"lookup 1 ":  "lookup 1 ",
		"lookup ali": "lookup alice ",

		"accounts remove ":   "accounts remove al",
		"accounts remove al": "accounts remove al|alice al?[2J",
		"accounts add a":     "accounts add a",
		"contacts set 10":    "contacts set 10|101 102 103",
		"contacts remove ":   "contacts remove 102 ",
		"messages read 4XZ":  "messages read 4XZZBBBB ",
		"messages list 4":    "messages list 4",
		"config set n":       "config set name ",
		"config get w":       "config get wifi ",
		"config set name w":  "config set name w",
		"calls --json --l":   "calls --json --last ",
		"update s":           "update status ",
		"restore --":         "restore --|--json --older --replace",

		"enrol o":   "enrol open ",
		"enrol rep": "enrol replace ",
		"help tr":   "help trace ",
		"log -":     "log --",
		"log --f":   "log --follow ",
		"status 1":  "status 1",
		"nothing x": "nothing x",
	} {
		done, choices := s.complete(context.Background(), line)
		if choices != nil {
			done += "|" + strings.Join(choices, " ")
		}
		if done != want {
			t.Errorf("%q becomes %q, want %q", line, done, want)
		}
	}
	if p := commonPrefix([]string{"über", "übel", "ü"}); p != "ü" {
		t.Errorf("%q", p)
	}
}

// What is typed while nobody reads is bounded, and Ctrl-C still works.
func TestTypedAhead(t *testing.T) {
	k := newKeys()
	ctx, cancel := context.WithCancel(context.Background())
	k.interruptible(ctx, func(ctx context.Context) int {
		k.pump(strings.NewReader(strings.Repeat("x", 3*maxTyped)))
		if len(k.typed) != maxTyped {
			t.Errorf("%d octets kept", len(k.typed))
		}
		k.pump(strings.NewReader("\x03y"))
		if ctx.Err() == nil {
			t.Error("not interrupted")
		}
		return 0
	})
	cancel()
	got, err := io.ReadAll(k)
	if string(got) != "y" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if !slices.Equal(k.typed, nil) {
		t.Errorf("left: %q", k.typed)
	}
}
