//go:build interop

package interop

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// lan is an Ethernet switch with hosts on it: network namespaces on a bridge,
// without a way out.
type lan struct {
	prefix string
	hosts  []*host
	free   chan *host
}

// host is one namespace with one address.
type host struct {
	namespace string
	address   string
	port      string // of the switch
}

// sweep removes what a run that was killed left behind.
func sweep() {
	files, _ := filepath.Glob("/run/netns/iop*")
	for _, f := range files {
		var pid int
		name := filepath.Base(f)
		if n, _ := fmt.Sscanf(name, "iop%d", &pid); n == 1 && !exists(fmt.Sprintf("/proc/%d", pid)) {
			exec.Command("ip", "netns", "del", name).Run()
		}
	}
}

// newLAN makes a switch with n hosts 10.61.0.1 and up.
func newLAN(n int) (*lan, error) {
	sweep()
	l := &lan{prefix: fmt.Sprintf("iop%d", os.Getpid()), free: make(chan *host, n)}
	plugs := l.prefix + "s"
	script := []string{
		"ip netns add " + plugs,
		"ip -n " + plugs + " link add br0 type bridge forward_delay 0",
		"ip -n " + plugs + " link set br0 up",
	}
	for i := 1; i <= n; i++ {
		h := &host{namespace: fmt.Sprintf("%sh%d", l.prefix, i), address: fmt.Sprintf("10.61.0.%d", i), port: fmt.Sprintf("p%d", i)}
		l.hosts = append(l.hosts, h)
		l.free <- h
		script = append(script,
			"ip netns add "+h.namespace,
			fmt.Sprintf("ip -n %s link add p%d type veth peer name eth0 netns %s", plugs, i, h.namespace),
			fmt.Sprintf("ip -n %s link set p%d master br0 up", plugs, i),
			"ip -n "+h.namespace+" link set lo up",
			"ip -n "+h.namespace+" addr add "+h.address+"/16 dev eth0",
			"ip -n "+h.namespace+" link set eth0 up",
			"ip -n "+h.namespace+" route add default dev eth0",
		)
	}
	out, err := exec.Command("sh", "-ec", strings.Join(script, "\n")).CombinedOutput()
	if err != nil {
		l.remove()
		return nil, fmt.Errorf("network namespaces: %w: %s", err, out)
	}
	return l, nil
}

func (l *lan) remove() {
	for _, h := range l.hosts {
		exec.Command("ip", "netns", "del", h.namespace).Run()
	}
	exec.Command("ip", "netns", "del", l.prefix+"s").Run()
}

// move gives a host an address that nobody has had: what was sent to a client of an
// earlier trial, and is sent again for half a minute, shall not reach another's.
func (h *host) move() error {
	a := netip.MustParseAddr(h.address).As4()
	a[2]++ // the last octet stays the host's
	next := netip.AddrFrom4(a).String()
	script := fmt.Sprintf("ip -n %[1]s addr flush dev eth0 scope global\n"+
		"ip -n %[1]s addr add %[2]s/16 dev eth0\nip -n %[1]s link set eth0 up\nip -n %[1]s route replace default dev eth0", h.namespace, next)
	if out, err := exec.Command("sh", "-ec", script).CombinedOutput(); err != nil {
		return fmt.Errorf("address %s: %w: %s", next, err, out)
	}
	h.address = next
	return nil
}

// command runs a program on the host.
func (h *host) command(program string, args ...string) *exec.Cmd {
	return exec.Command("ip", append([]string{"netns", "exec", h.namespace, program}, args...)...)
}

// plug connects the host to the switch, or pulls its plug.
func (h *host) plug(s *scene, in bool) {
	state := map[bool]string{true: "up", false: "down"}[in]
	out, err := exec.Command("ip", "-n", network.prefix+"s", "link", "set", h.port, state).CombinedOutput()
	if err != nil && in {
		return // the trial is over, and the namespace with it
	}
	if err != nil {
		s.failf("ip link set %s %s: %v: %s", h.port, state, err, out)
	}
}

// dial opens a TCP connection from within the host.
func (h *host) dial(address string) (net.Conn, error) {
	var c net.Conn
	err := h.inside(func() (err error) {
		c, err = net.DialTimeout("tcp", address, time.Second)
		return err
	})
	return c, err
}

// inside runs f on a thread that has moved to the host; sockets made there stay.
func (h *host) inside(f func() error) error {
	runtime.LockOSThread()
	home, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		return err
	}
	defer home.Close()
	there, err := os.Open("/run/netns/" + h.namespace)
	if err != nil {
		return err
	}
	defer there.Close()
	if err := unix.Setns(int(there.Fd()), unix.CLONE_NEWNET); err != nil {
		return err
	}
	err = f()
	if back := unix.Setns(int(home.Fd()), unix.CLONE_NEWNET); back != nil {
		return back // the thread stays locked and dies with its goroutine
	}
	runtime.UnlockOSThread()
	return err
}
