package pins

import (
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/host/v3/gpioioctl"

	"chordophone/board"
)

const (
	// calm is how long no edge may come before the inputs are looked at: contacts
	// bounce, and the walk itself moves the rows.
	calm = time.Millisecond
	// maxEdges bounds how many edges are taken for one.
	maxEdges = 64
	// haltEvery is the time between two attempts to end a wait for an edge.
	haltEvery = 10 * time.Millisecond
)

// lines are the lines of a board on a chip.
type lines struct {
	board   *board.Board
	inputs  *gpioioctl.LineSet // rows, then contacts
	low     uint64             // contacts that are active while low
	columns []*gpioioctl.GPIOLine
	outputs []output
	driven  int // the column that was probed last

	moved    chan struct{} // capacity 1, closed by watch
	stopping atomic.Bool
}

// output is a line that stands still, or one that pulses.
type output struct {
	line  *gpioioctl.GPIOLine
	low   bool // lights while low
	pulse *pulse
}

// openLines requests the lines of a board: inputs as one set, so that they are read
// at once and one wait is for all; columns one by one, because a set cannot turn
// its lines round.
func openLines(chip *gpioioctl.GPIOChip, b *board.Board, log *slog.Logger) (_ wires, err error) {
	w := &lines{board: b, driven: rest, moved: make(chan struct{}, 1)}
	defer func() {
		if err != nil {
			w.release()
			if user, uerr := users(chip.Path()); uerr == nil {
				err = blame(err, chip.Label(), b, signature(), user)
			}
		}
	}()
	for _, l := range b.Keypad.Cols {
		line, err := lineOf(chip, l, b.Word(l))
		if err != nil {
			return nil, err
		}
		w.columns = append(w.columns, line)
	}
	for _, o := range outputs(b) {
		if o.PWM != (board.PWM{}) {
			pulse, err := openPulse(pwmRoot, o.Output)
			if err == nil {
				w.outputs = append(w.outputs, output{pulse: pulse})
				continue
			}
			log.Warn("an output does not pulse, it is only switched", "word", b.Word(o.Line), "err", err,
				"hint", "config.txt needs dtoverlay=pwm-2chan,pin=12,func=4,pin2=13,func2=4")
		}
		line, err := lineOf(chip, o.Line, b.Word(o.Line))
		if err != nil {
			return nil, err
		}
		w.outputs = append(w.outputs, output{line: line, low: o.ActiveLow})
	}
	for i, in := range contacts(b) {
		if in.ActiveLow {
			w.low |= 1 << i
		}
	}
	config, err := inputs(chip, b)
	if err != nil {
		return nil, err
	}
	if w.inputs, err = chip.LineSetFromConfig(config); err != nil {
		return nil, fmt.Errorf("the inputs: %w", err)
	}
	// Outputs and columns are requested now, so that what is wrong with them shows.
	for i := range w.outputs {
		if err := w.set(i, false); err != nil {
			return nil, err
		}
	}
	if err := w.drive(rest); err != nil {
		return nil, err
	}
	time.Sleep(b.Keypad.Settle)
	// The first wait makes what Halt and Close need; afterwards they may be called
	// while another goroutine waits.
	w.inputs.WaitForEdge(time.Nanosecond)
	go w.watch()
	return w, nil
}

// lineOf returns the line of a number.
func lineOf(chip *gpioioctl.GPIOChip, l board.Line, user string) (*gpioioctl.GPIOLine, error) {
	if int(l) >= chip.LineCount() {
		return nil, fmt.Errorf("%s: the chip %s has no line %v, only 0 to %d (a board file names another chip with chip label=)", user, chip.Label(), l, chip.LineCount()-1)
	}
	return chip.ByNumber(int(l)), nil
}

// inputs is the set of a board's inputs: the rows, then the contacts.
func inputs(chip *gpioioctl.GPIOChip, b *board.Board) (*gpioioctl.LineSetConfig, error) {
	var all []board.Input
	for _, l := range b.Keypad.Rows {
		all = append(all, board.Input{Line: l, Pull: board.PullUp})
	}
	all = append(all, contacts(b)...)
	config := &gpioioctl.LineSetConfig{DefaultDirection: gpioioctl.LineInput, DefaultEdge: gpio.BothEdges, DefaultPull: gpio.PullUp}
	var down, none []string
	for _, in := range all {
		line, err := lineOf(chip, in.Line, b.Word(in.Line))
		if err != nil {
			return nil, err
		}
		if chip.ByName(line.Name()) != line { // the set finds its lines by name
			return nil, fmt.Errorf("%s: the line %v of the chip %s has no name of its own (gpio-line-names of the device tree gives it one; or use another line)", b.Word(in.Line), in.Line, chip.Label())
		}
		config.Lines = append(config.Lines, line.Name())
		switch in.Pull {
		case board.PullDown:
			down = append(down, line.Name())
		case board.PullNone:
			none = append(none, line.Name())
		}
	}
	if len(down) > 0 {
		if err := config.AddOverrides(gpioioctl.LineInput, gpio.BothEdges, gpio.PullDown, down...); err != nil {
			return nil, err
		}
	}
	if len(none) > 0 {
		if err := config.AddOverrides(gpioioctl.LineInput, gpio.BothEdges, gpio.PullNoChange, none...); err != nil {
			return nil, err
		}
	}
	return config, nil
}

// probe implements wires.
func (w *lines) probe(column int) (rows, contacts uint64, err error) {
	if column != w.driven {
		if err := w.drive(column); err != nil {
			return 0, 0, err
		}
		w.driven = column
		time.Sleep(w.board.Keypad.Settle)
	}
	bits, err := w.inputs.Read(0)
	if err != nil {
		return 0, 0, fmt.Errorf("reading the inputs: %w", err)
	}
	n := len(w.board.Keypad.Rows)
	return ^uint64(bits) & (1<<n - 1), uint64(bits)>>n ^ w.low, nil
}

// drive lets go of the columns that are not to be driven before it drives the one
// that is: two that are driven must not meet at a row.
func (w *lines) drive(column int) error {
	for i, l := range w.columns {
		if column == rest || i == column || w.driven != rest && i != w.driven {
			continue
		}
		if err := l.In(gpio.PullUp, gpio.NoEdge); err != nil {
			return fmt.Errorf("keypad column %d: %w", i+1, err)
		}
	}
	for i, l := range w.columns {
		if column != rest && i != column {
			continue
		}
		if err := l.Out(gpio.Low); err != nil {
			return fmt.Errorf("keypad column %d: %w", i+1, err)
		}
	}
	return nil
}

// set implements wires.
func (w *lines) set(i int, on bool) error {
	o := w.outputs[i]
	if o.pulse != nil {
		return o.pulse.set(on)
	}
	if err := o.line.Out(gpio.Level(on != o.low)); err != nil {
		return fmt.Errorf("%s: %w", o.line.Name(), err)
	}
	return nil
}

// edges implements wires.
func (w *lines) edges() <-chan struct{} { return w.moved }

// watch waits for edges until Close, or until the chip is gone.
func (w *lines) watch() {
	defer close(w.moved)
	for !w.stopping.Load() {
		// 0 waits for ever, and only 0.
		if _, _, err := w.inputs.WaitForEdge(0); err != nil {
			return
		}
		for n := 0; ; n++ {
			if n == maxEdges {
				time.Sleep(calm)
				break
			}
			if _, _, err := w.inputs.WaitForEdge(calm); err != nil {
				break
			}
		}
		select {
		case w.moved <- struct{}{}:
		default:
		}
	}
}

// Close gives the lines back.
func (w *lines) Close() {
	w.stopping.Store(true)
	for {
		w.inputs.Halt() // lost if the next wait begins after it
		select {
		case _, ok := <-w.moved:
			if !ok {
				w.release()
				return
			}
		case <-time.After(haltEvery):
		}
	}
}

func (w *lines) release() {
	if w.inputs != nil {
		w.inputs.Close()
	}
	for _, c := range w.columns {
		c.Close()
	}
	for _, o := range w.outputs {
		if o.line != nil {
			o.line.Close()
		}
	}
}
