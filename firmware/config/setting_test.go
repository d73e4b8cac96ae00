package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// running is a telephone with a configuration file that was started with flags.
func running(t *testing.T, file string, flags ...string) *Run {
	t.Helper()
	t.Chdir(t.TempDir())
	write(t, "d/config.toml", file)
	cmd, err := Parse(append([]string{"run", "--data", "d"}, flags...), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	return cmd.(*Run)
}

// of is the report on one key.
func (r Report) of(key string) Setting {
	i := slices.IndexFunc(r.Settings, func(s Setting) bool { return s.Key == key })
	if i < 0 {
		return Setting{}
	}
	return r.Settings[i]
}

// What holds is told with where it comes from, and what the file says by now.
func TestReport(t *testing.T) {
	r := running(t, "extension = 104\nname = 'Anna'\npeer = ['192.0.2.1', '192.0.2.2:7000']\nlog-level = 'WARN'\n", "--name", "Zoë", "--no-discovery")
	want := map[string]Setting{
		"extension":    {Key: "extension", Values: []string{"104"}, Source: FromFile},
		"name":         {Key: "name", Values: []string{"Zoë"}, Source: FromFlag},
		"peer":         {Key: "peer", Values: []string{"192.0.2.1:6084", "192.0.2.2:7000"}, Source: FromFile},
		"no-discovery": {Key: "no-discovery", Values: []string{"true"}, Source: FromFlag},
		"call-waiting": {Key: "call-waiting", Values: []string{"false"}, Source: FromDefault},
		"ssh-port":     {Key: "ssh-port", Values: []string{"2222"}, Source: FromDefault},
		"listen":       {Key: "listen", Values: []string{}, Source: FromDefault},
		"floating":     {Key: "floating", Values: []string{}, Source: FromDefault},
		"log-level":    {Key: "log-level", Values: []string{"warn"}, Source: FromFile},
		"data":         {Key: "data", Values: []string{"d"}, Source: FromFlag},
	}
	report := r.Report()
	if report.File != "d/config.toml" || report.Problem != "" || len(report.Settings) != len(keys()) {
		t.Errorf("%+v", report)
	}
	for key, w := range want {
		if got := report.of(key); !reflect.DeepEqual(got, w) {
			t.Errorf("%+v, want %+v", got, w)
		}
	}

	write(t, "d/config.toml", "extension = 105\nname = 'Bert'\nhot-line = '100'\n")
	report = r.Report()
	for key, next := range map[string][]string{"extension": {"105"}, "hot-line": {"100"}, "peer": {}, "log-level": {"info"}} {
		if got := report.of(key); !got.Changed || !slices.Equal(got.Next, next) {
			t.Errorf("%+v: next is not %q", got, next)
		}
	}
	if got := report.of("name"); got.Changed || got.Values[0] != "Zoë" {
		t.Errorf("the flag does not win: %+v", got)
	}
	if got := report.of("extension"); got.Values[0] != "104" {
		t.Errorf("what holds is lost: %+v", got)
	}

	write(t, "d/config.toml", "extension = 99\n")
	if report = r.Report(); !strings.Contains(report.Problem, `config.toml:1: extension: "99"`) || report.of("extension").Changed {
		t.Errorf("%+v", report)
	}
	if err := os.Remove("d/config.toml"); err != nil {
		t.Fatal(err)
	}
	if report = r.Report(); report.Problem != "" || !report.of("extension").Changed {
		t.Errorf("%+v", report)
	}
}

// No secret is in a report, neither one that holds nor one that will.
func TestReportHasNoSecrets(t *testing.T) {
	const now, next = "Tr0ub4dor", "c0rrecthorse"
	r := running(t, "wifi = 'net:"+now+"'\naccount = ['soft:"+now+"']\n", "--pairing-code", "135790")
	for _, file := range []string{"", "wifi = 'net:" + next + "'\njoin = '246802'\naccount = ['soft:" + next + "']\n"} {
		if file != "" {
			write(t, "d/config.toml", file)
		}
		report := r.Report()
		b, err := json.Marshal(report)
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{now, next, "135790", "246802", "net:"} {
			if text := string(b) + fmt.Sprintf("%+v", report); strings.Contains(text, secret) {
				t.Errorf("%s shows in %s", secret, text)
			}
		}
		if got := report.of("account"); !slices.Equal(got.Values, []string{"soft:" + stars}) || got.Changed != (file != "") {
			t.Errorf("%+v", got)
		}
		if got := report.of("wifi"); !slices.Equal(got.Values, []string{stars}) || got.Changed != (file != "") {
			t.Errorf("%+v", got)
		}
	}
}

// Only the one key changes: order, remarks and spaces are those of whoever wrote the
// file.
func TestEdit(t *testing.T) {
	const file = "# Reception\nextension = 104     # by the door\n\npeer = [ # two\n  '192.0.2.1', # a ]\n  '192.0.2.2',\n]\n" +
		"#hot-line = \"100\"\n# end\nname = \"a # b\" # c\n  country=\"de\""
	for _, c := range []struct {
		key      string
		values   []string
		old, new string // what of the file becomes what
	}{
		{"extension", []string{"105"}, "104     #", "'105'     #"},
		{"name", []string{"Zoë's \"desk\""}, `"a # b"`, `"Zoë's \"desk\""`},
		{"name", []string{""}, `"a # b"`, `''`},
		{"peer", []string{"192.0.2.3"}, "[ # two\n  '192.0.2.1', # a ]\n  '192.0.2.2',\n]", "['192.0.2.3']"},
		{"peer", []string{"192.0.2.3", "::1"}, "[ # two\n  '192.0.2.1', # a ]\n  '192.0.2.2',\n]", "['192.0.2.3', '::1']"},
		{"hot-line", []string{"0049"}, "#hot-line = \"100\"\n", "#hot-line = \"100\"\nhot-line = '0049'\n"},
		{"country", []string{"uk"}, `country="de"`, "country = 'uk'"},
		{"no-discovery", []string{"true"}, `country="de"`, "country=\"de\"\nno-discovery = true\n"},
		{"ssh-port", []string{"22"}, `country="de"`, "country=\"de\"\nssh-port = 22\n"},
		{"update-soak", []string{"24h"}, `country="de"`, "country=\"de\"\nupdate-soak = '24h'\n"},
		{"update-soak", []string{"1h30m"}, `country="de"`, "country=\"de\"\nupdate-soak = '1h30m'\n"},
		{"update-soak", []string{"20s"}, `country="de"`, "country=\"de\"\nupdate-soak = '20s'\n"},
		{"update-hours", []string{"any"}, `country="de"`, "country=\"de\"\nupdate-hours = 'any'\n"},
		{"extension", nil, "extension = 104     # by", "     # by"},
		{"peer", nil, "peer = [ # two\n  '192.0.2.1', # a ]\n  '192.0.2.2',\n]\n", ""},
		{"country", nil, "  country=\"de\"", ""},
		{"wifi", nil, "", ""},
	} {
		t.Run(c.key+strings.Join(c.values, ","), func(t *testing.T) {
			r := running(t, file)
			path, edited, err := r.Edit(c.key, c.values)
			if want := strings.Replace(file, c.old, c.new, 1); err != nil || path != "d/config.toml" || string(edited) != want {
				t.Fatalf("%v, %s\n%s\nwant\n%s", err, path, edited, want)
			}
			write(t, path, string(edited))
			for _, s := range r.Report().Settings {
				if s.Changed != (s.Key == c.key && !slices.Equal(s.Values, c.values) && c.key != "wifi") {
					t.Errorf("%+v", s)
				}
				if s.Key == c.key && s.Changed && len(c.values) > 0 && c.key != "peer" && !slices.Equal(s.Next, c.values) && c.values[0] != "" {
					t.Errorf("%+v", s)
				}
			}
		})
	}
}

// Files that other systems wrote, and none at all.
func TestEditOdd(t *testing.T) {
	for _, c := range []struct{ file, want string }{
		{"", "country = 'uk'\n"},
		{"# x\r\ncountry = 'eu' # y\r\n", "# x\r\ncountry = 'uk' # y\r\n"},
		{"\"country\" = 'eu'", "country = 'uk'"},
		{"name = '''\n#country = '''", "name = '''\n#country = '''\ncountry = 'uk'\n"},
	} {
		if got := string(replace([]byte(c.file), "country", "country = 'uk'")); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
	t.Chdir(t.TempDir())
	cmd, err := Parse([]string{"run", "--data", "d"}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if path, edited, err := cmd.(*Run).Edit("country", []string{"uk"}); err != nil || path != "d/config.toml" || string(edited) != "country = 'uk'\n" {
		t.Errorf("%s, %q, %v", path, edited, err)
	}
	// The safe start reads the null device; what is to be repaired lies elsewhere.
	cmd, err = Parse([]string{"run", "--data", "d", "--config", os.DevNull}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if path, _, err := cmd.(*Run).Edit("country", []string{"uk"}); err != nil || path != filepath.Join("d", "config.toml") {
		t.Errorf("%s, %v", path, err)
	}
}

// What config check or the next start would refuse is not written, and it is said what
// would be right.
func TestEditRefuses(t *testing.T) {
	const file = "name = 'Anna'\n"
	for _, c := range []struct {
		key    string
		values []string
		want   string
	}{
		{"extenson", []string{"101"}, "extenson: unknown key; did you mean extension?"},
		{"config", []string{"x"}, "config: not for the file; give --config on the command line"},
		{"data", []string{"x"}, "data: this file lies in the data folder; give --data"},
		{"extension", []string{"99"}, `extension: "99" cannot be an extension; want a number from 100 to 9999`},
		{"extension", []string{"101", "102"}, "extension: one value, not a list; want"},
		{"no-discovery", []string{"perhaps"}, `no-discovery: "perhaps" is neither; want true or false`},
		{"ssh-port", []string{"70000"}, `ssh-port: "70000" is no number from 0 to 65535; want a port`},
		{"country", []string{"mars"}, `country: no tones of "mars" are known`}, // though the flag would hide it
		{"account", []string{"Tr0ub4dor"}, "account: no ':'"},
		{"wifi", []string{"office:short"}, "wifi: not a network"},
		{"join", []string{"135790"}, "a telephone founds an office or joins one"}, // with the flag
		{"name", []string{"\xff"}, "name: not UTF-8"},
		{"hot-line", []string{"1\n[x]"}, "hot-line: "},
		{"account", slices.Repeat([]string{strings.Repeat("a", 50) + ":" + strings.Repeat("b", 200)}, 300), "longer than 64 KiB"},
	} {
		t.Run(c.key, func(t *testing.T) {
			r := running(t, file, "--found", "acme", "--country", "eu")
			_, _, err := r.Edit(c.key, c.values)
			var e *Error
			if !errors.As(err, &e) || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "Tr0ub4dor") {
				t.Errorf("%v\nlacks %q", err, c.want)
			}
		})
	}
	// A file that is wrong elsewhere is not made worse, and can be put right.
	r := running(t, file)
	write(t, "d/config.toml", "country = 'mars'\nname = 'Anna'\n")
	if _, _, err := r.Edit("name", []string{"Bert"}); err == nil || !strings.Contains(err.Error(), "config.toml:1: country: ") {
		t.Error(err)
	}
	if _, edited, err := r.Edit("country", []string{"us"}); err != nil || string(edited) != "country = 'us'\nname = 'Anna'\n" {
		t.Errorf("%q, %v", edited, err)
	}
}

// Whatever the file says, an edit gives the key its value and leaves the others theirs.
func FuzzEdit(f *testing.F) {
	f.Add("extension = 101\npeer = ['127.0.0.1'] # x\n#country = 1\n", "Anna")
	f.Add("name = \"\"\"a\n#name = 1\"\"\"\r\n\r\n'name' = 1", "'\"\\\n")
	f.Fuzz(func(t *testing.T, file, value string) {
		before, after := defaults(), defaults()
		if !utf8.ValidString(value) || before.apply("f", []byte(file), source{}) != nil {
			return
		}
		field, _ := fieldOf(reflect.TypeFor[Run](), "name")
		line := assignment(field, []string{value})
		if err := after.apply("f", replace([]byte(file), "name", line), source{}); err != nil {
			t.Fatalf("%q: %v", file, err)
		}
		if after.Name != value {
			t.Errorf("%q, want %q", after.Name, value)
		}
		before.Name = after.Name
		if !reflect.DeepEqual(before, after) {
			t.Errorf("%+v\n%+v", before, after)
		}
	})
}
