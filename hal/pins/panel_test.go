package pins

import (
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"chordophone/hal"
	"chordophone/hal/haltest"
)

// toy is wires in memory: switches and what the outputs show.
type toy struct {
	mu     sync.Mutex
	copper *switches
	on     [3]bool
	sets   int
	probes int
	moved  chan struct{}
	broken error
	closed bool
}

func newToy(t *testing.T) *toy {
	return &toy{copper: newSwitches(mustBoard(t, telephone)), moved: make(chan struct{}, 1)}
}

func (w *toy) probe(column int) (rows, contacts uint64, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.probes++
	w.copper.driven = column
	return w.copper.rows(), w.copper.contacts, w.broken
}

func (w *toy) set(i int, on bool) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.on[i] = on
	w.sets++
	return w.broken
}

func (w *toy) edges() <-chan struct{} { return w.moved }

func (w *toy) Close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
}

func (w *toy) press(name hal.Key, closed bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.copper.move(name, closed)
	select {
	case w.moved <- struct{}{}:
	default:
	}
}

func (w *toy) shows() [3]bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.on
}

func take(p *Panel) string {
	var all []string
	for {
		select {
		case ev, ok := <-p.Events():
			if !ok {
				return strings.Join(append(all, "closed"), ", ")
			}
			all = append(all, named(ev))
		default:
			return strings.Join(all, ", ")
		}
	}
}

func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestPanel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newToy(t)
		p := start(mustBoard(t, telephone), slog.New(slog.DiscardHandler), func() (wires, error) { return w, nil })
		pass(time.Second)
		w.press('h', false)
		pass(time.Second)
		w.press('0', true)
		pass(100 * time.Millisecond)
		w.press('0', false)
		pass(100 * time.Millisecond)
		w.press('h', true)
		pass(time.Second)
		if got, want := take(p), "hook up, 0 down, 0 up, hook down"; got != want {
			t.Errorf("%s, want %s", got, want)
		}
		p.Show(hal.Picture{hal.LampLine: hal.On, hal.LampMessage: hal.Off})
		p.Tell(hal.Ringing{On: true})
		pass(time.Millisecond)
		if got := w.shows(); got != [3]bool{true, false, true} {
			t.Errorf("%v", got)
		}
		pass(1100 * time.Millisecond)
		if got := w.shows(); got != [3]bool{true, false, false} {
			t.Errorf("the bell rings on: %v", got)
		}
		pass(4 * time.Second)
		if got := w.shows(); got != [3]bool{true, false, true} {
			t.Errorf("the bell rings no more: %v", got)
		}
		p.Tell(hal.Ringing{})
		pass(time.Millisecond)

		before := [2]int{w.probes, w.sets}
		pass(time.Hour)
		if after := [2]int{w.probes, w.sets}; after != before {
			t.Errorf("an hour at rest took %v probes and sets", after)
		}
		p.Close()
		if got := w.shows(); got != [3]bool{} || !w.closed || take(p) != "closed" {
			t.Errorf("after Close: %v, closed %t", got, w.closed)
		}
	})
}

// Without lines the panel says so once, looks again, and works when they are there;
// when they go a key that is down comes up.
func TestPanelRecovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log haltest.Log
		var opens atomic.Int32
		var there atomic.Pointer[toy]
		w := newToy(t)
		p := start(mustBoard(t, telephone), slog.New(slog.NewTextHandler(&log, nil)), func() (wires, error) {
			opens.Add(1)
			if w := there.Load(); w != nil {
				return w, nil
			}
			return nil, errors.New("no GPIO chip")
		})
		p.Show(hal.Picture{hal.LampLine: hal.On})
		pass(time.Minute)
		if n := strings.Count(log.String(), "no GPIO chip"); n != 1 || opens.Load() < 20 {
			t.Errorf("said %d times in %d attempts", n, opens.Load())
		}
		there.Store(w)
		pass(retry)
		w.press('h', false)
		w.press('5', true)
		pass(time.Second)
		if got := take(p); got != "5 down, hook up" || !w.shows()[0] {
			t.Errorf("%s, lamp %v", got, w.shows())
		}

		close(w.moved)
		pass(time.Millisecond)
		if got := take(p); got != "5 up" || !w.closed || !strings.Contains(log.String(), "chip is gone") {
			t.Errorf("%s, closed %t, %s", got, w.closed, &log)
		}
		w = newToy(t)
		there.Store(w)
		pass(retry + 2*time.Second)
		if got := take(p); got != "hook down" || !w.shows()[0] || !strings.Contains(log.String(), "lines are back") {
			t.Errorf("%s, lamp %v, %s", got, w.shows(), &log)
		}
		w.mu.Lock()
		w.broken = errors.New("input/output error")
		w.mu.Unlock()
		w.press('5', true)
		pass(time.Millisecond)
		if !strings.Contains(log.String(), "input/output error") {
			t.Error(&log)
		}
		p.Close()
	})
}

// Close ends a panel whose telephone takes no events, and one without lines.
func TestPanelClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newToy(t)
		p := start(mustBoard(t, telephone), slog.New(slog.DiscardHandler), func() (wires, error) { return w, nil })
		for range 100 {
			for _, closed := range []bool{true, false} {
				w.press('5', closed)
				pass(50 * time.Millisecond)
			}
		}
		p.Close()
		p = start(mustBoard(t, telephone), slog.New(slog.DiscardHandler), func() (wires, error) { return nil, errors.New("none") })
		p.Close()
		p.Close()
	})
}
