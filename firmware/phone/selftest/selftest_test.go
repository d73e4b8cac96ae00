package selftest

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"chordophone/board"
	"chordophone/hal"

	"pgregory.net/rapid"
)

// Each known board has its parts, each with a word that stands in its file, and what
// the hardware found lies on the parts that it is about.
func TestOf(t *testing.T) {
	for _, name := range board.Known() {
		b, err := board.Get(name)
		if err != nil {
			t.Fatal(err)
		}
		parts := Of(b, nil)
		if len(parts) > MaxParts {
			t.Errorf("%s: %d parts", name, len(parts))
		}
		text := ""
		if !b.Virtual {
			if text, err = board.Source(name); err != nil {
				t.Fatal(err)
			}
		}
		count := map[Kind]int{}
		for _, p := range parts {
			count[p.Kind]++
			if b.Virtual {
				continue
			}
			_, values, _ := strings.Cut(p.Word, "=")
			for _, v := range strings.FieldsFunc(values, func(r rune) bool { return r == ' ' || r == '=' }) {
				if !strings.Contains(text, v) {
					t.Errorf("%s: %+v: %q does not stand in the file", name, p, v)
				}
			}
		}
		keys := len(b.AllKeys())
		if b.Virtual {
			keys = len(hal.Digits)
		}
		if b.Dial != nil {
			keys++
		}
		if count[Lamp] != len(b.Lamps) || count[Key] != keys || count[Hook] != 1 || count[Sound] != 1 {
			t.Errorf("%s: %v", name, count)
		}
	}
}

func TestOfFindings(t *testing.T) {
	b, err := board.Get("usb-handset")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		word string
		want string // kinds and names of the parts that fail
	}{
		{"keypad rows=GPIO6", "key 4, key 5, key 6"},
		{"keypad rows=GPIO6 cols=GPIO22", "key 5"},
		{"lamp message line=GPIO24", "lamp message"},
		{"display driver=ssd1306 bus=1 address=0x3c", "display"},
		{"audio capture=hw:Device,0", "sound"},
		{"key recall line=GPIO17", ""},
	} {
		var got []string
		for _, r := range Check(Of(b, []hal.Finding{{Word: c.word, Problem: "broken"}})) {
			if !r.OK {
				got = append(got, strings.TrimSpace(string(r.Kind)+" "+r.Name))
				if r.Says != "broken" {
					t.Errorf("%+v", r)
				}
			}
		}
		if s := strings.Join(got, ", "); s != c.want {
			t.Errorf("%s: %s, want %s", c.word, s, c.want)
		}
	}
	for _, r := range Check(Of(b, []hal.Finding{{Word: "chip", Problem: "no GPIO chip"}})) {
		if r.OK != (r.Kind == Display || r.Kind == Sound) {
			t.Errorf("without a chip: %+v", r)
		}
	}
}

// Whatever a person does, the test ends after as many timeouts as there are parts, each
// part has one result, in the order of the test, and what is shown fits the display.
func TestProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		part := rapid.Custom(func(t *rapid.T) Part {
			return Part{
				Kind:    rapid.SampledFrom(kinds[:]).Draw(t, "kind"),
				Name:    rapid.SampledFrom([]string{"1", "2", "#", "dial", "line"}).Draw(t, "name"),
				Problem: rapid.SampledFrom([]string{"", "", "missing"}).Draw(t, "problem"),
			}
		})
		parts := rapid.SliceOfN(part, 0, 80).Draw(t, "parts")
		test := New(parts)
		back, over := false, false
		check := func() {
			v := test.View()
			if !test.Valid() || len(v.Lines) < 2 || len(v.Lines) > 4 {
				t.Fatalf("%+v shows %q", test, v.Lines)
			}
			if v.Ring && v.Loop || test.Patience() < time.Second {
				t.Fatalf("%+v", v)
			}
			raw, err := json.Marshal(test)
			again := new(Test)
			if err != nil || json.Unmarshal(raw, again) != nil || again.View().Lines[0] != v.Lines[0] {
				t.Fatalf("%s is another test", raw)
			}
		}
		check()
		for range rapid.IntRange(0, 40).Draw(t, "acts") {
			switch rapid.IntRange(0, 9).Draw(t, "act") {
			case 0:
				back = !back
				over = test.Handset(back)
			case 1:
				over = test.Timeout()
			default:
				test.Press(rapid.SampledFrom([]hal.Key("12#*5r")).Draw(t, "key"))
			}
			check()
			if over {
				break
			}
		}
		for range len(test.Parts) + 1 {
			if !over {
				over = test.Timeout()
			}
		}
		if !over {
			t.Fatalf("it goes on for ever: %+v", test)
		}
		test.Stop()
		if len(test.Results) != min(len(parts), MaxParts) {
			t.Fatalf("%d results of %d parts", len(test.Results), len(parts))
		}
		for i, r := range test.Results {
			if r.Part != test.Parts[i] || r.OK && r.Problem != "" || r.Says == "" {
				t.Fatalf("%+v", r)
			}
		}
		if !slices.IsSortedFunc(test.Parts, func(a, b Part) int {
			return slices.Index(kinds[:], a.Kind) - slices.Index(kinds[:], b.Kind)
		}) {
			t.Fatalf("order: %+v", test.Parts)
		}
	})
}

// More faults than fit are shown page by page, and none is cut to nothing.
func TestPages(t *testing.T) {
	var parts []Part
	for _, n := range "1234" {
		parts = append(parts, Part{Kind: Key, Name: string(n), Word: "key " + string(n) + " line=GPIO5", Problem: "x"})
	}
	test := New(parts)
	first := test.View()
	test.Press('#')
	second := test.View()
	test.Press('#')
	if strings.Join(first.Lines, "|") != "4 faults|key 1 GPIO5|key 2 GPIO5|key 3 GPIO5" || strings.Join(second.Lines, "|") != "4 faults|key 4 GPIO5" ||
		!slices.Equal(test.View().Lines, first.Lines) {
		t.Errorf("%q, %q", first.Lines, second.Lines)
	}
	if first.Tone != hal.Congestion || New(nil).View().Tone != hal.Confirm {
		t.Error("the results do not sound")
	}
	for _, l := range append(first.Lines, second.Lines...) {
		if utf8.RuneCountInString(l) > 20 {
			t.Error(l)
		}
	}
}
