package qemu

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"
)

// Lines is how many a PL061 has.
const Lines = 8

// GPIO is the far side of the lines of a machine's PL061: it pulls inputs and sees
// outputs. // QEMU: docs/devel/qtest.rst, set_irq_in and irq_intercept_out
type GPIO struct {
	conn net.Conn
	chip string // its path among QEMU's objects

	ask    sync.Mutex // one command at a time
	answer chan string

	mu    sync.Mutex
	level [Lines]bool // of outputs, as seen last
	steps [Lines]int  // how often they changed
}

func dialGPIO(ctx context.Context, path string, m *Monitor) (*GPIO, error) {
	chip, err := m.find("/machine/unattached", "pl061")
	if err != nil {
		return nil, err
	}
	conn, err := dial(ctx, path)
	if err != nil {
		return nil, err
	}
	g := &GPIO{conn: conn, chip: chip, answer: make(chan string, 1)}
	go g.follow()
	_, err = g.do("irq_intercept_out " + chip)
	return g, err
}

// follow reads answers and movements until the machine is gone.
func (g *GPIO) follow() {
	defer close(g.answer)
	for s := bufio.NewScanner(g.conn); s.Scan(); {
		var n int
		var what string
		if k, _ := fmt.Sscanf(s.Text(), "IRQ %s %d", &what, &n); k == 2 && n < Lines {
			g.moved(n, what == "raise")
			continue
		}
		g.answer <- s.Text()
	}
}

func (g *GPIO) moved(n int, high bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.level[n] != high {
		g.steps[n]++
	}
	g.level[n] = high
}

// do carries out a command and returns what stands after OK.
func (g *GPIO) do(command string) (string, error) {
	g.ask.Lock()
	defer g.ask.Unlock()
	g.conn.SetDeadline(time.Now().Add(patience))
	if _, err := fmt.Fprintln(g.conn, command); err != nil {
		return "", err
	}
	answer, ok := <-g.answer
	if !ok {
		return "", fmt.Errorf("%s: %w", command, ErrGone)
	}
	result, ok := strings.CutPrefix(answer, "OK")
	if !ok {
		return "", fmt.Errorf("%s: %s", command, answer)
	}
	return strings.TrimSpace(result), nil
}

// Pull sets the level of an input.
func (g *GPIO) Pull(line int, high bool) error {
	level := 0
	if high {
		level = 1
	}
	_, err := g.do(fmt.Sprintf("set_irq_in %s unnamed-gpio-in %d %d", g.chip, line, level))
	return err
}

// High is the level of an output. One that the machine lets go of is low, for the
// board has pull-downs.
func (g *GPIO) High(line int) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.level[line]
}

// Steps is how often an output has changed.
func (g *GPIO) Steps(line int) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.steps[line]
}

// The chip's registers in QEMU's machine. // ARM DDI 0190B, table 3-1
const (
	registers = 0x09030000
	dataAll   = registers + 0x3fc // levels of all lines
	direction = registers + 0x400 // outputs
)

// Low is whether each line is an output that is driven low, which High cannot tell
// from one that the machine lets go of. It has to be asked for.
func (g *GPIO) Low() (low [Lines]bool, err error) {
	var bits [2]uint
	for i, register := range []int{direction, dataAll} {
		answer, err := g.do(fmt.Sprintf("readb %#x", register))
		if err != nil {
			return low, err
		}
		if _, err := fmt.Sscan(answer, &bits[i]); err != nil {
			return low, fmt.Errorf("register %#x is %q: %w", register, answer, err)
		}
	}
	for i := range low {
		low[i] = bits[0]&^bits[1]>>i&1 == 1
	}
	return low, nil
}
