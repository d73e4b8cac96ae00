package newcomer

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"chordophone/hal"
)

// press gives keys to the telephone: h lifts the handset, H puts it back.
func press(t interface{ Errorf(string, ...any) }, p *Phone, keys string) (all []Action) {
	for _, k := range keys {
		events := []hal.Event{{Key: hal.Key(k), Down: true}, {Key: hal.Key(k)}}
		switch k {
		case 'h':
			events = []hal.Event{{Key: hal.Hook}}
		case 'H':
			events = []hal.Event{{Key: hal.Hook, Down: true}}
		}
		for _, ev := range events {
			if a := p.Step(Input{ev}); a != nil {
				all = append(all, a)
			}
			check(t, p)
		}
	}
	return all
}

// check holds what is so in every state: the display has room, and nothing sounds
// from an earpiece on its hook.
func check(t interface{ Errorf(string, ...any) }, p *Phone) {
	v := p.View()
	if len(v.Lines) < 2 || len(v.Lines) > 4 || slices.ContainsFunc(v.Lines, func(s string) bool { return utf8.RuneCountInString(s) > 21 }) {
		t.Errorf("no room for %q", v.Lines)
	}
	if !v.Open && v.Tone != hal.Silence || v.Open != p.off {
		t.Errorf("%+v with the handset off %v", v, p.off)
	}
}

func TestNewcomer(t *testing.T) {
	var p Phone
	says := func(text string, tone hal.Tone) {
		t.Helper()
		v := p.View()
		if !strings.Contains(strings.Join(v.Lines, "|"), text) || v.Tone != tone {
			t.Errorf("%q with %v, want %q with %v", v.Lines, v.Tone, text, tone)
		}
	}
	does := func(keys string, want ...Action) {
		t.Helper()
		if got := press(t, &p, keys); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", keys, got, want)
		}
	}
	says("no office in sight", hal.Silence)
	p.Step(Seen{[]Office{{"acme", false}}})
	says("acme is here", hal.Silence)
	does("482913#") // on its hook it takes no code
	does("h")
	says("*73# there", hal.DialTone)
	does("4829")
	says("code 4829", hal.Silence)
	does("13#", Join{"482913"})
	says("joining", hal.Silence)
	does("1#2#") // one thing after the other
	p.Step(Failed{"wrong code"})
	says("wrong code", hal.Congestion)
	does("482913#")
	does("H")
	says("acme is here", hal.Silence)
	does("h12345#") // too short
	says("that is no code", hal.Congestion)
	does("Hh*73#") // there is nothing to open here
	says("that is no code", hal.Congestion)
	does("Hh*72#", Found{})
	says("founding", hal.Silence)
	does("H") // goes on
	says("founding", hal.Silence)
	p.Step(Failed{})
	says("it failed", hal.Silence)
	p.Step(Seen{[]Office{{"acme", true}}})
	does("hH")
	says("acme waits", hal.Silence)
	does("h123456#", Join{"123456"})
	p.Step(Member{"acme", "103"})
	says("103 of acme", hal.Confirm)
	does("123456#")
	if p.Over() {
		t.Error("over with the handset off")
	}
	does("H")
	if !p.Over() {
		t.Error("not over")
	}
	p = Phone{}
	p.Step(Seen{[]Office{{"acme", true}, {"a-name-that-is-much-too-long-for-this", false}}})
	says("2 offices", hal.Silence)
}

// Whatever happens, the display has room for it, and only codes are tried.
func TestAnything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var p Phone
		for range rapid.IntRange(1, 60).Draw(t, "events") {
			switch rapid.IntRange(0, 9).Draw(t, "what") {
			case 0:
				if rapid.IntRange(0, 3).Draw(t, "joined") == 0 {
					p.Step(Member{rapid.String().Draw(t, "office"), "9999"})
				}
				p.Step(Failed{rapid.SampledFrom([]string{"", "wrong code"}).Draw(t, "why")})
			case 1:
				var list []Office
				for range rapid.IntRange(0, 3).Draw(t, "offices") {
					list = append(list, Office{rapid.String().Draw(t, "name"), rapid.Bool().Draw(t, "open")})
				}
				p.Step(Seen{list})
			default:
				for _, a := range press(t, &p, rapid.SampledFrom(strings.Split("0123456789*#ABhH", "")).Draw(t, "key")) {
					if j, ok := a.(Join); ok && (len(j.Code) < minCode || len(j.Code) > maxCode || strings.Trim(j.Code, "0123456789") != "") {
						t.Errorf("%q is tried", j.Code)
					}
				}
			}
			check(t, &p)
		}
	})
}
