package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"chordophone/firmware/tone"
	"chordophone/firmware/update/rollout"
)

// parse parses a command line in an empty folder.
func parse(t *testing.T, args ...string) (Command, error) {
	t.Helper()
	t.Chdir(t.TempDir())
	return Parse(args, io.Discard)
}

// bare is a command without where its values come from.
func bare(cmd Command) Command {
	if r, ok := cmd.(*Run); ok {
		r.from = nil
	}
	return cmd
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func hours(t *testing.T, text string) rollout.Hours {
	t.Helper()
	h, err := rollout.ParseHours(text)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestCommands(t *testing.T) {
	night := hours(t, "02:00-05:00")
	plain := Run{
		Data: "./chordophone-data", Mic: "none", Ear: "none", PacketTime: 20, DNS: 53, SSH: 2222, Country: "eu", LogFormat: "text",
		UpdateHours: night, UpdateSoak: 10 * time.Minute, TimeZone: "Local",
	}
	full := Run{
		Data: "d", Listen: netip.MustParseAddr("127.0.0.12"), Board: "pipe", Mic: "speech.wav", Ear: "alsa:hw:1,0", PacketTime: 10,
		Join: "4821-9375", PairingCode: "135790", Extension: "102", Name: "Anna Lindqvist",
		Peers:       []Peer{{netip.MustParseAddrPort("127.0.0.11:6084")}, {netip.MustParseAddrPort("[::1]:7000")}, {netip.MustParseAddrPort("[::2]:6084")}},
		NoDiscovery: true,
		Accounts:    []Account{{"soft", "a:b,c"}, {"two", "x"}},
		Trust:       []netip.Prefix{netip.MustParsePrefix("192.0.2.32/28"), netip.MustParsePrefix("192.0.2.9/32")},
		Floating:    netip.MustParsePrefix("192.0.2.250/24"),
		CallWaiting: true, HotLine: "100", SSH: 22, Metrics: 9100,
		WiFi: "net:a:pass:word", NTP: []string{"time.example", "192.0.2.1"},
		UpdateHours: hours(t, "22:00-05:30"), UpdateSoak: 24 * time.Hour, TimeZone: "Europe/Berlin",
		Country: "uk", LogLevel: slog.LevelDebug, LogFormat: "json",
	}
	found := plain
	found.Found = "paris.acme"
	for _, c := range []struct {
		line string
		want Command
	}{
		{"run", &plain},
		{"run --found paris.acme", &found},
		{"run --data d --listen 127.0.0.12 --board pipe --mic speech.wav --ear alsa:hw:1,0 --packet-time 10 --join 4821-9375 --pairing-code 135790" +
			" --extension 102 --name Anna\u00a0Lindqvist --peer 127.0.0.11 --peer [::1]:7000 --peer ::2 --no-discovery --account soft:a:b,c --account two:x --trust 192.0.2.32/28 --trust 192.0.2.9/32 --floating 192.0.2.250/24 --dns-port 0" +
			" --call-waiting --hot-line 100 --ssh-port 22 --metrics-port 9100 --wifi net:a:pass:word --ntp time.example --ntp 192.0.2.1 --update-hours 22:00-05:30 --update-soak 24h --time-zone Europe/Berlin --country uk --log-level debug --log-format json", &full},
		{"demo", &Demo{Phones: 3, Out: "build/demo"}},
		{"demo --phones 5 --out x --speech s.wav", &Demo{Phones: 5, Out: "x", Speech: "s.wav"}},
		{"board list", &BoardList{}},
		{"board check my.board", &BoardCheck{File: "my.board"}},
		{"board show handset-4x4", &BoardShow{Name: "handset-4x4"}},
		{"config print", &ConfigPrint{}},
		{"config check c.toml", &ConfigCheck{File: "c.toml"}},
		{"restore", &Restore{Data: "./chordophone-data"}},
		{"restore --data d --older --replace", &Restore{Data: "d", Older: true, Replace: true}},
		{"release", &Release{}},
		{"release --help", &Release{Args: []string{"--help"}}},
		{"release make --key k -- --out --help r", &Release{Args: []string{"make", "--key", "k", "--", "--out", "--help", "r"}}},
		{"restore --help", &Help{}},
		{"version", &Version{}},
		{"version --json", &Version{JSON: true}},
		{"--help", &Help{}},
		{"run --help", &Help{}},
		{"board --help", &Help{}},
	} {
		t.Run(c.line, func(t *testing.T) {
			args := strings.Split(c.line, " ")
			for i := range args {
				args[i] = strings.ReplaceAll(args[i], "\u00a0", " ")
			}
			got, err := parse(t, args...)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(bare(got), c.want) {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

// TestBadUsage wants the place, the problem and what would be right in one line.
func TestBadUsage(t *testing.T) {
	for _, c := range []struct {
		line string
		want []string
	}{
		{"", []string{"expected one of", "--help"}},
		{"fly", []string{"fly", "--help"}},
		{"run --fund x", []string{"--fund", `did you mean "--found"?`, "run --help"}},
		{"restore --data", []string{"--data: needs a value; want a folder"}},
		{"restore --data=", []string{"--data: empty; want a folder"}},
		{"restore file.age", []string{"unexpected argument file.age"}},
		{"run 102", []string{"unexpected argument 102"}},
		{"run --listen", []string{"--listen: needs a value; want an IP address"}},
		{"run --listen localhost", []string{"--listen: ", `"localhost"`, "; want an IP address"}},
		{"run --peer phone", []string{`--peer: "phone"`, "6084"}},
		{"run --peer 127.0.0.1:0", []string{"--peer: "}},
		{"run --peer 127.0.0.1:70000", []string{"--peer: "}},
		{"run --no-discovery=perhaps", []string{"--no-discovery: ", "true or false"}},
		{"run --data=", []string{"--data: empty; want a folder"}},
		{"run --mic aslo:hw", []string{`--mic: "aslo"`, "alsa:DEVICE"}},
		{"run --ear unix:", []string{"--ear: nothing after unix:"}},
		{"run --packet-time 15", []string{"--packet-time: packets of 15 ms are not made; want 10 or 20"}},
		{"run --found a --join 123456", []string{"--found and --join: "}},
		{"run --found Büro", []string{`--found: "Büro"`, "a-z"}},
		{"run --found -a", []string{"--found"}},
		{"run --found a..b", []string{"--found: "}},
		{"run --join 12345", []string{"--join: not a pairing code; want the 6 to 32 digits"}},
		{"run --pairing-code abcdef", []string{"--pairing-code: not a pairing code"}},
		{"run --extension 99", []string{`--extension: "99"`, "100 to 9999"}},
		{"run --extension 10000", []string{"--extension: "}},
		{"run --extension 0101", []string{"--extension: "}},
		{"run --floating 224.0.0.5/24", []string{"--floating: 224.0.0.5 cannot", "such as"}},
		{"run --update-hours 22-5", []string{"--update-hours: ", "22:00-05:30, or any"}},
		{"run --update-soak soon", []string{"--update-soak: ", "10m or 24h"}},
		{"run --update-soak 721h", []string{"--update-soak: 721h0m0s cannot be waited", "up to 720h"}},
		{"run --update-soak -1s", []string{"--update-soak: "}},
		{"run --time-zone Mars/Olympus", []string{"--time-zone: no time zone", "IANA"}},
		{"run --wifi net:short", []string{"--wifi: not a network", "8 to 63"}},
		{"run --ssh-port 0", []string{"--ssh-port: the console"}},
		{"run --hot-line 12x", []string{"--hot-line: \"12x\" is no number"}},
		{"run --listen 192.0.2.7 --floating 192.0.2.7/24", []string{"--floating: 192.0.2.7 cannot"}},
		{"run --trust everybody", []string{"--trust: ", "such as"}},
		{"run --account bob", []string{"--account: no ':'", "USER:PASS"}},
		{"run --account :x", []string{"--account: ", "empty"}},
		{"run --account b@b:x", []string{"--account: ", "characters"}},
		{"run --account b:x --account b:y", []string{"--account: user b twice"}},
		{"run --country zz", []string{`--country: no tones of "zz"`, "want one of eu, de,"}},
		{"run --log-level loud", []string{"--log-level: ", "loud", "debug, info, warn or error"}},
		{"run --log-format xml", []string{"--log-format: ", "text or json"}},
		{"run --config none.toml", []string{"--config: no file none.toml", "config print"}},
		{"demo --phones 2", []string{"--phones: 2", "from 3 to 20"}},
		{"demo --phones many", []string{"--phones: ", "from 3 to 20"}},
		{"board check", []string{`"<file>"`, "board check --help"}},
	} {
		t.Run(c.line, func(t *testing.T) {
			cmd, err := parse(t, strings.Fields(c.line)...)
			var e *Error
			if !errors.As(err, &e) || e.Code() != 2 || cmd != nil {
				t.Fatalf("got %+v, %v", cmd, err)
			}
			for _, want := range append(c.want, "") {
				if s := err.Error(); !strings.Contains(s, want) || strings.Contains(s, "\n") {
					t.Errorf("%q\nlacks %q", s, want)
				}
			}
		})
	}
}

// TestTags: what errors and help are made of is there for every flag.
func TestTags(t *testing.T) {
	for _, typ := range []reflect.Type{reflect.TypeFor[Run](), reflect.TypeFor[Demo](), reflect.TypeFor[Restore]()} {
		for _, f := range reflect.VisibleFields(typ) {
			if f.IsExported() && (f.Tag.Get("name") == "" || f.Tag.Get("help") == "" || f.Type.Kind() != reflect.Bool && f.Tag.Get("want") == "") {
				t.Errorf("%v.%s lacks a tag", typ, f.Name)
			}
		}
	}
	if f, _ := fieldOf(reflect.TypeFor[Run](), "country"); f.Tag.Get("want") != "one of "+strings.Join(tone.Countries(), ", ") {
		t.Errorf("country: want %q, known %v", f.Tag.Get("want"), tone.Countries())
	}
}

func TestHelp(t *testing.T) {
	t.Chdir(t.TempDir())
	var b bytes.Buffer
	if _, err := Parse([]string{"run", "--help"}, &b); err != nil {
		t.Fatal(err)
	}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Run]()) {
		_, hidden := f.Tag.Lookup("hidden")
		if !f.IsExported() {
			continue
		}
		if strings.Contains(b.String(), "--"+f.Tag.Get("name")) == hidden {
			t.Errorf("--%s: hidden %v", f.Tag.Get("name"), hidden)
		}
	}
}

// TestSecrets: no way of printing gives a secret away.
func TestSecrets(t *testing.T) {
	const password = "Tr0ub4dor"
	r := Run{Join: password, PairingCode: password, Accounts: []Account{{"soft", password}}}
	var b bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&b, verb+verb+verb+"\n", r, r.Join, &r.Accounts)
	}
	for _, log := range []*slog.Logger{slog.New(slog.NewTextHandler(&b, nil)), slog.New(slog.NewJSONHandler(&b, nil))} {
		log.Info("x", "secret", r.Join, "run", r, "account", r.Accounts[0])
	}
	if err := json.NewEncoder(&b).Encode(r); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{password, fmt.Sprintf("%x", password)} {
		if strings.Contains(b.String(), text) {
			t.Errorf("%s shows in\n%s", text, b.String())
		}
	}
	if strings.Count(b.String(), stars) < 20 {
		t.Errorf("where are the stars?\n%s", b.String())
	}
	if r.Join.Reveal() != password || Secret("").String() != "" {
		t.Error("Reveal, or an empty secret")
	}
	for _, account := range []string{password, ":" + password, "@:" + password} {
		if err := new(Account).UnmarshalText([]byte(account)); err == nil || strings.Contains(err.Error(), password) {
			t.Errorf("account %q: %v", account, err)
		}
	}
}
