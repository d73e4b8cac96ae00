package audio

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"

	"golang.org/x/sys/unix"

	"chordophone/tools/bench/procs"
)

// ErrNoNetwork means that there is no right to make namespaces and network devices.
var ErrNoNetwork = errors.New("audio: no network of its own can be made (hint: run as root, with /dev/net/tun)")

// network is two namespaces with the emulator between them.
type network struct {
	sides [2]*procs.Host
	taps  [2]*os.File
	pumps [2]*pump // by the side that sends
	done  chan struct{}
	ends  sync.WaitGroup
}

// newNetwork gives each side its addresses, "10.77.0.11/24".
func newNetwork(ctx context.Context, addresses [2][]string) (n *network, err error) {
	n = &network{done: make(chan struct{})}
	defer func() {
		if err != nil {
			n.close()
		}
	}()
	for i := range n.sides {
		if n.sides[i], err = procs.NewHost(); err != nil {
			return n, err
		}
		if !n.sides[i].Private {
			return n, ErrNoNetwork
		}
		if err = n.sides[i].Do(func() (err error) {
			n.taps[i], err = openTap("link")
			return err
		}); err != nil {
			return n, fmt.Errorf("%w: %w", ErrNoNetwork, err)
		}
		for _, a := range addresses[i] {
			if err = ip(ctx, n.sides[i], "addr", "add", a, "dev", "link"); err != nil {
				return n, err
			}
		}
		if err = ip(ctx, n.sides[i], "link", "set", "dev", "link", "up"); err != nil {
			return n, err
		}
	}
	for i := range n.pumps {
		to := n.taps[1-i]
		p := newPump(func(b []byte) { to.Write(b) }) // a frame that finds no room is lost, as on a wire
		n.pumps[i] = p
		n.ends.Go(func() { p.run(n.done) })
		from := n.taps[i]
		n.ends.Go(func() {
			b := make([]byte, 4096)
			for {
				k, err := from.Read(b)
				if err != nil {
					return
				}
				p.frame(b[:k])
			}
		})
	}
	return n, nil
}

// set makes both directions a link, with seeds of their own, and returns what the one
// before has done to the packets of each.
func (n *network) set(l Link, seed uint64) (before [2]impairment) {
	for i, p := range n.pumps {
		before[i] = p.set(impair(l, 2*seed+uint64(i)))
	}
	return before
}

func (n *network) close() {
	close(n.done)
	for i := range n.sides {
		if n.sides[i] != nil {
			n.sides[i].Close()
		}
		if n.taps[i] != nil {
			n.taps[i].Close()
		}
	}
	n.ends.Wait()
}

// openTap makes a network device in the namespace of the calling thread.
func openTap(name string) (*os.File, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	r, err := unix.NewIfreq(name)
	if err != nil {
		unix.Close(fd)
		return nil, err
	}
	r.SetUint16(unix.IFF_TAP | unix.IFF_NO_PI)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, r); err != nil {
		unix.Close(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), name), nil
}

// ip runs that command on a side.
func ip(ctx context.Context, h *procs.Host, args ...string) error {
	p, err := h.Start(exec.Command("ip", args...), func(string) {})
	if err != nil {
		return err
	}
	if err := p.Wait(ctx); err != nil {
		return fmt.Errorf("audio: ip %v: %w", args, err)
	}
	return nil
}
