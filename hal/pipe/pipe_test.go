package pipe

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"chordophone/hal"
)

var _ hal.Panel = (*Panel)(nil)

// script runs a panel on input that stays open, lets all settle, and returns what
// was printed and which keys moved.
func script(t *testing.T, input string, do func(*Panel)) (out string, moves []hal.Event, closed bool) {
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		var b bytes.Buffer
		p := New(r, &b)
		go io.WriteString(w, input)
		if do != nil {
			do(p)
		}
		synctest.Wait()
		for range len(p.events) {
			moves = append(moves, <-p.events)
		}
		select {
		case _, ok := <-p.events:
			closed = !ok
		default:
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		w.Close()
		synctest.Wait()
		if _, ok := <-p.events; ok {
			t.Error("a movement after Close")
		}
		out = b.String()
	})
	return
}

func TestCommands(t *testing.T) {
	for _, c := range []struct{ input, want string }{
		{"off\n", "-h"},
		{"on\r\n", "+h"},
		{"off\nkeys 10#\n\n  on  \n", "-h +1 -1 +0 -0 +# -# +h"},
		{"keys 1 2\n", "+1 -1 +2 -2"},
		{"keys ><\n", "+> -> +< -<"},
		{"down 5\nup 5\n", "+5 -5"},
		{"keys aDrR*\n", "+A -A +D -D +r -r +r -r +* -*"},
	} {
		out, moves, closed := script(t, c.input, nil)
		var got []string
		for _, m := range moves {
			got = append(got, fmt.Sprintf("%c%c", map[bool]rune{true: '+', false: '-'}[m.Down], m.Key))
		}
		if strings.Join(got, " ") != c.want || out != "" || closed {
			t.Errorf("%q: %v %q, closed %t", c.input, got, out, closed)
		}
	}
}

// What is not understood moves nothing, not even in part, and is answered.
func TestUnknownCommands(t *testing.T) {
	for input, want := range map[string]string{
		"dial 102\n":                      `unknown command \"dial\"`,
		"keys\n":                          "keys without a key",
		"keys 10x\n":                      "there is no key 'x'",
		"down h\n":                        "there is no key 'h'",
		"down 55\n":                       "down takes one key",
		"up\n":                            "up takes one key",
		"off 5\n":                         `off takes nothing after it, not \"5\"`,
		strings.Repeat("k", 10000) + "\n": "a line of more than 4096 bytes",
		strings.Repeat("k", 1000) + "\n":  `unknown command \"kkk`,
		"\x00\xff\n":                      "unknown command",
	} {
		out, moves, closed := script(t, input, nil)
		if len(moves) > 0 || closed {
			t.Errorf("%.20q: %v, closed %t", input, moves, closed)
		}
		if !strings.Contains(out, `"event":"error","message":"`+want) || !strings.Contains(out, `"hint":"`+help) {
			t.Errorf("%.20q: %s", input, out)
		}
	}
}

func TestQuit(t *testing.T) {
	_, moves, closed := script(t, "off\nquit\non\n", nil)
	if !slices.Equal(moves, []hal.Event{{Key: hal.Hook}}) || !closed {
		t.Errorf("%v, closed %t", moves, closed)
	}
}

// A telephone whose input is /dev/null goes on.
func TestEndOfInput(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b bytes.Buffer
		p := New(strings.NewReader("off"), &b) // its last line has no end
		synctest.Wait()
		if ev := <-p.Events(); ev.Key != hal.Hook || ev.Down {
			t.Errorf("%v", ev)
		}
		time.Sleep(time.Hour)
		select {
		case ev, ok := <-p.Events():
			t.Errorf("%v, %t", ev, ok)
		default:
		}
		p.Tell(hal.Sounding{Tone: hal.DialTone})
		p.Close()
		if !strings.Contains(b.String(), `"tone":"dial"`) {
			t.Errorf("%q", b.String())
		}
	})
}

// The lines are, to the letter, those that scripts rely on.
func TestEvents(t *testing.T) {
	out, _, _ := script(t, "", func(p *Panel) {
		for _, n := range []hal.Notice{
			hal.Ready{Extension: "101", Office: "Müller & Co", Node: "0a"},
			hal.Sounding{Tone: hal.Ringback},
			hal.Ringing{On: true, From: "102", CallerName: "Bob"},
			hal.CallState{ID: "1", State: "dialling", Peer: "102"},
			hal.CallState{ID: "1", State: "ended", Peer: "102", Cause: "busy", Status: 486},
			hal.Lines{Lines: []string{"102", ""}},
			hal.Lines{},
			hal.Fault{Message: "no \"sound\"", Hint: "plug it in"},
		} {
			p.Tell(n)
		}
		p.Show(hal.Picture{})
		p.Show(hal.Picture{})
		p.Show(hal.Picture{hal.LampLine: hal.Flash, hal.LampContact + 9: hal.Blip})
	})
	// The bubble's clock begins here.
	want := `"event":"ready","extension":"101","office":"Müller & Co","node":"0a"}
"event":"tone","tone":"ringback"}
"event":"ring","on":true,"from":"102","name":"Bob"}
"event":"call","id":"1","state":"dialling","peer":"102"}
"event":"call","id":"1","state":"ended","peer":"102","cause":"busy","status":486}
"event":"display","lines":["102",""]}
"event":"display","lines":[]}
"event":"error","message":"no \"sound\"","hint":"plug it in"}
"event":"picture","lamps":{"line":"off","message":"off","contact1":"off","contact2":"off","contact3":"off","contact4":"off","contact5":"off","contact6":"off","contact7":"off","contact8":"off","contact9":"off","contact10":"off"}}
"event":"picture","lamps":{"line":"flash","message":"off","contact1":"off","contact2":"off","contact3":"off","contact4":"off","contact5":"off","contact6":"off","contact7":"off","contact8":"off","contact9":"off","contact10":"blip"}}
`
	if got := strings.ReplaceAll(out, `{"t":"2000-01-01T00:00:00.000000Z",`, ""); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	for line := range strings.Lines(out) {
		if !json.Valid([]byte(line)) {
			t.Errorf("not JSON: %s", line)
		}
	}
}

// A reader that is slow holds nothing up and learns what it missed, and where.
func TestSlowReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		p := New(strings.NewReader(""), w)
		tell := func(n int) { p.Tell(hal.Sounding{Tone: hal.Tone(n)}) }
		tell(1)
		synctest.Wait() // the writer holds the first event
		for range maxQueue + 10 {
			tell(2)
		}
		done := make(chan []string)
		go func() {
			var lines []string
			for s := bufio.NewScanner(r); s.Scan(); {
				lines = append(lines, s.Text())
			}
			done <- lines
		}()
		synctest.Wait()
		tell(3)
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		w.Close()
		lines := <-done
		if len(lines) != 1+maxQueue+2 {
			t.Fatalf("%d lines", len(lines))
		}
		if gap := lines[1+maxQueue]; !strings.Contains(gap, `"error","message":"10 events were lost here"`) {
			t.Error(gap)
		}
		if last := lines[2+maxQueue]; !strings.Contains(last, `"tone":"ringback"`) {
			t.Error(last)
		}
	})
}

// A reader that takes nothing at all delays the end by a second and no more.
func TestCloseUnread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		p := New(strings.NewReader(""), w)
		p.Tell(hal.Sounding{})
		start := time.Now()
		p.Close()
		if d := time.Since(start); d != flushTime {
			t.Errorf("Close took %v", d)
		}
		r.Close()
	})
}

func TestOutputGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, keep := io.Pipe()
		r, w := io.Pipe()
		p := New(in, w)
		r.CloseWithError(errors.New("broken pipe"))
		p.Tell(hal.Sounding{})
		if _, ok := <-p.Events(); ok {
			t.Error("Events stays open")
		}
		if err := p.Show(hal.Picture{}); err == nil || err.Error() != "writing events: broken pipe" {
			t.Error(err)
		}
		if err := p.Close(); err == nil {
			t.Error("Close hides the reason")
		}
		keep.Close()
	})
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"off", "keys 102#", "down r", "up  *  ", "quit now", "keys \xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if strings.TrimSpace(s) == "" {
			return
		}
		moves, quit, err := parse(line{text: s})
		if (err != nil || quit) && len(moves) > 0 {
			t.Errorf("%q: %v, %t, %v", s, moves, quit, err)
		}
		if len(moves) > 2*len(s) {
			t.Errorf("%q: %d movements", s, len(moves))
		}
	})
}
