package firmware

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"chordophone/firmware/backup"
	"chordophone/firmware/config"
	"chordophone/overlay/identity"
	"chordophone/storage"
)

// carryOut is the program with a command line and something on standard input.
func carryOut(t *testing.T, given string, args ...string) (code int, out, errOut string) {
	t.Helper()
	dir := t.TempDir()
	file := func(name, text string) *os.File {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		return f
	}
	std := Stdio{In: file("in", given), Out: file("out", ""), Err: file("err", "")}
	code = Main(args, "1.2.3", std)
	text := func(f *os.File) string {
		b, err := os.ReadFile(f.Name())
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	return code, text(std.Out), text(std.Err)
}

// A backup comes back by the command line, into a folder that was not there; while a
// telephone runs on a folder, and for whoever does not know the passphrase, it does not.
func TestRestoreCommand(t *testing.T) {
	const passphrase = "correct horse battery staple\n"
	log := slog.New(slog.DiscardHandler)
	origin := t.TempDir()
	id, err := identity.Found("acme", 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := id.Save(origin); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(origin, "config.toml"), []byte("country = 'uk'\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := storage.Open(filepath.Join(origin, storage.File), log)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var file bytes.Buffer
	if _, err := backup.Make(&file, strings.TrimSpace(passphrase), origin, db, "1.2.3"); err != nil {
		t.Fatal(err)
	}

	// The telephone runs: its database is open.
	code, out, errOut := carryOut(t, passphrase+file.String(), "restore", "--data", origin)
	if code != exitFailed || out != "" || !strings.Contains(errOut, "another process uses the data (hint: stop the other chordophone") {
		t.Errorf("%d, %q, %q", code, out, errOut)
	}

	fresh := filepath.Join(t.TempDir(), "new", "data")
	code, _, errOut = carryOut(t, "wrong horse battery staple\n"+file.String(), "restore", "--data", fresh)
	if code != exitFailed || !strings.Contains(errOut, "wrong passphrase") || strings.Contains(errOut, "horse") {
		t.Errorf("%d, %q", code, errOut)
	}
	if _, err := identity.Load(fresh); !errors.Is(err, identity.ErrNone) {
		t.Errorf("after a wrong passphrase: %v", err)
	}

	code, out, errOut = carryOut(t, passphrase+file.String(), "restore", "--data", fresh)
	if code != exitDone || !strings.HasPrefix(out, "restored into "+fresh+": extension 101 of acme") || errOut != "" {
		t.Errorf("%d, %q, %q", code, out, errOut)
	}
	if got, err := identity.Load(fresh); err != nil || got.ID() != id.ID() {
		t.Errorf("%v", err)
	}
	if text, err := os.ReadFile(filepath.Join(fresh, "config.toml")); err != nil || string(text) != "country = 'uk'\n" {
		t.Errorf("%q, %v", text, err)
	}
	if left, err := filepath.Glob(filepath.Join(fresh, "restore-*")); err != nil || len(left) > 0 {
		t.Errorf("%q, %v", left, err)
	}
}

// What is wrong with standard input is said, with what would be right.
func TestRestoreUsage(t *testing.T) {
	dir := t.TempDir()
	for given, want := range map[string]string{
		"":                            "no passphrase; standard input is a line with the passphrase",
		"\r\nfile":                    "no passphrase",
		strings.Repeat("x", 2000):     "the first line is too long",
		"\n" + strings.Repeat("x", 9): "no passphrase",
	} {
		if code, _, errOut := carryOut(t, given, "restore", "--data", dir); code != 2 || !strings.Contains(errOut, want) {
			t.Errorf("%.9q: %d, %q", given, code, errOut)
		}
	}
	if code, _, errOut := carryOut(t, "a long passphrase\nno backup", "restore", "--data", dir); code != exitFailed || !strings.Contains(errOut, "not a backup of a telephone") {
		t.Errorf("%d, %q", code, errOut)
	}
	if _, err := readAll(t.Context(), strings.NewReader("123456"), 5); !errors.Is(err, backup.ErrNoBackup) {
		t.Errorf("too much: %v", err)
	}
}

// Who waits for a passphrase can be interrupted.
func TestRestoreIsInterrupted(t *testing.T) {
	in, typing, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	defer typing.Close()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- restore(ctx, config.Restore{Data: t.TempDir()}, Stdio{In: in}) }()
	cancel()
	select {
	case err := <-ended:
		if !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	case <-time.After(30 * time.Second):
		t.Error("it waits")
	}
}

// chordophone release is there, with its own flags, help and exit codes.
func TestReleaseCommand(t *testing.T) {
	if code, out, _ := carryOut(t, "", "release", "--help"); code != exitDone || !strings.HasPrefix(out, "usage: chordophone release COMMAND") {
		t.Errorf("%d, %q", code, out)
	}
	if code, _, errOut := carryOut(t, "", "release", "fly"); code != 2 || !strings.Contains(errOut, `no command "fly"`) {
		t.Errorf("%d, %q", code, errOut)
	}
	key := filepath.Join(t.TempDir(), "key")
	if code, _, errOut := carryOut(t, "", "release", "keygen", "--out", key); code != exitDone {
		t.Errorf("%d, %q", code, errOut)
	}
	if code, _, errOut := carryOut(t, "rubbish", "release", "verify", "--keys", key+".pub", "-"); code != exitFailed || errOut == "" {
		t.Errorf("%d, %q", code, errOut)
	}
	if code, out, _ := carryOut(t, "", "--help"); code != exitDone || !strings.Contains(out, "restore") || !strings.Contains(out, "release") {
		t.Errorf("%d, %q", code, out)
	}
	if code, out, _ := carryOut(t, "", "restore", "--help"); code != exitDone || !strings.Contains(out, "--older") || !strings.Contains(out, "--replace") {
		t.Errorf("%d, %q", code, out)
	}
}
