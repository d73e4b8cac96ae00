//go:build interop && linux

package discover

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"chordophone/overlay"
)

// These tests need root: each phone is a process of its own in a network namespace of
// its own, on a bridge in one more namespace. Nothing outside of these is touched.

const childEnv = "DISCOVER_TEST_PHONE"

// childConfig is what a phone's process gets in its environment.
type childConfig struct {
	I        int
	Office   string // "": a newcomer, that says what answers within a second
	Listen   netip.Addr
	Measures bool // say what it costs, at the end
}

// childLine is what it says on its standard output.
type childLine struct {
	Peers      []overlay.Peer
	Offices    []Office
	Stats      Stats
	Goroutines int
	HeapKB     uint64
}

func TestMain(m *testing.M) {
	if cfg := os.Getenv(childEnv); cfg != "" {
		child([]byte(cfg))
		return
	}
	os.Exit(m.Run())
}

// child is one phone. Each line on its standard input changes whether it enrols; the
// end of it ends the phone.
func child(data []byte) {
	var cfg childConfig
	check := func(err error) {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	check(json.Unmarshal(data, &cfg))
	out := json.NewEncoder(os.Stdout)
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	if cfg.Office == "" {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		list, err := Offices(ctx, log)
		check(err)
		out.Encode(childLine{Offices: list})
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	open := make(chan bool, 1)
	enrolling := false
	before := runtime.NumGoroutine()
	s, err := New(Config{
		Self:      overlay.Peer{ID: testID(cfg.I), Addr: netip.AddrPortFrom(cfg.Listen, 6084)},
		Office:    cfg.Office,
		Extension: fmt.Sprint(100 + cfg.I),
		Enrolling: func() bool {
			select {
			case enrolling = <-open:
			default:
			}
			return enrolling
		},
		Log: log,
	})
	check(err)
	done := make(chan error)
	go func() { done <- s.Run(ctx) }()
	go func() {
		for list := range s.Heard() {
			out.Encode(childLine{Peers: list})
		}
	}()
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		open <- in.Text() == "open"
	}
	if cfg.Measures {
		debug.FreeOSMemory()
		var ms runtime.MemStats
		runtime.ReadMemStats(&ms)
		out.Encode(childLine{Stats: s.Stats(), Goroutines: runtime.NumGoroutine() - before - 1, HeapKB: ms.HeapAlloc / 1024})
	}
	cancel()
	check(<-done)
}

// lab is the namespaces of one test.
type lab struct {
	t      *testing.T
	prefix string
}

func newLab(t *testing.T) *lab {
	if os.Geteuid() != 0 {
		t.Fatal("needs root, for network namespaces")
	}
	l := &lab{t, fmt.Sprintf("cpdisc%d", os.Getpid())}
	l.ip("netns", "add", l.ns("sw"))
	t.Cleanup(func() { l.ip("netns", "del", l.ns("sw")) })
	l.in("sw", "link", "add", "br0", "type", "bridge", "mcast_snooping", "0")
	l.in("sw", "link", "set", "br0", "up")
	return l
}

func (l *lab) ns(name string) string { return l.prefix + name }

func (l *lab) ip(args ...string) {
	l.t.Helper()
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		l.t.Fatalf("ip %s: %v: %s", strings.Join(args, " "), err, out)
	}
}

func (l *lab) in(ns string, args ...string) {
	l.t.Helper()
	l.ip(append([]string{"-n", l.ns(ns)}, args...)...)
}

// host makes the namespace h<i>, with no interface but lo.
func (l *lab) host(i int) string {
	l.t.Helper()
	h := fmt.Sprint("h", i)
	l.ip("netns", "add", l.ns(h))
	l.t.Cleanup(func() { l.ip("netns", "del", l.ns(h)) })
	return h
}

// cable joins the host to the switch. addrs may be empty: then only IPv6's own
// link-local address is there, at once (nodad).
func (l *lab) cable(i int, dev string, addrs ...string) {
	l.t.Helper()
	h, port := fmt.Sprint("h", i), fmt.Sprintf("p%d%s", i, dev)
	l.in("sw", "link", "add", port, "type", "veth", "peer", "name", dev, "netns", l.ns(h))
	l.in("sw", "link", "set", port, "master", "br0", "up")
	exec.Command("ip", "netns", "exec", l.ns(h), "sysctl", "-qw", "net.ipv6.conf."+dev+".accept_dad=0").Run()
	for _, a := range addrs {
		l.in(h, "addr", "add", a, "dev", dev)
	}
	l.in(h, "link", "set", dev, "up")
}

// phone is a running child.
type phone struct {
	t     *testing.T
	cmd   *exec.Cmd
	stdin io.WriteCloser
	lines chan childLine
	errs  *bytes.Buffer
}

func (l *lab) phone(host string, cfg childConfig) *phone {
	l.t.Helper()
	js, _ := json.Marshal(cfg)
	p := &phone{t: l.t, lines: make(chan childLine, 1000), errs: &bytes.Buffer{}}
	p.cmd = exec.Command("ip", "netns", "exec", l.ns(host), os.Args[0])
	p.cmd.Env = append(os.Environ(), childEnv+"="+string(js))
	p.cmd.Stderr = p.errs
	p.stdin, _ = p.cmd.StdinPipe()
	stdout, _ := p.cmd.StdoutPipe()
	if err := p.cmd.Start(); err != nil {
		l.t.Fatal(err)
	}
	go func() {
		defer close(p.lines)
		for d := json.NewDecoder(stdout); ; {
			var line childLine
			if d.Decode(&line) != nil {
				return
			}
			p.lines <- line
		}
	}()
	l.t.Cleanup(func() {
		p.stdin.Close()
		p.cmd.Wait()
		if l.t.Failed() {
			l.t.Logf("phone %d said:\n%s", cfg.I, p.errs)
		}
	})
	return p
}

// wait takes lines until one satisfies cond, and says how long that took.
func (p *phone) wait(what string, limit time.Duration, cond func(childLine) bool) time.Duration {
	p.t.Helper()
	start, timeout := time.Now(), time.After(limit)
	for {
		select {
		case line, ok := <-p.lines:
			if !ok {
				p.t.Fatalf("%s: the phone ended: %s", what, p.errs)
			}
			if cond(line) {
				took := time.Since(start)
				p.t.Logf("%s: %v", what, took.Round(time.Millisecond))
				return took
			}
		case <-timeout:
			p.t.Fatalf("%s: not within %v", what, limit)
		}
	}
}

func knows(ids ...int) func(childLine) bool {
	return func(line childLine) bool {
		var got []overlay.ID
		for _, p := range line.Peers {
			if !slices.Contains(got, p.ID) {
				got = append(got, p.ID)
			}
		}
		for _, i := range ids {
			if !slices.Contains(got, testID(i)) {
				return false
			}
		}
		return len(got) == len(ids)
	}
}

// Three phones and a newcomer on a switch, with nothing but IPv4 link-local addresses
// on some and nothing but IPv6 ones on others; and no route.
func TestBareSwitch(t *testing.T) {
	for _, c := range []struct {
		name  string
		addrs [3][]string
	}{
		{"both", [3][]string{{"169.254.1.1/16"}, {"169.254.1.2/16"}, {"169.254.1.3/16"}}},
		{"IPv6 only", [3][]string{}},
		{"mixed", [3][]string{{"169.254.1.1/16"}, nil, {"192.168.7.3/24"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLab(t)
			for i, addrs := range c.addrs {
				l.host(i)
				l.cable(i, "eth0", addrs...)
			}
			l.host(3)
			l.cable(3, "eth0")
			a := l.phone("h0", childConfig{I: 0, Office: "Acme"})
			b := l.phone("h1", childConfig{I: 1, Office: "Acme"})
			b.wait("the second finds the first", time.Second, knows(0))
			a.wait("the first finds the second", time.Second, knows(1))
			z := l.phone("h2", childConfig{I: 2, Office: "Acme"})
			a.wait("the first finds the third", time.Second, knows(1, 2))
			z.wait("the third finds both", time.Second, knows(0, 1))

			newcomer := func(open int) {
				n := l.phone("h3", childConfig{I: 3})
				n.wait("the newcomer sees the office", 3*time.Second, func(line childLine) bool {
					return len(line.Offices) == 1 && line.Offices[0].Name == "Acme" &&
						knows(0, 1, 2)(childLine{Peers: line.Offices[0].Peers}) &&
						(open == 0 && !line.Offices[0].Enrolling() || open > 0 && knows(open)(childLine{Peers: line.Offices[0].Open}))
				})
			}
			newcomer(0)
			io.WriteString(b.stdin, "open\n")
			time.Sleep(2 * time.Second) // asked once a second
			newcomer(1)

			b.stdin.Close() // says goodbye
			a.wait("the goodbye", time.Second, knows(2))
			z.cmd.Process.Kill()
			z2 := l.phone("h2", childConfig{I: 2, Office: "Acme"})
			z2.wait("a killed phone is back", 1100*time.Millisecond, knows(0))
		})
	}
}

// Interfaces that come, go and come again, and several at a time.
func TestCables(t *testing.T) {
	l := newLab(t)
	l.host(0)
	l.host(1)
	l.cable(0, "eth0", "169.254.1.1/16")
	a := l.phone("h0", childConfig{I: 0, Office: "Acme"})
	b := l.phone("h1", childConfig{I: 1, Office: "Acme"}) // no interface at all
	time.Sleep(500 * time.Millisecond)

	l.cable(1, "eth0")
	b.wait("first cable in", 2*time.Second, knows(0))
	a.wait("the other hears of it", 2*time.Second, knows(1))

	l.in("sw", "link", "set", "p1eth0", "down")
	b.wait("cable out", time.Second, knows())
	l.in("sw", "link", "set", "p1eth0", "up")
	b.wait("cable in again", 2*time.Second, knows(0))

	l.cable(1, "eth1", "169.254.1.9/16") // the same switch over another interface
	through := func(zone string) func(childLine) bool {
		return func(line childLine) bool {
			return slices.ContainsFunc(line.Peers, func(p overlay.Peer) bool { return p.Addr.Addr().Zone() == zone })
		}
	}
	b.wait("found through the second interface", 2*time.Second, through("eth1"))
	l.in("h1", "link", "del", "eth0")
	b.wait("first interface gone", 2*time.Second, func(line childLine) bool { return !through("eth0")(line) && knows(0)(line) })
	if strings.Contains(b.errs.String(), "Node-ID") || strings.Contains(a.errs.String(), "Node-ID") {
		t.Error("took itself for its twin")
	}
}

// Two phones on one machine share the port.
func TestOneHost(t *testing.T) {
	l := newLab(t)
	l.host(0)
	l.cable(0, "eth0", "192.168.7.1/24", "192.168.7.2/24")
	a := l.phone("h0", childConfig{I: 0, Office: "Acme", Listen: netip.MustParseAddr("192.168.7.1")})
	b := l.phone("h0", childConfig{I: 1, Office: "Acme", Listen: netip.MustParseAddr("192.168.7.2")})
	at := func(addr string) func(childLine) bool {
		return func(line childLine) bool {
			return len(line.Peers) == 1 && line.Peers[0].Addr == netip.MustParseAddrPort(addr)
		}
	}
	a.wait("the first finds the second", time.Second, at("192.168.7.2:6084"))
	b.wait("the second finds the first", time.Second, at("192.168.7.1:6084"))
}

// TestTshark has another program's dissector read our packets.
func TestTshark(t *testing.T) {
	var b []byte
	b = binary.LittleEndian.AppendUint32(b, 0xa1b2c3d4) // pcap, microseconds
	b = binary.LittleEndian.AppendUint32(b, 2|4<<16)
	b = append(b, make([]byte, 8)...)
	b = binary.LittleEndian.AppendUint32(b, 65535)
	b = binary.LittleEndian.AppendUint32(b, 101) // raw IP
	packets := append(query([]known{{acme101.ID, 200 * time.Second}}), announcement(acme101, acmeAddrs, lifetime, true))
	for _, data := range packets {
		ip := []byte{0x45, 0, 0, 0, 0, 0, 0, 0, 255, 17, 0, 0, 169, 254, 1, 1, 224, 0, 0, 251, 0x14, 0xe9, 0x14, 0xe9, 0, 0, 0, 0}
		binary.BigEndian.PutUint16(ip[2:], uint16(len(ip)+len(data)))
		binary.BigEndian.PutUint16(ip[24:], uint16(8+len(data)))
		b = append(b, make([]byte, 8)...)
		b = binary.LittleEndian.AppendUint32(b, uint32(len(ip)+len(data)))
		b = binary.LittleEndian.AppendUint32(b, uint32(len(ip)+len(data)))
		b = append(append(b, ip...), data...)
	}
	file := filepath.Join(t.TempDir(), "mdns.pcap")
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	tshark := func(args ...string) string {
		out, err := exec.Command("tshark", append([]string{"-n", "-r", file}, args...)...).Output()
		if err != nil {
			t.Fatalf("tshark: %v", err)
		}
		return string(out)
	}
	if out := tshark("-Y", "_ws.malformed || _ws.expert.severity >= 4194304"); out != "" {
		t.Errorf("tshark complains: %s", out)
	}
	const id = "ab000000000000000000000000000001"
	got := strings.Split(strings.TrimSpace(tshark("-T", "fields", "-e", "dns.qry.name", "-e", "dns.ptr.domain_name",
		"-e", "dns.srv.port", "-e", "dns.srv.target", "-e", "dns.txt", "-e", "dns.a", "-e", "dns.aaaa")), "\n")
	want := []string{
		"_chordophone._tcp.local\t" + id + "._chordophone._tcp.local\t\t\t\t\t",
		"\t_chordophone._tcp.local," + id + "._chordophone._tcp.local\t6084\t" + id + ".local\t" +
			"txtvers=1,office=Acme Zürich,node=" + id + ",ext=101,enrolling=1\t169.254.1.1\tfe80::1",
	}
	for i := range want {
		if i >= len(got) || strings.TrimRight(got[i], "\t") != strings.TrimRight(want[i], "\t") {
			t.Errorf("tshark reads\n%q, want\n%q", got, want[i])
		}
	}
}

// What it costs to be three phones that have nothing to do.
func TestCost(t *testing.T) {
	l := newLab(t)
	var phones []*phone
	for i := range 3 {
		phones = append(phones, l.phone(l.host(i), childConfig{I: i, Office: "Acme", Measures: i == 0}))
		l.cable(i, "eth0", fmt.Sprintf("169.254.1.%d/16", i+1))
	}
	phones[0].wait("all found", 3*time.Second, knows(1, 2))
	phones[0].stdin.Close()
	phones[0].wait("measured", 5*time.Second, func(line childLine) bool {
		if line.Goroutines == 0 {
			return false
		}
		t.Logf("%d goroutines, heap %d KB (the test's own among it), %+v", line.Goroutines, line.HeapKB, line.Stats)
		if line.Goroutines > 4 {
			t.Errorf("%d goroutines", line.Goroutines)
		}
		return true
	})
}
