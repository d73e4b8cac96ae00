//go:build interop && linux

package discover

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"os/exec"
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
