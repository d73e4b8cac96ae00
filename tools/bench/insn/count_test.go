package insn

import (
	"slices"
	"strings"
	"testing"
)

// What a phase costs is what runs from its function's entry to that of the next phase, in
// other functions too. A block that runs again is counted again; one translated anew may have
// another length; what runs before the first phase, and after the last entry, is nobody's.
func TestCount(t *testing.T) {
	trace := `----------------
IN: runtime.main
0x00001000:  f94003e0  ldr      x0, [sp]

Trace 0: 0x7f01 [0000000001009331/0000000000001000/00000001/00000200] runtime.main
----------------
IN: p.send
0x00002000:  f94003e0  ldr      x0, [sp]
0x00002004:  910023e1  add      x1, sp, #8

Trace 0: 0x7f02 [0000000001009331/0000000000002000/00000001/00000200] p.send
----------------
IN: p.send
0x00002008:  f94003e0  ldr      x0, [sp]

Trace 0: 0x7f03 [0000000001009331/0000000000002008/00000001/00000200] p.send
Trace 0: 0x7f03 [0000000001009331/0000000000002008/00000001/00000200] p.send
Trace 0: 0x7f01 [0000000001009331/0000000000001000/00000001/00000200] runtime.main
----------------
IN: p.receive
0x00003000:  f94003e0  ldr      x0, [sp]
0x00003004:  910023e1  add      x1, sp, #8
0x00003008:  14000002  b        #0x9baf0

Trace 0: 0x7f04 [0000000001009331/0000000000003000/00000001/00000200] p.receive
Stopped execution of TB chain before 0x7f04 [0000000000003000] p.receive
Trace 0: 0x7f02 [0000000001009331/0000000000002000/00000001/00000200] p.send
----------------
IN: p.receive
0x00003000:  f94003e0  ldr      x0, [sp]

Trace 0: 0x7f05 [0000000001009331/0000000000003000/00000001/00000200] p.receive
Trace 0: 0x7f02 [0000000001009331/0000000000002000/00000001/00000200] p.send
Trace 0: 0x7f09 [0000000001009331/0000000000009000/00000001/00000200] unknown
Trace 0: 0x7f01 [0000000001009331/0000000000001000/00000001/00000200] runtime.main`
	c := newCounter("p.send", "p.receive")
	if err := c.read(strings.NewReader(trace)); err != nil {
		t.Fatal(err)
	}
	if want := []float64{5, 2}; !slices.Equal(c.done[0], want) {
		t.Errorf("sending costs %v, want %v", c.done[0], want)
	}
	if want := []float64{3, 1}; !slices.Equal(c.done[1], want) {
		t.Errorf("receiving costs %v, want %v", c.done[1], want)
	}
}
