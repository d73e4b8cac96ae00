package pins

import (
	"errors"
	"log/slog"
	"sync"
	"time"

	"chordophone/board"
	"chordophone/hal"
)

// retry is the time between two attempts to get at the lines.
const retry = 2 * time.Second

// wires are the lines of a board, opened with all outputs off.
type wires interface {
	// probe drives a column, or all if it is rest, waits for the lines to settle
	// and reads the inputs.
	probe(column int) (rows, contacts uint64, err error)
	// set switches an output, in the order of outputs.
	set(output int, on bool) error
	// edges says that an input has moved. It is closed when the lines are gone.
	edges() <-chan struct{}
	Close()
}

// errGone is what ended the lines when their chip does not say more.
var errGone = errors.New("the GPIO chip is gone")

// Panel implements hal.Panel on GPIO lines.
type Panel struct {
	open   func() (wires, error)
	log    *slog.Logger
	events chan hal.Event

	stop     chan struct{} // closed by Close
	stopOnce sync.Once
	ended    chan struct{} // closed when the loop has ended

	board *board.Board
	shown []bool // outputs as they are, of the loop

	wake chan struct{} // lights have changed, capacity 1

	mu       sync.Mutex // guards what follows
	keyboard *keyboard
	lights   lights
	trouble  error // why there are no lines, nil if there are
}

// Open starts a panel on the lines of a board. It does not fail if they are not
// there: see the package comment.
func Open(b *board.Board, log *slog.Logger) *Panel {
	s := source{board: b, log: log}
	s.find() // now, while nothing else opens files; open says what is wrong
	return start(b, log, s.open)
}

func start(b *board.Board, log *slog.Logger, open func() (wires, error)) *Panel {
	p := &Panel{
		board:    b,
		open:     open,
		log:      log,
		events:   make(chan hal.Event, 64),
		stop:     make(chan struct{}),
		ended:    make(chan struct{}),
		wake:     make(chan struct{}, 1),
		keyboard: newKeyboard(b),
		lights:   lights{origin: time.Now()},
	}
	for _, o := range outputs(b) {
		p.lights.roles = append(p.lights.roles, o.role)
	}
	go p.run()
	return p
}

// Events implements hal.Panel. It is closed by Close only.
func (p *Panel) Events() <-chan hal.Event { return p.events }

// Show implements hal.Panel.
func (p *Panel) Show(picture hal.Picture) error {
	p.mu.Lock()
	p.lights.picture = picture
	p.mu.Unlock()
	p.changed()
	return nil
}

// Tell implements hal.Panel: it rings the bell, and faults go to the log.
func (p *Panel) Tell(n hal.Notice) {
	switch n := n.(type) {
	case hal.Ringing:
		p.mu.Lock()
		p.lights.ring(time.Now(), n.On)
		p.mu.Unlock()
		p.changed()
	case hal.Fault:
		p.log.Warn(n.Message, "hint", n.Hint)
	}
}

func (p *Panel) changed() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// Close switches all outputs off and gives the lines back.
func (p *Panel) Close() error {
	p.stopOnce.Do(func() { close(p.stop) })
	<-p.ended
	return nil
}

// run opens the lines and serves them, again and again until Close.
func (p *Panel) run() {
	defer close(p.ended)
	defer close(p.events)
	said := ""
	for {
		w, err := p.open()
		if err == nil {
			if said != "" {
				p.log.Info("the GPIO lines are back")
			}
			said = ""
			p.fail(nil)
			err = p.serve(w)
			w.Close()
			p.mu.Lock()
			up := p.keyboard.letGo()
			p.mu.Unlock()
			for _, ev := range up {
				p.emit(ev)
			}
		}
		p.fail(err)
		if err != nil && err.Error() != said {
			said = err.Error()
			p.log.Error("no keys and no lamps", "err", err)
		}
		select {
		case <-p.stop:
			return
		case <-time.After(retry):
		}
	}
}

// fail notes why there are no lines.
func (p *Panel) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.trouble = err
}

// serve works with lines until Close, or until they fail.
func (p *Panel) serve(w wires) error {
	p.shown = make([]bool, len(p.lights.roles))
	timer := time.NewTimer(0)
	defer timer.Stop()
	if err := p.carry(w, []action{probe{rest}}); err != nil {
		return err
	}
	for {
		next, err := p.light(w)
		if err != nil {
			return err
		}
		next = earliest(next, p.due())
		if next.IsZero() {
			timer.Stop()
		} else {
			timer.Reset(time.Until(next))
		}
		select {
		case <-p.stop:
			return p.dark(w)
		case <-p.wake:
			continue
		case _, ok := <-w.edges():
			if !ok {
				return errGone
			}
		case <-timer.C:
		}
		if err := p.carry(w, p.step(woken{})); err != nil {
			return err
		}
	}
}

func (p *Panel) step(ev event) []action {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.keyboard.Step(time.Now(), ev)
}

// due is when the keyboard wants to be woken.
func (p *Panel) due() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.keyboard.Next()
}

// carry carries actions out, and those that come of them.
func (p *Panel) carry(w wires, actions []action) error {
	for len(actions) > 0 {
		var again []action
		for _, a := range actions {
			switch a := a.(type) {
			case emit:
				p.emit(a.Event)
			case probe:
				rows, contacts, err := w.probe(a.column)
				if err != nil {
					return err
				}
				again = p.step(levels{a.column, rows, contacts})
			}
		}
		actions = again
	}
	return nil
}

// emit tells the telephone of a movement.
func (p *Panel) emit(ev hal.Event) {
	if ev.Key == hal.Hook {
		p.mu.Lock()
		p.lights.lifted = !ev.Down
		p.mu.Unlock()
	}
	select {
	case p.events <- ev:
	case <-p.stop:
	}
}

// light switches the outputs that have to change now and returns when the next has
// to, zero if none.
func (p *Panel) light(w wires) (next time.Time, err error) {
	p.mu.Lock()
	lights := p.lights
	p.mu.Unlock()
	now := time.Now()
	for i, shown := range p.shown {
		if on := lights.on(now, i); on != shown {
			if err := w.set(i, on); err != nil {
				return next, err
			}
			p.shown[i] = on
		}
	}
	return lights.Next(now), nil
}

// dark switches all outputs off.
func (p *Panel) dark(w wires) error {
	var errs []error
	for i := range p.shown {
		errs = append(errs, w.set(i, false))
	}
	return errors.Join(errs...)
}
