package ua

import (
	"fmt"
	"testing"
	"time"
)

// The far side's keys arrive by INFO in both of the forms that are in use, and nothing else
// does.
func TestInfo(t *testing.T) {
	inBubble(t, func(o *office) {
		a, p, in := talking(o)
		seq := 1
		info := func(kind, body, want string) {
			t.Helper()
			seq++
			p.Vars["B"], p.Vars["M"], p.Vars["N"] = fmt.Sprint("info", seq), "INFO", fmt.Sprint(seq)
			text := within
			if kind != "" {
				text += "Content-Type: " + kind + "\n\n" + body
			}
			p.Send(text)
			res := p.Expect("^SIP/2.0 " + want + " ")
			if want == "415" && res.Get("Accept") != "application/dtmf-relay, application/dtmf" {
				t.Error("Accept: ", res.Get("Accept"))
			}
		}
		pressed := func(key rune) {
			t.Helper()
			if e := a.expect("^pressed").(Pressed); e.Call != in.Call || e.Key != key {
				t.Errorf("%s: key %c, want %c", e.Call, e.Key, key)
			}
		}
		for _, c := range []struct {
			kind, body string
			key        rune
		}{
			{"application/dtmf-relay", "Signal=5\nDuration=160\n", '5'},
			{"application/dtmf-relay", "Signal= *\nDuration= 250\n", '*'},
			{"application/dtmf-relay", "Duration=250\nsignal=#\n", '#'},
			{"Application/DTMF-Relay; charset=utf-8", "Signal=11\n", '#'},
			{"application/dtmf", "d", 'D'},
			{"application/dtmf", "0\n", '0'},
		} {
			info(c.kind, c.body, "200")
			pressed(c.key)
		}
		for _, c := range []struct{ kind, body, want string }{
			{"", "", "200"},
			{"application/dtmf-relay", "Duration=160\n", "400"},
			{"application/dtmf-relay", "Signal=16\n", "400"}, // the flash of a hook is no key
			{"application/dtmf-relay", "Signal=55\n", "400"},
			{"application/dtmf", "1x", "400"},
			{"application/dtmf", "\u00b2", "400"},
			{"application/media_control+xml", "<media_control/>", "415"},
		} {
			info(c.kind, c.body, c.want)
		}
		a.quiet(time.Second)
		a.Abort(in.Call, "nothing was heard")
		a.expect(`^ended 200 by=us cause="nothing was heard"`)
		p.Expect("^BYE ")
	})
}
