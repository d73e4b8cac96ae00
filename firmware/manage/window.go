package manage

import (
	"sync"

	"golang.org/x/term"
)

// window is the size of a client's terminal.
type window struct {
	mu            sync.Mutex // guards all
	columns, rows int
	prompt        *term.Terminal // nil: no line is being read

	changed chan struct{} // capacity 1: the size is another
}

func newWindow() *window { return &window{changed: make(chan struct{}, 1)} }

// largest is the most columns or rows that are believed.
const largest = 1000

// resize is called when the window changes.
func (w *window) resize(columns, rows uint32) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.columns, w.rows = 80, 24 // RFC 4254, section 6.2: zero is to be ignored
	if columns > 0 {
		w.columns = int(min(columns, largest))
	}
	if rows > 0 {
		w.rows = int(min(rows, largest))
	}
	if w.prompt != nil {
		w.prompt.SetSize(w.columns, w.rows)
	}
	select {
	case w.changed <- struct{}{}:
	default:
	}
}

// size is that of now.
func (w *window) size() (columns, rows int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.columns, w.rows
}

// attach makes t, which waits for a line, follow the size; nil detaches it. While
// a command writes, t is not to be touched: it would make the connection wait for
// the terminal.
func (w *window) attach(t *term.Terminal) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.prompt = t
	if t != nil {
		t.SetSize(w.columns, w.rows)
	}
}
