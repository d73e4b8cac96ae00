package dht

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"syscall"
	"time"

	"chordophone/tools/bench/procs"
	"chordophone/tools/bench/ringnode"
)

// answerTime is how long a node may take for an answer before it is not asked any
// more. Both programs give up by themselves long before.
const answerTime = 60 * time.Second

var (
	errEnded = errors.New("the process has ended")
	errDeaf  = errors.New("the process does not answer")
)

// answer is what a node says to a command.
type answer struct {
	value string
	found bool
	stats *ringnode.Stats // ours only
	err   error           // the operation failed
}

// Node is one node of a network. The stages use it from one goroutine at a time;
// its output is read by another.
type Node struct {
	index int
	proc  *procs.Process // of the latest start; nil before the first

	alive   bool // started, and not killed since
	stopped bool // by SIGSTOP
	deaf    bool

	ready   chan struct{} // closed when the process is up
	answers chan answer
	skip    int // answers to come that nobody waits for any more

	mu   sync.Mutex // guards view
	view ringnode.View
}

// life is a Node from one start of its process to its end: what reads its output.
type life struct {
	*Node
	ready   chan struct{}
	answers chan answer
	once    sync.Once
	changed func() // the view has

	// Of a look-up whose answer takes several lines.
	value string
	found bool
}

func (l *life) up() { l.once.Do(func() { close(l.ready) }) }

// answer hands over what was asked for. Nobody may wait any longer: the output
// must be read all the same.
func (l *life) answer(a answer) {
	select {
	case l.answers <- a:
	default:
	}
}

func (l *life) saw(v ringnode.View) {
	l.mu.Lock()
	l.view = v
	l.mu.Unlock()
	l.changed()
}

// running reports whether the node can be asked.
func (n *Node) running() bool { return n.alive && !n.stopped && !n.deaf }

// View is what it saw of the ring last.
func (n *Node) View() ringnode.View {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.view
}

// awaitReady waits until the process is up.
func (n *Node) awaitReady(ctx context.Context) error {
	select {
	case <-n.ready:
		return nil
	case <-n.proc.Ended():
		return fmt.Errorf("node %d: %w", n.index, errEnded)
	case <-ctx.Done():
		return fmt.Errorf("node %d does not start: %w", n.index, ctx.Err())
	}
}

// ask gives the node a command and waits for the answer.
func (n *Node) ask(ctx context.Context, command string) (a answer, took time.Duration) {
	start := time.Now()
	if err := n.proc.WriteLine(command); err != nil {
		return answer{err: fmt.Errorf("node %d: %w", n.index, err)}, 0
	}
	timeout := time.NewTimer(answerTime)
	defer timeout.Stop()
	for wait := true; wait; {
		wait = false
		select {
		case a = <-n.answers:
			if n.skip > 0 {
				n.skip--
				wait = true
			}
		case <-n.proc.Ended():
			// It may have answered with its last breath.
			select {
			case a = <-n.answers:
			default:
				a = answer{err: errEnded}
			}
		case <-timeout.C:
			n.deaf = true
			a = answer{err: errDeaf}
		case <-ctx.Done():
			n.skip++
			a = answer{err: ctx.Err()}
		}
	}
	if a.err != nil {
		a.err = fmt.Errorf("node %d: %w", n.index, a.err)
	}
	return a, time.Since(start)
}

// kill is a pulled plug. It does not wait.
func (n *Node) kill() error {
	n.alive, n.stopped = false, false
	return n.proc.Kill()
}

// halt stops the process, as a dead network would, or lets it go on.
func (n *Node) halt(stop bool) error {
	n.stopped = stop
	if stop {
		return n.proc.Signal(syscall.SIGSTOP)
	}
	return n.proc.Signal(syscall.SIGCONT)
}
