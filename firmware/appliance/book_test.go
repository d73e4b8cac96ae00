package appliance

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"chordophone/firmware/appliance/logfile"
)

// A card that hangs keeps nobody from saying something; when the log leaves the card,
// what was said before is on it.
func TestBook(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "data", "log", "log")
	if err := os.MkdirAll(filepath.Dir(fifo), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mkfifo(fifo, 0o600); err != nil { // nobody reads: to open it is to wait
		t.Fatal(err)
	}
	slow := testBook(filepath.Join(dir, "memory"))
	slow.keep(filepath.Join(dir, "data"))
	for range 3 * waiting {
		slow.line("telephone", "hello")
		slow.flush()
	}
	slow.forget()
	if b, _ := os.ReadFile(filepath.Join(dir, "memory")); strings.Count(string(b), "telephone: hello\n") != 3*waiting {
		t.Error("not all is in memory")
	}
	// Let the writer go.
	r, err := os.OpenFile(fifo, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	<-slow.ended

	b := testBook(filepath.Join(dir, "memory2"))
	b.keep(filepath.Join(dir, "data2"))
	b.line("telephone", "one")
	b.line("guard", "two\xff")
	b.forget()
	b.forget()
	b.line("guard", "three")
	if got, err := os.ReadFile(filepath.Join(dir, "data2/log/log")); string(got) != "telephone: one\nguard: two?\n" {
		t.Errorf("%q, %v", got, err)
	}
}

func testBook(path string) *book {
	b := newBook(true)
	b.memory, b.console = logfile.Open(path, logfile.Memory), io.Discard
	return b
}

// Where the console is to be quiet, what is wrong is said all the same, and all of it is
// in the log.
func TestQuietConsole(t *testing.T) {
	said := [][2]string{
		{`time=2026-11-22T12:00:00.000Z level=INFO msg="it rings"`, ""},
		{`time=2026-11-22T12:00:00.000Z level=WARN msg="no level=ERROR msg"`, ""},
		{`{"time":"2026-11-22T12:00:00.000Z","level":"DEBUG","msg":"x"}`, ""},
		{`time=2026-11-22T12:00:00.000Z level=ERROR msg="no console" err="the port is taken level=INFO msg"`, "telephone"},
		{`{"time":"2026-11-22T12:00:00.000Z","level":"ERROR","msg":"x"}`, "telephone"},
		{"chordophone: no identity (hint: found an office)", "telephone"},
		{"panic: BUG", "telephone"},
	}
	for _, quiet := range []bool{true, false} {
		var screen bytes.Buffer
		path := filepath.Join(t.TempDir(), "memory")
		b := testBook(path)
		b.console, b.quiet = &screen, quiet
		var want, all string
		for _, s := range said {
			b.telephone("telephone", s[0])
			all += "telephone: " + s[0] + "\n"
			if s[1] != "" {
				want += "telephone: " + s[0] + "\n"
			}
		}
		b.line("guard", "card mmcblk0")
		b.wrong("guard", "no card")
		all += "guard: card mmcblk0\nguard: no card\n"
		want += "guard: no card\n"
		if !quiet {
			want = all
		}
		if screen.String() != want {
			t.Errorf("quiet %t: on the console\n%s\nwant\n%s", quiet, &screen, want)
		}
		if kept, err := os.ReadFile(path); string(kept) != all {
			t.Errorf("quiet %t: in the log\n%s\nwant\n%s\n%v", quiet, kept, all, err)
		}
	}
}

// The work on the card: what it finds, and where the data goes.
func TestKeeper(t *testing.T) {
	c := used(t)
	var kept [][]byte
	k := keeper{medium: c, dir: c.dir, keep: func(b []byte) error { kept = append(kept, b); return nil }}
	r := k.work(duty{look: true, clock: true, vault: true})
	if !r.looked || r.moved || len(r.notes) > 0 || len(kept) != 1 || string(kept[0]) != string(vault(t, "me")) {
		t.Errorf("%+v, kept %q", r, kept)
	}
	if _, err := os.Stat(filepath.Join(c.dir, "clock")); err != nil {
		t.Error(err)
	}
	c.errors = 1
	if r := k.work(duty{look: true}); r.errors != 1 || r.moved || len(r.faults) != 1 || r.faults[0] != faultErrors {
		t.Errorf("%+v", r)
	}
	k.memory = true
	if r := k.work(duty{look: true, vault: true}); r.looked || len(kept) != 1 {
		t.Errorf("in memory: %+v", r)
	}
}
