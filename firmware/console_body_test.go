package firmware

import (
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"chordophone/firmware/config"
)

// configured is the console of a telephone with a configuration file.
func configured(t *testing.T, file string, flags ...string) (c console, path string) {
	t.Helper()
	dir := t.TempDir()
	path = filepath.Join(dir, "config.toml")
	if err := os.WriteFile(path, []byte(file), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd, err := config.Parse(append([]string{"run", "--data", dir}, flags...), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	return console{&appliance{cfg: *cmd.(*config.Run), log: slog.New(slog.DiscardHandler)}}, path
}

// What is configured is in the file, for nobody else to read, and told as what comes.
func TestConfigure(t *testing.T) {
	c, path := configured(t, "# mine\nextension = 104 # door\n")
	if err := c.Configure(t.Context(), "extension", []string{"105"}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil || string(text) != "# mine\nextension = '105' # door\n" {
		t.Errorf("%q, %v", text, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	report, err := c.Settings(t.Context())
	i := slices.IndexFunc(report.Settings, func(s config.Setting) bool { return s.Key == "extension" })
	if s := report.Settings[i]; err != nil || report.File != path || s.Values[0] != "104" || !s.Changed || s.Next[0] != "105" || s.Source != config.FromFile {
		t.Errorf("%v, %+v", err, s)
	}

	var wrong *config.Error
	if err := c.Configure(t.Context(), "extension", []string{"99"}); !errors.As(err, &wrong) {
		t.Errorf("%v", err)
	}
	if now, err := os.ReadFile(path); err != nil || string(now) != string(text) {
		t.Errorf("what was refused is written: %q, %v", now, err)
	}
	c, path = configured(t, "")
	if err := os.RemoveAll(filepath.Dir(path)); err != nil {
		t.Fatal(err)
	}
	var hint interface{ Hint() string }
	if err := c.Configure(t.Context(), "name", []string{"x"}); !errors.As(err, &hint) {
		t.Errorf("%v", err)
	}
}

// Several admins at once lose nothing of each other's.
func TestConfigureAtOnce(t *testing.T) {
	c, path := configured(t, "")
	values := map[string]string{"name": "x", "hot-line": "100", "country": "uk", "ssh-port": "22", "dns-port": "5353", "metrics-port": "9100"}
	var all sync.WaitGroup
	for key, value := range values {
		all.Go(func() {
			if err := c.Configure(t.Context(), key, []string{value}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for key, value := range values {
		if n, err := strconv.Atoi(value); !strings.Contains(string(text), key+" = '"+value+"'\n") && (err != nil || !strings.Contains(string(text), key+" = "+strconv.Itoa(n)+"\n")) {
			t.Errorf("%s is lost:\n%s", key, text)
		}
	}
}
