package board

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
)

// The bill of materials in README.md is what the boards need.
func TestBillOfMaterials(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	var columns []string
	parts := map[string][]string{} // by name and what to buy
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		switch {
		case len(cells) > 2 && cells[0] == "Part":
			columns = cells[2:]
		case columns != nil && len(cells) == len(columns)+2:
			parts[cells[0]+" "+cells[1]] = cells[2:]
		}
	}
	need := func(what string, board int) string {
		for name, cells := range parts {
			if strings.HasPrefix(name, what) {
				return cells[board]
			}
		}
		t.Fatalf("README.md has no part %q", what)
		return ""
	}
	count := func(cell string) int {
		n, _ := strconv.Atoi(strings.TrimRight(strings.Fields(cell)[0], ","))
		return n
	}
	seen := 0
	for _, name := range Known() {
		b, err := Get(name)
		if err != nil {
			t.Fatal(err)
		}
		if b.Virtual {
			continue
		}
		seen++
		at := -1
		for i, c := range columns {
			if c == name {
				at = i
			}
		}
		if at < 0 {
			t.Errorf("README.md does not say what %s is made of", name)
			continue
		}
		single, double := 0, 0
		for _, l := range b.Lamps {
			if l.Red != nil {
				double++
			} else {
				single++
			}
		}
		keypad := "-"
		if len(b.Keypad.Rows) > 0 {
			keypad = fmt.Sprintf("%dx%d", len(b.Keypad.Cols), len(b.Keypad.Rows))
		}
		for _, c := range []struct {
			what      string
			got, want any
		}{
			{"keypad", need("Keypad", at), keypad},
			{"buttons", count(need("Push-button", at)), len(b.Keys)},
			{"diodes", count(need("Diode", at)), len(b.Keypad.Cols)},
			{"lamps", count(need("Lamp LED with", at)), single},
			{"lamps of two colours", count(need("Lamp LED of two", at)), double},
			{"ringer", need("Ringer", at) != "-", b.Ringer != nil},
			{"display", need("Display", at) != "-", b.Display != nil},
			{"sound by USB", need("Sound USB", at) != "-", b.Audio != nil && !strings.Contains(b.Audio.Playback, "wm8960")},
			{"sound by HAT", need("Sound HAT", at) != "-", b.Audio != nil && strings.Contains(b.Audio.Playback, "wm8960")},
		} {
			if c.got != c.want {
				t.Errorf("%s: README.md says %v %v, its board %v", name, c.got, c.what, c.want)
			}
		}
	}
	if seen != len(columns) {
		t.Errorf("README.md has %d boards, there are %d", len(columns), seen)
	}
}
