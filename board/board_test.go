package board

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"chordophone/hal"
)

var rewrite = flag.Bool("rewrite", false, "remake the wiring tables in testdata")

const small = `name small
keypad rows=GPIO5,GPIO6 cols=GPIO16,GPIO22,GPIO23 keys=12*/45#
hook line=GPIO4
`

func TestParse(t *testing.T) {
	b, err := Parse(strings.NewReader(small + `
# a comment
chip label=pinctrl-rp1
key recall line=GPIO17
key 0 line=GPIO27 pull=down active=high
dial line=GPIO24
  lamp contact10 line=GPIO25 active=low # another
ringer line=GPIO12
display driver=hd44780
audio capture=hw:1,0 playback=hw:Device,0
`))
	if err != nil {
		t.Fatal(err)
	}
	want := &Board{
		Name: "small",
		Keypad: Keypad{
			Rows: []Line{5, 6}, Cols: []Line{16, 22, 23},
			Keys:   [][]hal.Key{{'1', '2', '*'}, {'4', '5', '#'}},
			Settle: 100 * time.Microsecond,
		},
		Hook:    Hook{Input{4, PullUp, true}, true},
		Chip:    "pinctrl-rp1",
		Keys:    []Key{{hal.Recall, Input{17, PullUp, true}}, {'0', Input{27, PullDown, false}}},
		Dial:    &Input{24, PullUp, false},
		Lamps:   []Lamp{{hal.Lamps - 1, Output{25, true}}},
		Ringer:  &Output{12, false},
		Audio:   &Audio{"hw:1,0", "hw:Device,0", 48000},
		Display: &Display{"hd44780", 1, 0x27, 4, 20},
	}
	if !reflect.DeepEqual(b, want) {
		t.Errorf("%+v\nwant %+v", b, want)
	}
}

// What a hook may be besides a switch that is closed in the cradle.
func TestHook(t *testing.T) {
	b, err := Parse(strings.NewReader("name a\nkey 1 line=GPIO5\nhook line=GPIO4 active=high flash=no\n"))
	if want := (Hook{Input{4, PullUp, false}, false}); err != nil || b.Hook != want {
		t.Errorf("%+v, %v, want %+v", b, err, want)
	}
}

// What is wrong is said with the number of its line and what would be right.
func TestErrors(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{"key 5 line=GPIO17", "key '5' stands twice"},
		{"key X line=GPIO17", `there is no key "X", only 0 to 9, *, hash, A to D and recall`},
		{"key line=GPIO17", "the key's name is missing"},
		{"key # line=GPIO17", "which is written hash"},
		{"key hash line=GPIO17", "key '#' stands twice"},
		{"key 7", "line= is missing"},
		{"key 7 line=GPIO4", `GPIO4 is already used by the hook (such as "key recall line=GPIO17")`},
		{"key 7 line=GPIO17 pull=strong", "pull=strong is not up, down or none"},
		{"dial line=GPIO5", "GPIO5 is already used by a row of the keypad"},
		{"dial", "line= is missing"},
		{"chip label=", "label= has no value"},
		{"chip label=a/b", "label=a/b is not the label of a GPIO chip"},
		{"chip", "label= is not the label"},
		{"relay line=GPIO17", `line 4: unknown word "relay" (a line begins with name, chip, keypad, hook, key, dial, lamp, ringer, audio or display)`},
		{"hook line=GPIO17", `line 4: "hook" stands already in line 3`},
		{"lamp line line=GPIO4", `line 4: lamp: GPIO4 is already used by the hook (such as "lamp line line=GPIO25")`},
		{"lamp line line=GPIO16", "GPIO16 is already used by a column of the keypad"},
		{"lamp line line=GPIO2", "GPIO2 is needed by the I2C bus (use one of GPIO4"},
		{"lamp line line=GPIO15", "GPIO15 is needed by the serial console"},
		{"lamp line line=GPIO0", "needed by the EEPROM"},
		{"lamp line line=GPIO50", "needed by the SD card"},
		{"lamp line line=GPIO28", "not on the header"},
		{"lamp line line=17", `"17" is not a line such as GPIO4`},
		{"lamp line line=GPIO017", `"GPIO017" is not a line such as GPIO4`},
		{"lamp line line=GPIO999", `"GPIO999" is not a line`},
		{"lamp line", "line= is missing"},
		{"lamp", "the lamp's name is missing"},
		{"lamp line=GPIO25", "the lamp's name is missing"},
		{"lamp contact11 line=GPIO25", `there is no lamp "contact11", only line, message and contact1 to contact10`},
		{"lamp line line=GPIO25 colour=red", `unknown "colour", there is line, active`},
		{"lamp line line=GPIO25 line=GPIO26", "line= stands twice"},
		{"lamp line line=GPIO25 active=on", "active=on is not low or high"},
		{"lamp line line= GPIO25", "line= has no value"},
		{"ringer GPIO12", `"GPIO12" is not of the form key=value`},
		{"audio capture=default playback=hw:0,0", "capture=default is not an ALSA device such as hw:1,0"},
		{"audio capture=hw:0,0", "playback= is not an ALSA device"},
		{"audio capture=hw:0 playback=hw:0 rate=7", "rate=7 is not a number from 8000 to 192000"},
		{"display driver=vga", "driver=vga is not ssd1306, sh1106 or hd44780"},
		{"display driver=sh1106 address=0x99", "address=0x99 is not a number from 8 to 119"},
	} {
		_, err := Parse(strings.NewReader(small + c.line))
		var at *Error
		if err == nil || !strings.Contains(err.Error(), c.want) || !errors.As(err, &at) || at.Line != 4 {
			t.Errorf("%s:\n%v\nwant %s", c.line, err, c.want)
		}
	}
	for _, c := range []struct{ old, new, want string }{
		{"name small", "name Big Phone", "line 1: name: a name is one word"},
		{"name small", "name term", `"term" is the name of a board without wires`},
		{"name small", "", `there is no name line (such as "name my-phone")`},
		{"hook line=GPIO4", "", "there is no hook line"},
		{"hook line=GPIO4", "hook line=GPIO4 flash=80ms", "flash=80ms is not yes or no"},
		{"keypad rows=GPIO5,GPIO6 cols=GPIO16,GPIO22,GPIO23 keys=12*/45#", "", "there is no keypad, key or dial line"},
		{"hook line=GPIO4", "hook line=GPIO4 pull=strong", "pull=strong is not up, down or none"},
		{"keys=12*/45#", "keys=12*", "keys=12* has 1 rows of keys, rows= has 2 lines"},
		{"keys=12*/45#", "keys=12*/45", `the row of keys "45" has 2 keys, cols= has 3 lines`},
		{"keys=12*/45#", "keys=12*/41#", `key '1' stands twice`},
		{"keys=12*/45#", "keys=12*/4X#", `there is no key 'X'`},
		{"keys=12*/45#", "", "keys= is missing"},
		{"keys=12*/45#", "keys=12*/45# settle=1s", "settle=1s is not a time of 0 to 100ms"},
		{"rows=GPIO5,GPIO6", "rows=GPIO5,GPIO5", "GPIO5 is already used by a row of the keypad"},
		{"rows=GPIO5,GPIO6", "rows=" + strings.Repeat("GPIO5,", 20), "rows= has 21 lines, more than 8"},
	} {
		_, err := Parse(strings.NewReader(strings.Replace(small, c.old, c.new, 1)))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s:\n%v\nwant %s", c.new, err, c.want)
		}
	}
}

// All mistakes are said at once.
func TestAllErrors(t *testing.T) {
	_, err := Parse(strings.NewReader("name A\nbell\nlamp\n"))
	if err == nil {
		t.Fatal("accepted")
	}
	if n := strings.Count(err.Error(), "\n") + 1; n != 5 { // three lines; keys and hook are missing
		t.Errorf("%d errors:\n%v", n, err)
	}
	if _, err := Parse(strings.NewReader(strings.Repeat("#\n", 10000))); err == nil {
		t.Error("a file of 10000 lines is accepted")
	}
}

// The boards that come with the telephone are right, and the wiring of each is
// what is soldered on it.
func TestKnown(t *testing.T) {
	if want := []string{"button-box", "handset-4x4", "rotary", "usb-handset", "zero-minimal", "term", "pipe"}; !slices.Equal(Known(), want) {
		t.Errorf("%v", Known())
	}
	for _, name := range Known() {
		b, err := Get(name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if b.Name != name || b.Virtual != (name == "term" || name == "pipe") {
			t.Errorf("%s: name %s, virtual %t", name, b.Name, b.Virtual)
		}
		path := filepath.Join("testdata", name+".txt")
		if *rewrite {
			if err := os.WriteFile(path, []byte(b.Wiring()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if b.Wiring() != string(want) {
			t.Errorf("%s\nwant (-rewrite accepts)\n%s", b.Wiring(), want)
		}
	}
	if _, err := Get("toaster"); !errors.Is(err, ErrUnknown) || !strings.Contains(err.Error(), "handset-4x4") {
		t.Error(err)
	}
	if _, err := Get("../board"); !errors.Is(err, ErrUnknown) {
		t.Error(err)
	}
}

// Known boards leave the lines of I2S to sound HATs.
func TestKnownKeepI2S(t *testing.T) {
	for _, name := range Known() {
		b, err := Get(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range allLines(b) {
			if l >= 18 && l <= 21 {
				t.Errorf("%s uses %v", name, l)
			}
		}
	}
}

// allLines are the lines that a board uses.
func allLines(b *Board) []Line {
	if b.Virtual {
		return nil
	}
	all := slices.Concat(b.Keypad.Rows, b.Keypad.Cols, []Line{b.Hook.Line})
	for _, k := range b.Keys {
		all = append(all, k.Line)
	}
	if b.Dial != nil {
		all = append(all, b.Dial.Line)
	}
	for _, l := range b.Lamps {
		all = append(all, l.Line)
	}
	if b.Ringer != nil {
		all = append(all, b.Ringer.Line)
	}
	return all
}

// The source of a known board is a board file.
func TestOpen(t *testing.T) {
	text, err := Source("handset-4x4")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "my.board")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	b, err := Open(path)
	known, _ := Open("handset-4x4")
	if err != nil || !reflect.DeepEqual(b, known) {
		t.Errorf("%+v, %v", b, err)
	}
	os.WriteFile(path, []byte("name x\n"), 0o644)
	if _, err := Open(path); err == nil || !strings.Contains(err.Error(), "my.board: there is no hook") {
		t.Error(err)
	}
	if _, err := Open(path + "x"); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	if _, err := Source("term"); !errors.Is(err, ErrUnknown) {
		t.Error(err)
	}
}

// The header has each pin once, and every free line is on it.
func TestPins(t *testing.T) {
	seen := map[int]Line{}
	for l, pin := range pins {
		if other, ok := seen[pin]; ok || pin < 3 || pin > 40 {
			t.Errorf("pin %d: %v and %v", pin, l, other)
		}
		seen[pin] = l
	}
	for l := range Line(64) {
		if (taken(l) == "") && l.Pin() == 0 {
			t.Errorf("%v is free and on no pin", l)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(small)
	text, _ := Source("handset-4x4")
	f.Add(text)
	f.Add("keypad rows=GPIO5 cols= keys=1 settle=-1s")
	f.Fuzz(func(t *testing.T, s string) {
		b, err := Parse(strings.NewReader(s))
		if err != nil {
			return
		}
		b.Wiring()
		used := claims{}
		for _, l := range allLines(b) {
			if err := used.claim(l, "x"); err != nil {
				t.Error(err)
			}
		}
	})
}
