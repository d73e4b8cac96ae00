package network

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The machine's keys are read among the telephone's; a bad file is as none, and said.
func TestSettings(t *testing.T) {
	path := filepath.Join(t.TempDir(), settingsFile)
	if s, err := readSettings(path); err != nil || s.WiFi != "" {
		t.Error(s, err)
	}
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("extension = \"101\"\nwifi = \"office:a long password\"\nntp = [\"192.0.2.1\", \"time.example\"]\r\n")
	if s, err := readSettings(path); err != nil || s.WiFi != "office:a long password" || !slices.Equal(s.Clocks, []string{"192.0.2.1", "time.example"}) {
		t.Error(s, err)
	}
	for _, bad := range []string{"wifi = ", "wifi = 3", strings.Repeat("#", maxSettings+1)} {
		write(bad)
		if s, err := readSettings(path); err == nil || s.WiFi != "" {
			t.Errorf("%.20q: %v", bad, s)
		}
	}
}

func TestParseWiFi(t *testing.T) {
	for text, want := range map[string]wifiNetwork{
		"office:12345678":                     {"office", "12345678"},
		"office:a:b:c:d:e":                    {"office", "a:b:c:d:e"},
		"open:":                               {"open", ""},
		"office":                              {},
		":12345678":                           {},
		"office:1234567":                      {},
		"office:" + strings.Repeat("x", 64):   {},
		strings.Repeat("x", 33) + ":12345678": {},
		"":                                    {},
	} {
		got, err := parseWiFi(text)
		if want.name == "" {
			if err == nil || strings.Contains(err.Error(), "1234567") {
				t.Errorf("%q: %v, %v", text, got, err)
			}
			continue
		}
		if err != nil || got != want {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
}
