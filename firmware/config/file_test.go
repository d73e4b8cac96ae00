package config

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net/netip"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestFile(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "d/config.toml", `
extension = 104     # a number is good, too
no-discovery = true
peer = ["127.0.0.11", "127.0.0.12:7000"]
log-level = "warn"
account = "soft:secret"
country = "fr"
update-hours = "any"
update-soak = "1m"
`)
	cmd, err := Parse([]string{"run", "--data", "d", "--country", "us", "--peer", "127.0.0.99"}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	want := &Run{
		Data: "d", Mic: "none", Ear: "none", PacketTime: 20, Extension: "104", NoDiscovery: true, LogLevel: slog.LevelWarn, LogFormat: "text", DNS: 53, SSH: 2222,
		UpdateHours: hours(t, "any"), UpdateSoak: time.Minute, TimeZone: "Local",
		Accounts: []Account{{"soft", "secret"}},
		Country:  "us",                                                 // the flag overrides the file,
		Peers:    []Peer{{netip.MustParseAddrPort("127.0.0.99:6084")}}, // wholly
	}
	if !reflect.DeepEqual(bare(cmd), want) {
		t.Errorf("got %+v\nwant %+v", cmd, want)
	}

	// The same by name; then it may say where the data is.
	write(t, "elsewhere.toml", "data = 'e'\nfound = 'acme'")
	cmd, err = Parse([]string{"run", "--config", "elsewhere.toml"}, io.Discard)
	if r, ok := cmd.(*Run); err != nil || !ok || r.Data != "e" || r.Found != "acme" || r.File() != "elsewhere.toml" {
		t.Errorf("%+v, %v", cmd, err)
	}
	if err := CheckFile("elsewhere.toml"); err != nil {
		t.Error(err)
	}
}

func TestBadFile(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"extension = 101\nlog_level = 'info'", "config.toml:2: log_level: unknown key; did you mean log-level?"},
		{"\n\nteapot = 1", "config.toml:3: teapot: unknown key; known are data, listen,"},
		{"a.b = 1", "config.toml:1: a.b: unknown key"},
		{"[run]\nextension = 101", "config.toml:1: run: sections are not used"},
		{"[[run]]", "config.toml:1: run: sections are not used"},
		{"extension = 101\nextension = 102", "config.toml:2:"},
		{"extension = ", "config.toml:1:"},
		{"\x00\xff", "config.toml:1:1"},
		{"country = 'eu'\nextension = 99", `config.toml:2: extension: "99" cannot be an extension; want a number from 100 to 9999`},
		{"listen = 'x'", "config.toml:1: listen: "},
		{"listen = 'x'", "such as 192.0.2.7"},
		{"listen = ['127.0.0.1']", "config.toml:1: listen: one value, not a list"},
		{"listen = 1.5", "config.toml:1: listen: a value of the wrong kind"},
		{"peer = [['x']]", "config.toml:1: peer: a value of the wrong kind"},
		{"no-discovery = 'perhaps'", `config.toml:1: no-discovery: "perhaps" is neither; want true or false`},
		{"log-level = 'loud'", "config.toml:1: log-level: "},
		{"account = ['a:b', 'c']", "config.toml:1: account: no ':'"},
		{"config = 'x'", "config.toml:1: config: not for the file; give --config on the command line"},
		{"data = 'e'", "config.toml:1: data: this file lies in the data folder"},
		{"found = 'a'\njoin = '123456'", "config.toml:1: found and d/config.toml:2: join: "},
		{strings.Repeat("#", mostBytes+1), "d/config.toml: longer than 64 KiB"},
	} {
		t.Run(c.want, func(t *testing.T) {
			t.Chdir(t.TempDir())
			write(t, "d/config.toml", c.text)
			_, err := Parse([]string{"run", "--data", "d"}, io.Discard)
			var e *Error
			if !errors.As(err, &e) || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%v\nlacks %q", err, c.want)
			}
		})
	}
	t.Run("unreadable", func(t *testing.T) {
		t.Chdir(t.TempDir())
		if err := os.MkdirAll("d/config.toml", 0o700); err != nil {
			t.Fatal(err)
		}
		_, err := Parse([]string{"run", "--data", "d"}, io.Discard)
		var e *Error
		if err == nil || errors.As(err, &e) {
			t.Errorf("%v: want a failure, not bad usage", err)
		}
		if err := CheckFile("none.toml"); !errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
	})
}

// TestPrint: the printed file changes nothing, shows every key, and its examples
// are right.
func TestPrint(t *testing.T) {
	var b bytes.Buffer
	if err := Print(&b); err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	write(t, "d/config.toml", b.String())
	got, err := Parse([]string{"run", "--data", "d"}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	want := defaults()
	want.Data = "d"
	if !reflect.DeepEqual(bare(got), want) {
		t.Errorf("the printed file changes\n%+v to\n%+v", want, got)
	}
	for _, f := range keys() {
		name := f.Tag.Get("name")
		line := regexp.MustCompile(`(?m)\n# .+\n(#?)` + name + ` = .+\n`).FindString(b.String())
		if line == "" {
			t.Errorf("%s is not there, or without a word", name)
			continue
		}
		line = strings.TrimPrefix(strings.Split(strings.TrimSpace(line), "\n")[1], "#")
		write(t, "one.toml", line)
		if err := CheckFile("one.toml"); err != nil {
			t.Errorf("%s: %v", line, err)
		}
	}
	for _, line := range strings.Split(b.String(), "\n") {
		if len(line) > 86 {
			t.Errorf("%q is too long", line)
		}
	}
}

func FuzzFile(f *testing.F) {
	f.Add("extension = 101\npeer = ['127.0.0.1']\n[a]\nb.c = 1\n")
	f.Add("account = ['a:b']\nlog-level='debug'\nno-discovery = 1")
	f.Add("a = {b = 1, c = [1, 2]}\n\"\\u0000\" = 1979-05-27")
	f.Fuzz(func(t *testing.T, text string) {
		src := source{}
		r := defaults()
		if err := r.apply("f", []byte(text), src); err == nil {
			_ = r.check(src)
		}
	})
}
