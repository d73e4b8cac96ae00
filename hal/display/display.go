package display

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"chordophone/board"
	"chordophone/hal"
)

const (
	// retry is the time between two attempts to set the glass up.
	retry = 2 * time.Second
	// renew is how often it is set up anew although it answers.
	renew = 6 * time.Minute
	// restAfter is how long nothing changes until the glass is dimmed.
	restAfter = 2 * time.Minute
)

// glass is a display that is set up.
type glass interface {
	show(rows []string) error // as many as it has
	dim(bool) error
	Close() error
}

// Display is the display of a board.
type Display struct {
	spec board.Display
	open func() (glass, error)
	log  *slog.Logger

	wake     chan struct{} // there are other lines, capacity 1
	stop     chan struct{} // closed by Close
	stopOnce sync.Once
	ended    chan struct{} // closed when the loop has ended

	mu      sync.Mutex // guards what follows
	lines   []string
	changed time.Time // when the lines were others
	trouble error     // why nothing is shown, nil if it is
}

// Open starts the display of a board. It does not fail if it is not there: see the
// package comment.
func Open(spec board.Display, log *slog.Logger) *Display {
	painter := NewPainter()
	return start(spec, log, func() (glass, error) {
		w, err := openWire(spec.Bus, spec.Address)
		if err != nil {
			return nil, err
		}
		g, err := setUp(w, spec, painter)
		if err != nil {
			return nil, errors.Join(err, w.Close())
		}
		return g, nil
	})
}

// setUp sets up the glass on a bus.
func setUp(b bus, spec board.Display, p *Painter) (glass, error) {
	if spec.Driver == "hd44780" {
		return newLCD(b, spec.Lines, spec.Columns)
	}
	return newOLED(b, p, spec.Driver == "sh1106")
}

func start(spec board.Display, log *slog.Logger, open func() (glass, error)) *Display {
	d := &Display{
		spec:    spec,
		open:    open,
		log:     log,
		wake:    make(chan struct{}, 1),
		stop:    make(chan struct{}),
		ended:   make(chan struct{}),
		changed: time.Now(),
	}
	go d.run()
	return d
}

// Show replaces the lines of text. It does not wait for the glass.
func (d *Display) Show(lines []string) {
	d.mu.Lock()
	d.lines, d.changed = slices.Clone(lines), time.Now()
	d.mu.Unlock()
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// Findings implements hal.Inspector.
func (d *Display) Findings() []hal.Finding {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.trouble == nil {
		return nil
	}
	return []hal.Finding{{
		Word:    fmt.Sprintf("display driver=%s bus=%d address=%#x", d.spec.Driver, d.spec.Bus, d.spec.Address),
		Problem: "the display shows nothing: " + d.trouble.Error(),
		Hint:    "check its four wires and its address; the telephone looks for it again every two seconds",
	}}
}

// Close clears the glass and gives the bus back.
func (d *Display) Close() error {
	d.stopOnce.Do(func() { close(d.stop) })
	<-d.ended
	return nil
}

// run sets the glass up and serves it, again and again until Close.
func (d *Display) run() {
	defer close(d.ended)
	said := ""
	for {
		g, err := d.open()
		if err == nil {
			if said != "" {
				d.log.Info("the display is back")
			}
			said = ""
			d.fail(nil)
			err = errors.Join(d.serve(g), g.Close())
		}
		if d.stopped() {
			return
		}
		if err == nil {
			continue // it is set up anew
		}
		d.fail(err)
		if err.Error() != said {
			said = err.Error()
			d.log.Error("the display shows nothing", "err", err)
		}
		select {
		case <-d.stop:
			return
		case <-time.After(retry):
		}
	}
}

func (d *Display) stopped() bool {
	select {
	case <-d.stop:
		return true
	default:
		return false
	}
}

func (d *Display) fail(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.trouble = err
}

// serve shows what is to be shown until Close, until the glass fails, or until it is to
// be set up anew.
func (d *Display) serve(g glass) error {
	var shown []string
	dim := false
	until := time.Now().Add(renew)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		rows, rest, next := d.due(time.Now())
		if !slices.Equal(rows, shown) {
			if err := g.show(rows); err != nil {
				return err
			}
			shown = rows
		}
		if rest != dim {
			if err := g.dim(rest); err != nil {
				return err
			}
			dim = rest
		}
		if next.IsZero() || next.After(until) {
			next = until
		}
		timer.Reset(time.Until(next))
		select {
		case <-d.stop:
			return g.show(make([]string, d.spec.Lines))
		case <-d.wake:
		case <-timer.C:
			if !time.Now().Before(until) {
				return nil
			}
		}
	}
}

// due is what the glass shows now, whether it is at rest, and when that changes, zero
// if never.
func (d *Display) due(now time.Time) (rows []string, rest bool, next time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	rows = Compose(d.lines, d.spec.Lines, d.spec.Columns, now)
	next = Next(d.lines, d.spec.Lines, d.spec.Columns, now)
	dark := d.changed.Add(restAfter)
	if rest = !now.Before(dark); !rest && (next.IsZero() || dark.Before(next)) {
		next = dark
	}
	return rows, rest, next
}
