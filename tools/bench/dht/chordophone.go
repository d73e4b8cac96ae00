package dht

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"chordophone/overlay"
	"chordophone/overlay/chord"
	"chordophone/tools/bench/ringnode"
)

// chordophone is our ring: this very program, as `bench node`.
type chordophone struct {
	exe   string
	dirs  []string // data of each node
	addrs []netip.AddrPort
	ids   []overlay.ID
	tally bool
}

// newChordophone makes an office of n phones with their data below dir, on the
// addresses from first on.
func newChordophone(ctx context.Context, exe, dir string, first netip.Addr, n int, tally bool) (*chordophone, error) {
	c := &chordophone{exe: exe, tally: tally}
	for i, a := 0, first; i < n; i, a = i+1, a.Next() {
		c.dirs = append(c.dirs, filepath.Join(dir, fmt.Sprintf("phone-%02d", i)))
		c.addrs = append(c.addrs, netip.AddrPortFrom(a, overlay.Port))
	}
	var err error
	c.ids, err = foundOffice(ctx, c.dirs)
	return c, err
}

func (*chordophone) name() string { return "ours" }

// command starts a node that knows the address of the first, and what its disk
// remembers.
func (c *chordophone) command(i int) *exec.Cmd {
	args := []string{"node", "--data", c.dirs[i], "--listen", c.addrs[i].String()}
	if i > 0 {
		args = append(args, "--known", c.addrs[0].String())
	}
	if c.tally {
		args = append(args, "--tally")
	}
	cmd := exec.Command(c.exe, args...)
	if log, err := os.OpenFile(filepath.Join(c.dirs[i], "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err == nil {
		cmd.Stderr = log // start closes it
	}
	return cmd
}

func (*chordophone) put(name, value string) string { return "put " + name + " " + value }
func (*chordophone) get(name string) string        { return "get " + name }

func (*chordophone) hear(l *life, line string) {
	var ev ringnode.Event
	if err := json.Unmarshal([]byte(line), &ev); err != nil {
		return
	}
	a := answer{value: ev.Value, found: ev.Found, stats: ev.Stats}
	if ev.Error != "" {
		a.err = errors.New(ev.Error)
	}
	switch ev.Event {
	case ringnode.EventReady:
		l.up()
	case ringnode.EventView:
		if ev.View != nil {
			l.saw(*ev.View)
		}
	default:
		l.answer(a)
	}
}

// together waits until every node's successor is the right one.
func (c *chordophone) together(ctx context.Context, net *Network) error {
	return net.until(ctx, func() bool { return c.right(net.running(), false) })
}

// whole waits until every node's predecessor and whole list are right.
func (c *chordophone) whole(ctx context.Context, net *Network) error {
	return net.until(ctx, func() bool { return c.right(net.running(), true) })
}

// right reports whether the nodes see the ring that they are.
func (c *chordophone) right(nodes []*Node, whole bool) bool { return len(c.wrong(nodes, whole)) == 0 }

// wrong holds what the nodes see against the ring that they are: their
// successors, or their whole lists and predecessors, too. It returns a line for
// each node that is wrong.
func (c *chordophone) wrong(nodes []*Node, whole bool) (out []string) {
	ring := slices.Clone(nodes)
	slices.SortFunc(ring, func(a, b *Node) int { return c.ids[a.index].Compare(c.ids[b.index]) })
	for i, n := range ring {
		v := n.View()
		// The others, clockwise from n.
		var others []overlay.ID
		for k := 1; k < len(ring); k++ {
			others = append(others, c.ids[ring[(i+k)%len(ring)].index])
		}
		want := others[:min(chord.LAN().Successors, len(others))]
		var faults []string
		fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
		if !v.Joined {
			fault("not joined")
		}
		if len(want) > 0 && (len(v.Succ) == 0 || v.Succ[0] != want[0]) {
			fault("successor is not %s", c.phone(want[0]))
		}
		if whole && len(others) > 0 {
			if last := others[len(others)-1]; v.Pred != last {
				fault("predecessor is %s, not %s", c.phone(v.Pred), c.phone(last))
			}
			for _, id := range want {
				if !slices.Contains(v.Succ, id) {
					fault("list lacks %s", c.phone(id))
				}
			}
			for _, id := range v.Succ {
				if !slices.Contains(want, id) {
					fault("list has %s", c.phone(id))
				}
			}
			if len(faults) == 0 && !slices.Equal(v.Succ, want) {
				fault("list is out of order")
			}
		}
		if len(faults) > 0 {
			out = append(out, c.phone(c.ids[n.index])+": "+strings.Join(faults, ", "))
		}
	}
	return out
}

// phone is how a person tells the node apart: its number, and the beginning of its
// Node-ID.
func (c *chordophone) phone(id overlay.ID) string {
	if i := slices.Index(c.ids, id); i >= 0 {
		return fmt.Sprintf("phone-%02d/%s", i, id.Short())
	}
	return id.Short()
}

// forgotten reports whether none of the nodes sees any of the lost ones.
func (c *chordophone) forgotten(nodes []*Node, lost []*Node) bool {
	for _, n := range nodes {
		v := n.View()
		for _, d := range lost {
			id := c.ids[d.index]
			if v.Pred == id || slices.Contains(v.Succ, id) || slices.Contains(v.Fingers, id) {
				return false
			}
		}
	}
	return true
}

// owner is the node responsible for a name among those given: the first at or
// after its point on the circle.
func (c *chordophone) owner(nodes []*Node, name string) *Node {
	key := overlay.ResourceID(name)
	return slices.MinFunc(nodes, func(a, b *Node) int {
		return key.Distance(c.ids[a.index]).Compare(key.Distance(c.ids[b.index]))
	})
}
