package display

import (
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"chordophone/board"
	"chordophone/hal"
	"chordophone/hal/haltest"
)

// pane is a glass in memory.
type pane struct {
	mu     sync.Mutex
	rows   []string
	shows  int
	opens  int
	dimmed bool
	broken error
	closed bool
}

func (p *pane) show(rows []string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.broken == nil {
		p.rows, p.shows = rows, p.shows+1
	}
	return p.broken
}

func (p *pane) dim(on bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dimmed = on
	return p.broken
}

func (p *pane) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	return nil
}

func (p *pane) look() (rows []string, shows int, dimmed bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.rows, p.shows, p.dimmed
}

func (p *pane) tried() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.opens
}

func (p *pane) gone() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.closed
}

func (p *pane) smash(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.broken = err
}

func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

var spec = board.Display{Driver: "ssd1306", Bus: 1, Address: 0x3c, Lines: 2, Columns: 20}

// synctest begins at midnight of 1 January 2000, when no telephone knows the time: the
// glass shows no clock, and what stands still is shown once.
func TestDisplay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := new(pane)
		d := start(spec, slog.New(slog.DiscardHandler), func() (glass, error) { return g, nil })
		panel := haltest.NewPanel()
		p := With(panel, d)
		p.Tell(hal.Lines{Lines: []string{"101 demo", "ready"}})
		p.Tell(hal.Ringing{On: true})
		pass(time.Millisecond)
		rows, shows, _ := g.look()
		if !slices.Equal(rows, []string{"101 demo", "ready"}) {
			t.Errorf("%q", rows)
		}
		if n := panel.Take(); len(n) != 2 {
			t.Errorf("the panel was told %v", n)
		}
		pass(restAfter - time.Second)
		if _, after, dim := g.look(); after != shows || dim {
			t.Errorf("%d shows while nothing changed, dimmed %t", after-shows, dim)
		}
		pass(2 * time.Second)
		if _, _, dim := g.look(); !dim {
			t.Error("not dimmed at rest")
		}
		d.Show([]string{"call from", "102"})
		pass(time.Millisecond)
		if rows, _, dim := g.look(); rows[0] != "call from" || dim {
			t.Errorf("%q, dimmed %t", rows, dim)
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		if rows, _, _ := g.look(); strings.Join(rows, "") != "" || !g.gone() {
			t.Errorf("after Close: %q", rows)
		}
		p.Close()
	})
}

// A display that is not there is said once and looked for every two seconds; one that is
// torn off comes back with what is to be shown then.
func TestDisplayRecovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log haltest.Log
		g := new(pane)
		broken := errors.New("nothing answers")
		g.smash(broken)
		d := start(spec, slog.New(slog.NewTextHandler(&log, nil)), func() (glass, error) {
			g.mu.Lock()
			defer g.mu.Unlock()
			g.opens++
			return g, g.broken
		})
		d.Show([]string{"one"})
		pass(time.Minute)
		if n := strings.Count(log.String(), "nothing answers"); n != 1 || g.tried() < 25 || g.tried() > 35 {
			t.Errorf("said %d times, %d attempts in a minute", n, g.tried())
		}
		if f := d.Findings(); len(f) != 1 || f[0].Word != "display driver=ssd1306 bus=1 address=0x3c" || !strings.Contains(f[0].Problem, "nothing answers") {
			t.Errorf("%+v", f)
		}
		g.smash(nil)
		pass(retry)
		if rows, _, _ := g.look(); len(rows) == 0 || rows[0] != "one" || len(d.Findings()) != 0 || !strings.Contains(log.String(), "is back") {
			t.Errorf("%q, %v, %s", rows, d.Findings(), &log)
		}
		g.smash(broken)
		d.Show([]string{"two"})
		pass(time.Millisecond)
		if len(d.Findings()) != 1 || !g.gone() {
			t.Error("its loss was not noticed")
		}
		d.Show([]string{"three"})
		g.smash(nil)
		pass(retry)
		if rows, _, _ := g.look(); rows[0] != "three" {
			t.Errorf("%q", rows)
		}
		// One that lost its power for a moment answers and is dark.
		_, shows, _ := g.look()
		pass(renew + time.Second)
		if _, after, _ := g.look(); after <= shows {
			t.Error("it was not set up anew")
		}
		d.Close()
	})
}

// Without a bus the display says what config.txt needs, and Close ends it.
func TestNoBus(t *testing.T) {
	_, err := openWire(31, 0x3c)
	if err == nil || !strings.Contains(err.Error(), "i2c_arm=on") {
		t.Error(err)
	}
	d := Open(board.Display{Driver: "hd44780", Bus: 31, Address: 0x27, Lines: 4, Columns: 20}, slog.New(slog.DiscardHandler))
	d.Close()
}
