package pins

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"chordophone/board"
	"chordophone/hal"
)

const loud = `name loud
key 1 line=GPIO5
hook line=GPIO4
lamp contact1 green=GPIO24 red=GPIO23
ringer line=GPIO12
bell line=GPIO26
amplifier line=GPIO27
`

// The outputs of loud are green, red, ringer, bell, amplifier.
func TestOutputs(t *testing.T) {
	l := lights{origin: begin}
	for _, o := range outputs(mustBoard(t, loud)) {
		l.roles = append(l.roles, o.role)
	}
	shows := func() (s string) {
		for i := range l.roles {
			s += film(&l, i, 1)
		}
		return s
	}
	for _, c := range []struct {
		what   string
		signal hal.Signal
		ring   bool
		lifted bool
		want   string
	}{
		{"nobody is known at the lamp", hal.Off, false, false, "....."},
		{"a colleague is free", hal.Free, false, false, "#...."},
		{"a colleague talks", hal.On, false, false, ".#..."},
		{"the handset is lifted", hal.Off, false, true, "....#"},
		{"it rings", hal.Free, true, false, "#.###"},
	} {
		l.picture[hal.LampContact], l.lifted = c.signal, c.lifted
		l.ring(begin, c.ring)
		if got := shows(); got != c.want {
			t.Errorf("%s: %s, want %s", c.what, got, c.want)
		}
	}
}

// The amplifier follows the handset without being told.
func TestAmplifierFollowsHook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newToy(t)
		b := mustBoard(t, strings.Replace(telephone, "ringer line=GPIO12", "amplifier line=GPIO12", 1))
		p := start(b, slog.New(slog.DiscardHandler), func() (wires, error) { return w, nil })
		for _, lifted := range []bool{true, false} {
			w.press('h', !lifted)
			pass(time.Second)
			if got := w.shows()[2]; got != lifted {
				t.Errorf("lifted %t, amplifier %t", lifted, got)
			}
		}
		p.Close()
	})
}

// kernel is what a kernel shows of pulses, with channels that somebody has exported.
func kernel(t *testing.T, device string) (root, channel string) {
	root = t.TempDir()
	for _, chip := range []string{"pwmchip0", "pwmchip1"} {
		if err := os.MkdirAll(filepath.Join(root, chip, "pwm1"), 0o755); err != nil {
			t.Fatal(err)
		}
		target := "../../../1f0009c000.pwm"
		if chip == "pwmchip1" {
			target = "../../../" + device
		}
		if err := os.Symlink(target, filepath.Join(root, chip, "device")); err != nil {
			t.Fatal(err)
		}
	}
	channel = filepath.Join(root, "pwmchip1", "pwm1")
	for _, name := range []string{"duty_cycle", "period", "enable"} {
		if err := os.WriteFile(filepath.Join(channel, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root, channel
}

func TestPulse(t *testing.T) {
	for _, device := range []string{"fe20c000.pwm", "3f20c000.pwm", "1f00098000.pwm"} {
		root, channel := kernel(t, device)
		shows := func(name string) string {
			b, err := os.ReadFile(filepath.Join(channel, name))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(channel, name), nil, 0o644); err != nil { // a file keeps the tail of what was longer
				t.Fatal(err)
			}
			return string(b)
		}
		p, err := openPulse(root, board.Output{Line: 13, PWM: board.PWM{Hertz: 500, Duty: 30}})
		if err != nil {
			t.Fatal(err)
		}
		if d, n, e := shows("duty_cycle"), shows("period"), shows("enable"); d != "0" || n != "2000000" || e != "1" {
			t.Errorf("%s: %s of %s, enabled %s", device, d, n, e)
		}
		if err := p.set(true); err != nil || shows("duty_cycle") != "600000" {
			t.Error(device, err)
		}
		p, err = openPulse(root, board.Output{Line: 13, ActiveLow: true, PWM: board.PWM{Hertz: 500, Duty: 30}})
		if got := shows("duty_cycle"); err != nil || !strings.HasPrefix(got, "2000000") {
			t.Errorf("active low and off: %s, %v", got, err)
		}
		if err := p.set(true); err != nil || shows("duty_cycle") != "1400000" {
			t.Error(device, err)
		}
	}
	root, _ := kernel(t, "gpio-fan")
	if _, err := openPulse(root, board.Output{Line: 13, PWM: board.PWM{Hertz: 500, Duty: 30}}); err == nil {
		t.Error("a fan's pulses were taken for the header's")
	}
	root, _ = kernel(t, "fe20c000.pwm")
	if _, err := openPulse(root, board.Output{Line: 12, PWM: board.PWM{Hertz: 500, Duty: 30}}); err == nil {
		t.Error("a channel that cannot be had was opened")
	}
}

// What stands as no hand would hold it is found, and said in the words of the board
// file; what a hand does is not.
func TestFindings(t *testing.T) {
	for _, c := range []struct {
		what  string
		board string
		close string // keys
		want  []hal.Finding
	}{
		{"at rest", telephone, "", nil},
		{"a key is stuck", telephone, "5", []hal.Finding{{
			Word: "keypad rows=GPIO6 cols=GPIO22", Problem: "key 5 is down all the time",
			Hint: "the key is stuck, or its two wires touch",
		}}},
		{"a row touches ground", telephone, "456B", []hal.Finding{{
			Word: "keypad rows=GPIO6", Problem: "GPIO6 is low whatever column is driven",
			Hint: "its wire touches ground, or it belongs to something else",
		}}},
		{"a contact is closed", telephone, "r", []hal.Finding{{
			Word: "key recall line=GPIO17", Problem: "GPIO17 is low all the time",
			Hint: "its wire touches ground, or active=high is meant",
		}}},
		{"a dial hangs", without("key recall") + "dial line=GPIO17\n", "p", []hal.Finding{{
			Word: "dial line=GPIO17", Problem: "GPIO17 is high all the time",
			Hint: "it is not connected, or active=low is meant",
		}}},
	} {
		b := newBench(t, c.board, func(hal.Event) {})
		b.until(begin.Add(time.Second))
		for _, k := range c.close {
			b.press(hal.Key(k), true)
		}
		b.until(begin.Add(stuckAfter))
		if got := b.keyboard.stuck(b.now, b.board); got != nil {
			t.Errorf("%s: after %v already %v", c.what, b.now.Sub(begin), got)
		}
		b.until(begin.Add(stuckAfter + 2*time.Second))
		got := b.keyboard.stuck(b.now, b.board)
		if len(got) != len(c.want) || len(got) > 0 && got[0] != c.want[0] {
			t.Errorf("%s:\n%+v\nwant\n%+v", c.what, got, c.want)
		}
	}
}

// A chip that is missing is found, with what the panel says of it, until it comes.
func TestFindingsChip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		there := make(chan wires, 1)
		p := start(mustBoard(t, telephone), slog.New(slog.DiscardHandler), func() (wires, error) {
			select {
			case w := <-there:
				return w, nil
			default:
				return nil, errors.New("no GPIO chip x")
			}
		})
		pass(time.Second)
		if got := p.Findings(); len(got) != 1 || got[0].Word != "chip" || !strings.Contains(got[0].Problem, "no GPIO chip x") {
			t.Errorf("%+v", got)
		}
		there <- newToy(t)
		pass(retry)
		if got := p.Findings(); len(got) != 0 {
			t.Errorf("%+v", got)
		}
		p.Close()
	})
}
