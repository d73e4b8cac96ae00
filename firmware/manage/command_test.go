package manage

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"chordophone/tools/story"
)

// TestTranscripts types what stands behind the $ signs in testdata and compares
// the answers (what it is given stands behind <<<, quoted as in Go): standard output as it is, standard error after "! ", the exit
// status if it is not 0.
func TestTranscripts(t *testing.T) {
	story.Play(t, "testdata/*.txt", 8, func(t *testing.T, text string) string {
		client := start(t, &fakePhone{packets: 3, messages: somePosts()}).dial()
		var got bytes.Buffer
		for line := range strings.Lines(text) {
			figures := strings.HasPrefix(line, "# HELP ") || strings.HasPrefix(line, "# TYPE ")
			if strings.HasPrefix(line, "# ") && !figures {
				got.WriteString(line)
			}
			command, ok := strings.CutPrefix(line, "$ ")
			if !ok {
				continue
			}
			got.WriteString(line)
			command, quoted, given := strings.Cut(strings.TrimSuffix(command, "\n"), " <<< ")
			in := ""
			if given {
				var err error
				if in, err = strconv.Unquote(quoted); err != nil {
					t.Fatal(line, err)
				}
			}
			out, errOut, status := feed(t, client, command, in)
			if strings.Contains(command, "capture") {
				out = fmt.Sprintf("(%d octets)\n", len(out))
			}
			got.WriteString(out)
			for line := range strings.Lines(errOut) {
				got.WriteString("! " + line)
			}
			if status != 0 {
				fmt.Fprintf(&got, "exit %d\n", status)
			}
		}
		return got.String()
	})
}

// Each command has its answers in testdata, as text and as JSON, its help, and
// its names in JSON as the interface says.
func TestEveryCommand(t *testing.T) {
	var all strings.Builder
	files, _ := filepath.Glob("testdata/*.txt")
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	for _, c := range commands() {
		var text, asJSON bool
		for line := range strings.Lines(all.String()) {
			if words := strings.Fields(line); len(words) > 1 && words[0] == "$" && words[1] == c.name {
				j := slices.Contains(words, "--json")
				text, asJSON = text || !j, asJSON || j
			}
		}
		if !text || !asJSON {
			t.Errorf("%s: text %v, JSON %v in testdata", c.name, text, asJSON)
		}
		if c.summary == "" || !strings.HasPrefix(c.example, c.name) {
			t.Errorf("%s: no summary or no example of it", c.name)
		}
	}

	client := start(t, new(fakePhone)).dial()
	for line, names := range map[string]string{
		"status --json":     "extension office node uptime_s ready version calls registrations ring memory_bytes",
		"lookup 102 --json": "aor bindings hops ms",
		"ring --json":       "self predecessors successors fingers size",
	} {
		out, _, _ := do(t, client, line)
		var v map[string]any
		if err := json.Unmarshal([]byte(out), &v); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		for _, name := range strings.Fields(names) {
			if v[name] == nil {
				t.Errorf("%s: no %s", line, name)
			}
		}
	}
}

// What others have chosen, a caller's name say, cannot command a terminal.
func TestNothingCommandsATerminal(t *testing.T) {
	client := start(t, &fakePhone{messages: somePosts()}).dial()
	for _, line := range []string{"calls", "calls --json", "messages", "messages --json", "messages read 4xz", "lookup '\x1b[2J'", "\x1b[2J", "log --json"} {
		out, errOut, _ := do(t, client, line)
		for _, r := range strings.ReplaceAll(out+errOut, "\n", "") {
			if unprintable(r) {
				t.Errorf("%q prints %q", line, r)
			}
		}
	}
	out, _, _ := do(t, client, "calls --json")
	var calls []Call
	if err := json.Unmarshal([]byte(out), &calls); err != nil || len(calls) != 2 || calls[1].Name != "Eve\x1b[2J\u009b31m\u202e" {
		t.Errorf("%v, %+v", err, calls)
	}
	if b := escape([]byte("\"a\U000e0001\"")); string(b) != `"a\udb40\udc01"` {
		t.Errorf("%s", b)
	}
}

func TestErrorsTakeOneLine(t *testing.T) {
	client := start(t, new(brokenPhone)).dial()
	_, errOut, status := do(t, client, "status")
	if errOut != "status: the ring is broken\n" || status != exitFailed {
		t.Errorf("%q %d", errOut, status)
	}
}

func TestSplit(t *testing.T) {
	for line, want := range map[string][]string{
		"":                      nil,
		" \t ":                  nil,
		"a  b":                  {"a", "b"},
		`a\ b 'c d' "e f"`:      {"a b", "c d", "e f"},
		`'' ""`:                 {"", ""},
		`a'b'"c"d`:              {"abcd"},
		`"a\"b\\c\d" 'e\f' \'g`: {`a"b\c\d`, `e\f`, "'g"},
		"$HOME `ls` * ;|&":      {"$HOME", "`ls`", "*", ";|&"},
		"ü\tΩ":                  {"ü", "Ω"},
	} {
		if got, err := split(line); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %q, %v; want %q", line, got, err, want)
		}
	}
	for _, line := range []string{`'`, `"a`, `a\`, `"\"`} {
		if got, err := split(line); err == nil {
			t.Errorf("%q: %q", line, got)
		}
	}
}

// Words in quotes come back as they were.
func FuzzSplit(f *testing.F) {
	f.Add("status --json", "a b")
	f.Add(`it's "so"\`, "")
	f.Fuzz(func(t *testing.T, a, b string) {
		split(a)
		a, b = strings.ToValidUTF8(a, "?"), strings.ToValidUTF8(b, "?")
		line := "'" + strings.ReplaceAll(a, "'", `'\''`) + `' "` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(b) + `"`
		got, err := split(line)
		if err != nil || !slices.Equal(got, []string{a, b}) {
			t.Errorf("%q: %q, %v", line, got, err)
		}
	})
}

// No command line makes it panic, and each ends with a known status.
func FuzzCommand(f *testing.F) {
	for _, c := range commands() {
		f.Add(c.example)
		f.Add(c.name + " --json 103")
	}
	f.Add("revoke 8000")
	f.Add("calls --last -1")
	f.Add("capture --for -1s x")
	f.Add("enrol --help")
	f.Fuzz(func(t *testing.T, line string) {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		var out, errOut bytes.Buffer
		phone := &fakePhone{packets: 1, stuck: make(chan string, 1)}
		s := &shell{phone: phone, role: admin, log: discard, in: strings.NewReader("a long passphrase\nx"), out: &out, err: &errOut}
		status := s.do(ctx, line)
		if status < 0 || status > 2 || status != 0 && strings.Count(errOut.String(), "\n") != 1 {
			t.Errorf("%q: status %d, says %q", line, status, errOut.String())
		}
	})
}

func TestUsage(t *testing.T) {
	for name, want := range map[string]string{
		"help":   "help [COMMAND] [--json]",
		"calls":  "calls [--json] [--last N]",
		"log":    "log [--follow] [--json]",
		"enrol":  "enrol open|close|replace EXT [--json]",
		"status": "status [--json]",
	} {
		if got := find(name).usage(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
