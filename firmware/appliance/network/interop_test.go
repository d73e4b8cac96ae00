//go:build interop

package network

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"
)

// These tests need root: each machine is a network namespace of its own with one
// interface, eth0, plugged into a bridge in one more namespace, where dnsmasq is the
// server. Nothing outside of these is touched.

const childEnv = "NETWORK_TEST_MACHINE"

func TestMain(m *testing.M) {
	if to, dial := strings.CutPrefix(os.Getenv(childEnv), "reach "); dial {
		c, err := net.DialTimeout("tcp", net.JoinHostPort(to, "9"), time.Second)
		if err == nil || errors.Is(err, unix.ECONNREFUSED) { // somebody said so
			os.Exit(0)
		}
		fmt.Fprintln(os.Stderr, err, c)
		os.Exit(1)
	}
	if name, resolve := strings.CutPrefix(os.Getenv(childEnv), "resolve "); resolve {
		if err := resolveName(name); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if os.Getenv(childEnv) != "" {
		ctx, stop := signal.NotifyContext(context.Background(), unix.SIGTERM)
		defer stop()
		if err := run(ctx, nil, "/nowhere", pretended()); err != nil {
			note("%v", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// resolveName asks everybody on br0 for a name, as one who knows nothing of multicast DNS,
// and prints the first address of the answer.
func resolveName(name string) error {
	c, err := net.ListenUDP("udp4", &net.UDPAddr{})
	if err != nil {
		return err
	}
	defer c.Close()
	br, err := net.InterfaceByName("br0")
	if err != nil {
		return err
	}
	if err := ipv4.NewPacketConn(c).SetMulticastInterface(br); err != nil {
		return err
	}
	q := dnsmessage.Message{Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName(name + "."), Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}}}
	b, err := q.Pack()
	if err != nil {
		return err
	}
	if _, err := c.WriteTo(b, mdnsGroup); err != nil {
		return err
	}
	c.SetReadDeadline(time.Now().Add(2 * time.Second))
	b = make([]byte, maxDatagram)
	n, err := c.Read(b)
	if err != nil {
		return err
	}
	var m dnsmessage.Message
	if err := m.Unpack(b[:n]); err != nil {
		return err
	}
	for _, r := range m.Answers {
		if a, ok := r.Body.(*dnsmessage.AResource); ok {
			fmt.Println(netip.AddrFrom4(a.A))
			return nil
		}
	}
	return errors.New("no address in the answer")
}

// patience is for what must come true; a good run is there long before.
const patience = 2 * time.Minute

// office is the bridge and what is plugged into it.
type office struct {
	t    *testing.T
	name string
	n    int
}

func ip(t *testing.T, args string) string {
	t.Helper()
	out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput()
	if err != nil {
		t.Fatalf("ip %s (Debian: apt-get install iproute2): %v: %s", args, err, out)
	}
	return string(out)
}

func newOffice(t *testing.T) *office {
	t.Helper()
	o := &office{t: t, name: fmt.Sprintf("cpn%d", os.Getpid())}
	o.namespace(o.name)
	o.ip("link add br0 type bridge forward_delay 0")
	o.ip("link set br0 up")
	o.ip("addr add 10.77.0.1/24 dev br0")
	return o
}

func (o *office) namespace(name string) {
	ip(o.t, "netns add "+name)
	o.t.Cleanup(func() { exec.Command("ip", "netns", "del", name).Run() })
}

// ip runs ip in the namespace of the bridge.
func (o *office) ip(args string) string { o.t.Helper(); return ip(o.t, "-n "+o.name+" "+args) }

// dnsmasq is the DHCP server; its log is returned.
func (o *office) dnsmasq(args ...string) *tail {
	o.t.Helper()
	dir := o.t.TempDir()
	all := append([]string{"netns", "exec", o.name, "dnsmasq", "--keep-in-foreground", "--port=0", "--conf-file=/dev/null", "--log-dhcp", "--log-facility=-",
		"--interface=br0", "--bind-interfaces", "--leasefile-ro", "--no-ping", "--user=root", "--pid-file=" + filepath.Join(dir, "pid")}, args...)
	return o.run(exec.Command("ip", all...), "dnsmasq")
}

// tail is what a process writes to its standard error.
type tail struct {
	t    *testing.T
	name string
	cmd  *exec.Cmd

	mu    sync.Mutex
	lines []string
	over  bool // it has ended
}

// stop ends the process now.
func (w *tail) stop() {
	w.t.Helper()
	w.cmd.Process.Signal(unix.SIGTERM)
	until(w.t, w.name+" ends", func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.over
	}, w)
}

// run starts a process that ends with the test.
func (o *office) run(cmd *exec.Cmd, name string) *tail {
	o.t.Helper()
	w := &tail{t: o.t, name: name, cmd: cmd}
	r, err := cmd.StderrPipe()
	if err != nil {
		o.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		o.t.Fatalf("%s (Debian: apt-get install dnsmasq-base iproute2): %v", name, err)
	}
	var reading sync.WaitGroup
	reading.Go(func() { w.read(r) })
	o.t.Cleanup(func() {
		cmd.Process.Signal(unix.SIGTERM)
		kill := time.AfterFunc(20*time.Second, func() { cmd.Process.Kill() })
		reading.Wait()
		cmd.Wait()
		kill.Stop()
	})
	return w
}

func (w *tail) read(r io.Reader) {
	for s := bufio.NewScanner(r); s.Scan(); {
		w.mu.Lock()
		w.lines = append(w.lines, s.Text())
		w.mu.Unlock()
	}
	w.mu.Lock()
	w.over = true
	w.mu.Unlock()
}

// count is how many lines match.
func (w *tail) count(pattern string) (n int) {
	re := regexp.MustCompile(pattern)
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, l := range w.lines {
		if re.MatchString(l) {
			n++
		}
	}
	return n
}

// says waits until so many lines match.
func (w *tail) says(pattern string, times int) {
	w.t.Helper()
	until(w.t, fmt.Sprintf("%s says %q %d times", w.name, pattern, times), func() bool { return w.count(pattern) >= times }, w)
}

// until waits for what must come true.
func until(t *testing.T, what string, is func() bool, logs ...*tail) {
	t.Helper()
	for end := time.Now().Add(patience); !is(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			for _, w := range logs {
				w.mu.Lock()
				t.Logf("%s:\n%s", w.name, strings.Join(w.lines[max(0, len(w.lines)-40):], "\n"))
				w.mu.Unlock()
			}
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

// machine is an appliance on the bridge.
type machine struct {
	*tail
	o       *office
	ns, far string // its namespace, the bridge's end of its cable
	mac     string
}

// plug plugs a machine in.
func (o *office) plug() *machine {
	o.t.Helper()
	o.n++
	m := &machine{o: o, ns: fmt.Sprintf("%s-%d", o.name, o.n), far: fmt.Sprintf("port%d", o.n), mac: fmt.Sprintf("02:00:00:00:77:%02x", o.n)}
	o.namespace(m.ns)
	o.ip(fmt.Sprintf("link add %s type veth peer name eth0 address %s netns %s", m.far, m.mac, m.ns))
	o.ip(fmt.Sprintf("link set %s master br0 up", m.far))
	return m
}

// start starts its network program.
func (m *machine) start() {
	m.o.t.Helper()
	cmd := exec.Command("ip", "netns", "exec", m.ns, "unshare", "--uts", "sh", "-c",
		`echo chordophone-101 > /proc/sys/kernel/hostname && exec "$0"`, os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"=1")
	m.tail = m.o.run(cmd, m.ns)
}

func (m *machine) ip(args string) string { m.o.t.Helper(); return ip(m.o.t, "-n "+m.ns+" "+args) }

// has waits until the machine has an address of a network, which it returns.
func (m *machine) has(network string, logs ...*tail) (a netip.Addr) {
	m.o.t.Helper()
	p := netip.MustParsePrefix(network)
	until(m.o.t, m.ns+" has an address of "+network, func() bool {
		for _, f := range strings.Fields(m.ip("-4 addr show dev eth0")) {
			if got, err := netip.ParsePrefix(f); err == nil && p.Contains(got.Addr()) {
				a = got.Addr()
				return true
			}
		}
		return false
	}, append(logs, m.tail)...)
	return a
}

// reaches waits until a machine has an answer from an address.
func (m *machine) reaches(a netip.Addr) {
	m.o.t.Helper()
	until(m.o.t, fmt.Sprintf("%s reaches %v", m.ns, a), func() bool { return reaches(m.ns, a.String()) }, m.tail)
}

// reaches reports whether a machine has an answer from an address.
func reaches(ns, a string) bool {
	cmd := exec.Command("ip", "netns", "exec", ns, os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"=reach "+a)
	return cmd.Run() == nil
}

// A server of others gives the address, the router and the time servers; the lease is
// renewed, and survives the cable being pulled.
func TestServer(t *testing.T) {
	o := newOffice(t)
	d := o.dnsmasq("--dhcp-range=10.77.0.50,10.77.0.90,255.255.255.0,5m", "--dhcp-option=option:T1,3", "--dhcp-option=option:ntp-server,10.77.0.1")
	m := o.plug()
	m.start()
	a := m.has("10.77.0.0/24", d)
	if r := m.ip("route"); !strings.Contains(r, "default via 10.77.0.1 dev eth0") || !strings.Contains(r, "169.254.0.0/16 dev eth0") {
		t.Errorf("routes:\n%s", r)
	}
	m.reaches(netip.MustParseAddr("10.77.0.1"))
	d.says("DHCPACK.*"+regexp.QuoteMeta(a.String()), 3)
	if n := d.count("DHCPDISCOVER"); n > 3 { // a bridge that is not up yet loses some
		t.Errorf("renewed by %d DISCOVER", n)
	}
	d.says("client provides name: chordophone-101", 1)
	until(t, "the machine answers to its name", func() bool {
		cmd := exec.Command("ip", "netns", "exec", o.name, os.Args[0])
		cmd.Env = append(os.Environ(), childEnv+"=resolve chordophone-101.local")
		out, err := cmd.Output()
		return err == nil && strings.TrimSpace(string(out)) == a.String()
	}, m.tail)
	o.ip("link set " + m.far + " down")
	until(t, "the cable is out", func() bool { return strings.Contains(m.ip("link show eth0"), "NO-CARRIER") }, m.tail)
	before := d.count("DHCPACK")
	o.ip("link set " + m.far + " up")
	d.says("DHCPACK", before+1)
	if again := m.has("10.77.0.0/24"); again != a {
		t.Errorf("%v after the cable was out, %v before", again, a)
	}
	if n := m.count("no longer"); n > 0 {
		t.Errorf("the address was removed %d times", n)
	}
}

// An address that somebody has is declined, and the server gives another.
func TestConflict(t *testing.T) {
	o := newOffice(t)
	thief := o.plug()
	thief.ip("addr add 10.77.0.66/24 dev eth0")
	thief.ip("link set eth0 up")
	until(t, "the other machine is there", func() bool { return reaches(o.name, "10.77.0.66") })
	m := o.plug()
	d := o.dnsmasq("--dhcp-range=10.77.0.50,10.77.0.90,255.255.255.0,5m", "--dhcp-host="+m.mac+",10.77.0.66")
	m.start()
	d.says("DHCPDECLINE.*10.77.0.66", 1)
	if a := m.has("10.77.0.0/24", d); a == netip.MustParseAddr("10.77.0.66") {
		t.Error("it has the other's address")
	}
}

// The cable is put into another network: the address of before is refused there, and given
// up for one that is good.
func TestMoved(t *testing.T) {
	o := newOffice(t)
	d := o.dnsmasq("--dhcp-range=10.77.0.50,10.77.0.90,255.255.255.0,5m")
	m := o.plug()
	m.start()
	m.has("10.77.0.0/24", d)
	o.ip("link set " + m.far + " down")
	until(t, "the cable is out", func() bool { return strings.Contains(m.ip("link show eth0"), "NO-CARRIER") }, m.tail)
	d.stop()
	o.ip("addr del 10.77.0.1/24 dev br0")
	o.ip("addr add 10.78.0.1/24 dev br0")
	d = o.dnsmasq("--dhcp-range=10.78.0.50,10.78.0.90,255.255.255.0,5m", "--dhcp-authoritative")
	o.ip("link set " + m.far + " up")
	a := m.has("10.78.0.0/24", d)
	d.says("DHCPNAK", 1)
	m.reaches(netip.MustParseAddr("10.78.0.1"))
	until(t, "the old address is gone", func() bool { return !strings.Contains(m.ip("-4 addr show dev eth0"), "10.77.0.") }, m.tail)
	if r := m.ip("route"); strings.Contains(r, "10.77.0.") {
		t.Errorf("%v, and routes:\n%s", a, r)
	}
}

// Without a server machines choose addresses, and reach each other; one that gets an
// address later still reaches those who have none, and they it.
func TestNoServer(t *testing.T) {
	o := newOffice(t)
	a, b := o.plug(), o.plug()
	a.start()
	b.start()
	local, far := a.has("169.254.0.0/16"), b.has("169.254.0.0/16")
	a.reaches(far)
	d := o.dnsmasq("--dhcp-range=10.77.0.50,static,255.255.255.0", "--dhcp-host="+a.mac+",10.77.0.60")
	given := a.has("10.77.0.0/24", d)
	a.reaches(far)
	b.reaches(given)
	b.reaches(local) // who knows it by its old address
}
