package board

import (
	"errors"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"chordophone/hal"
	"chordophone/tools/story"
)

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
		Lamps:   []Lamp{{hal.Lamps - 1, Output{Line: 25, ActiveLow: true}, nil}},
		Ringer:  &Output{Line: 12},
		Audio:   &Audio{Capture: "hw:1,0", Playback: "hw:Device,0", Rate: 48000},
		Display: &Display{"hd44780", 1, 0x27, 4, 20},
	}
	if !reflect.DeepEqual(b, want) {
		t.Errorf("%+v\nwant %+v", b, want)
	}
}

// What sounds and shines in other ways than by standing still.
func TestOutputs(t *testing.T) {
	b, err := Parse(strings.NewReader(small + `
lamp message line=GPIO13 brightness=30
lamp contact1 green=GPIO24 red=GPIO17 active=low
ringer line=GPIO12 tone=2400 device=hw:Speaker,0
bell line=GPIO26 active=low
amplifier line=GPIO27
key louder line=GPIO9
key contact10 line=GPIO10
audio capture=hw:1 playback=hw:1 speaker=yes sidetone=-24 control=Headphone_Amp volume=70
`))
	if err != nil {
		t.Fatal(err)
	}
	lamps := []Lamp{
		{hal.LampMessage, Output{13, false, PWM{500, 30}}, nil},
		{hal.LampContact, Output{24, true, PWM{}}, &Output{17, true, PWM{}}},
	}
	if !reflect.DeepEqual(b.Lamps, lamps) {
		t.Errorf("%+v, want %+v", b.Lamps, lamps)
	}
	if want := (Output{12, false, PWM{2400, 50}}); *b.Ringer != want || b.RingerDevice != "hw:Speaker,0" {
		t.Errorf("%+v, %q", b.Ringer, b.RingerDevice)
	}
	if *b.Bell != (Output{Line: 26, ActiveLow: true}) || *b.Amplifier != (Output{Line: 27}) || !b.Audio.Speaker || b.Audio.SideTone != -24 || b.Audio.Volume != 70 || b.Audio.Control != "Headphone Amp" {
		t.Errorf("%+v, %+v, %+v", b.Bell, b.Amplifier, b.Audio)
	}
	for l, want := range map[Line]string{
		5: "keypad rows=GPIO5", 16: "keypad cols=GPIO16", 4: "hook line=GPIO4", 9: "key louder line=GPIO9", 10: "key contact10 line=GPIO10",
		13: "lamp message line=GPIO13", 17: "lamp contact1 green=GPIO24 red=GPIO17",
		12: "ringer line=GPIO12", 26: "bell line=GPIO26", 27: "amplifier line=GPIO27", 11: "",
	} {
		if got := b.Word(l); got != want {
			t.Errorf("%v: %q, want %q", l, got, want)
		}
	}
	if got := b.KeyWord('4'); got != "keypad rows=GPIO6 cols=GPIO16" {
		t.Error(got)
	}
	if got := string(b.AllKeys()); got != "12*45#>⑩" {
		t.Error(got)
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
		{"key X line=GPIO17", `there is no key "X", only 0 to 9, *, hash, A to D, recall, louder, softer and contact1 to contact10`},
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
		{"relay line=GPIO17", `line 4: unknown word "relay" (a line begins with name, chip, keypad, hook, key, dial, lamp, ringer, bell, amplifier, audio or display)`},
		{"hook line=GPIO17", `line 4: "hook" stands already in line 3`},
		{"lamp line line=GPIO4", `line 4: lamp: GPIO4 is already used by the hook (such as "lamp line line=GPIO25")`},
		{"lamp line line=GPIO16", "GPIO16 is already used by a column of the keypad"},
		{"lamp line line=GPIO2", "GPIO2 is needed by the I2C bus (use one of GPIO4 to"},
		{"lamp line line=GPIO15", "GPIO15 is needed by the serial console"},
		{"lamp line line=GPIO0", "line 4: lamp: GPIO0 is needed by the EEPROM of HATs (use one of GPIO4 to GPIO13 and GPIO16 to GPIO27;"},
		{"key 7 line=GPIO1", "line 4: key: GPIO1 is needed by the EEPROM"},
		{"ringer line=GPIO3", "line 4: ringer: GPIO3 is needed by the I2C bus"},
		{"lamp line line=GPIO50", "needed by the SD card"},
		{"lamp line line=GPIO28", "not on the header"},
		{"lamp line line=17", `"17" is not a line such as GPIO4`},
		{"lamp line line=GPIO017", `"GPIO017" is not a line such as GPIO4`},
		{"lamp line line=GPIO999", `"GPIO999" is not a line`},
		{"lamp line", "line= is missing"},
		{"lamp", "the lamp's name is missing"},
		{"lamp line=GPIO25", "the lamp's name is missing"},
		{"lamp contact11 line=GPIO25", `there is no lamp "contact11", only line, message and contact1 to contact10`},
		{"lamp line line=GPIO25 colour=red", `unknown "colour", there is line, active, brightness`},
		{"lamp line line=GPIO25 brightness=30", "GPIO25 cannot pulse (use GPIO12 or GPIO13 of the 40-pin header for brightness= and tone=)"},
		{"lamp line line=GPIO12 brightness=0", "brightness=0 is not a number from 1 to 100"},
		{"lamp line green=GPIO25", "a lamp of two colours has green= and red="},
		{"lamp line green=GPIO25 red=GPIO25", "GPIO25 is already used by lamp line"},
		{"lamp line green=GPIO25 red=GPIO26 brightness=5", `unknown "brightness", there is green, red, active`},
		{"ringer line=GPIO12 tone=99", "tone=99 is not a number from 100 to 10000"},
		{"ringer line=GPIO17 tone=2400", "GPIO17 cannot pulse"},
		{"ringer line=GPIO12 brightness=9", `unknown "brightness", there is line, active, tone`},
		{"ringer device=default", "device=default is not an ALSA device such as hw:1,0"},
		{"ringer device=hw:1 active=low", "line= is missing"},
		{"bell line=GPIO4", "GPIO4 is already used by the hook"},
		{"bell line=GPIO12 tone=440", `unknown "tone", there is line, active`},
		{"amplifier", `line= is missing (such as "amplifier line=GPIO27 active=high")`},
		{"audio capture=hw:0 playback=hw:0 sidetone=3", "sidetone=3 is not a number from -40 to -6"},
		{"audio capture=hw:0 playback=hw:0 volume=101", "volume=101 is not a number from 1 to 100"},
		{"audio capture=hw:0 playback=hw:0 control=a/b", "control=a/b is not the name of a card's control such as Speaker"},
		{"audio capture=hw:0 playback=hw:0 speaker=loud", "speaker=loud is not yes or no"},
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

// The lines that a Raspberry Pi itself needs are free on a chip that is not behind its
// header, wherever in the file the chip stands.
func TestOtherChip(t *testing.T) {
	const text = "name a\nhook line=GPIO0\nkeypad rows=GPIO1 cols=GPIO2,GPIO15 keys=12\nlamp line line=GPIO60\n"
	for _, c := range []struct{ chip, want string }{
		{"", "needed by the EEPROM"},
		{"chip label=pinctrl-rp1\n", "needed by the EEPROM"},
		{"chip label=pinctrl-bcm2711\n", "needed by the EEPROM"},
		{"chip label=pinctrl-bcm2835\n", "a board file names another chip with chip label="},
		{"chip label=gpio-sim.0-node0\n", ""},
	} {
		for _, file := range []string{c.chip + text, text + c.chip} {
			b, err := Parse(strings.NewReader(file))
			if c.want == "" && (err != nil || b.Hook.Line != 0 || b.Lamps[0].Line != 60 || b.Keypad.Cols[1] != 15) {
				t.Errorf("%q: %+v, %v", c.chip, b, err)
			}
			if c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || strings.Count(err.Error(), "is needed by") != 3) {
				t.Errorf("%q: %v", c.chip, err)
			}
		}
	}
	// Nothing is known of what makes pulses there, and no line has a pin.
	if _, err := Parse(strings.NewReader("chip label=other\nname a\nhook line=GPIO0\nkey 1 line=GPIO1\nringer line=GPIO12 tone=2400\n")); err == nil ||
		!strings.Contains(err.Error(), "line 5: ringer: GPIO12 cannot pulse") {
		t.Errorf("%v", err)
	}
	b, err := Parse(strings.NewReader("name a\nhook line=GPIO4\nkey 1 line=GPIO5\nchip label=other\n"))
	if err != nil || strings.Contains(b.Wiring(), "pin ") || !strings.Contains(b.Wiring(), "line 4") {
		t.Errorf("%v\n%s", err, b.Wiring())
	}
}

// Which boards need pulses.
func TestPulses(t *testing.T) {
	for more, want := range map[string]bool{
		"ringer line=GPIO12":                           false,
		"ringer line=GPIO12 tone=2400":                 true,
		"ringer device=hw:1":                           false,
		"lamp line line=GPIO13 brightness=30":          true,
		"lamp line green=GPIO13 red=GPIO12 active=low": false,
		"lamp line line=GPIO13\nbell line=GPIO12":      false,
		"lamp message line=GPIO12 brightness=100":      true,
	} {
		b, err := Parse(strings.NewReader("name x\nhook line=GPIO4\nkey 1 line=GPIO5\n" + more + "\n"))
		if err != nil || b.Pulses() != want {
			t.Errorf("%s: %t, %v", more, !want, err)
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
	if want := []string{"button-box", "codec-hat", "handset-4x4", "rotary", "usb-handset", "zero-minimal", "term", "pipe"}; !slices.Equal(Known(), want) {
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
		story.Golden(t, filepath.Join("testdata", name+".txt"), b.Wiring())
	}
	if _, err := Get("toaster"); !errors.Is(err, ErrUnknown) || !strings.Contains(err.Error(), "handset-4x4") {
		t.Error(err)
	}
	if _, err := Get("../board"); !errors.Is(err, ErrUnknown) {
		t.Error(err)
	}
}

// Known boards leave the lines of I2S to sound HATs; all other lines of the machine
// are refused by Parse. Every line they use has a word that explains it.
func TestKnownKeepI2S(t *testing.T) {
	for _, name := range Known() {
		b, err := Get(name)
		if err != nil {
			t.Fatal(err)
		}
		if b.Virtual {
			continue
		}
		text, err := Source(name)
		if err != nil {
			t.Fatal(err)
		}
		used := 0
		for l := range Line(64) {
			word := b.Word(l)
			if word == "" {
				continue
			}
			used++
			if l >= 18 && l <= 21 || taken(l) != "" {
				t.Errorf("%s uses %v", name, l)
			}
			if !strings.Contains(word, l.String()) {
				t.Errorf("%s: %v is called %q", name, l, word)
			}
		}
		if n := strings.Count(text[strings.Index(text, "name "):], "GPIO"); used != n {
			t.Errorf("%s: %d lines have a word, %d stand in the file", name, used, n)
		}
	}
}
