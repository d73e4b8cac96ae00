package insn

import (
	"bufio"
	"bytes"
	"io"
	"slices"
	"strconv"
)

// counter adds up the instructions in a trace of qemu. Of a block that is translated it has
//
//	IN: name
//	0x0009bae0:  f94003e0  ldr      x0, [sp]
//	0x0009bae4:  910023e1  add      x1, sp, #8
//
// and of one that runs, afterwards,
//
//	Trace 0: 0x7f9328000200 [0000000001009331/000000000009bae0/00000001/00000200] name
//
// Each time that one of the phases' functions is entered its phase begins, and that before
// it ends.
type counter struct {
	phases []string // names of functions

	blocks map[uint64]block  // by address
	fresh  block             // being translated
	at     uint64            // its address
	name   string            // of the function that it is of
	first  map[string]uint64 // address of a function's first block

	now  int         // the phase that runs, -1 before the first
	open uint64      // instructions in it until now
	done [][]float64 // instructions of each time that a phase has run
}

// block is a piece of code without a branch into it or out of it.
type block struct {
	instructions uint64
	enters       int // the phase that begins with it, or -1
}

func newCounter(phases ...string) *counter {
	return &counter{
		phases: phases, blocks: make(map[uint64]block), first: make(map[string]uint64),
		now: -1, done: make([][]float64, len(phases)),
	}
}

// read takes a whole trace.
func (c *counter) read(r io.Reader) error {
	lines := bufio.NewReaderSize(r, 1<<20)
	for {
		line, err := lines.ReadSlice('\n')
		c.line(line)
		if err == io.EOF {
			return nil
		}
		if err != nil && err != bufio.ErrBufferFull {
			return err
		}
	}
}

func (c *counter) line(line []byte) {
	if _, rest, ok := bytes.Cut(line, []byte("/")); ok && bytes.HasPrefix(line, []byte("Trace ")) {
		if at, ok := address(rest); ok {
			c.run(at)
		}
	} else if name, ok := bytes.CutPrefix(line, []byte("IN: ")); ok {
		c.name, c.fresh = string(bytes.TrimSpace(name)), block{enters: -1}
	} else if rest, ok := bytes.CutPrefix(line, []byte("0x")); ok {
		if at, ok := address(rest); ok {
			c.translate(at)
		}
	}
}

// translate takes an instruction of the block that is being translated.
func (c *counter) translate(at uint64) {
	if c.fresh.instructions == 0 {
		c.at = at
		if _, known := c.first[c.name]; !known {
			c.first[c.name] = at
		}
		if c.first[c.name] == at {
			c.fresh.enters = slices.Index(c.phases, c.name)
		}
	}
	c.fresh.instructions++
	c.blocks[c.at] = c.fresh
}

// run counts a block that runs.
func (c *counter) run(at uint64) {
	b, ok := c.blocks[at]
	if !ok {
		return
	}
	if b.enters >= 0 {
		if c.now >= 0 {
			c.done[c.now] = append(c.done[c.now], float64(c.open))
		}
		c.now, c.open = b.enters, 0
	}
	c.open += b.instructions
}

// address is the hexadecimal number at the beginning.
func address(b []byte) (uint64, bool) {
	n := 0
	for n < len(b) && n < 16 && bytes.IndexByte([]byte("0123456789abcdef"), b[n]) >= 0 {
		n++
	}
	v, err := strconv.ParseUint(string(b[:n]), 16, 64)
	return v, err == nil
}
