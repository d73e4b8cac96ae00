package procs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// asMeasurement makes this test program a measurement that is about to be killed.
const asMeasurement = "PROCS_TEST_AS_MEASUREMENT"

func TestMain(m *testing.M) {
	if os.Getenv(asMeasurement) != "" {
		h, err := NewHost()
		if err != nil {
			panic(err)
		}
		p, err := h.Start(exec.Command("sleep", "600"), func(string) {})
		if err != nil {
			panic(err)
		}
		fmt.Println(p.cmd.Process.Pid)
		select {}
	}
	os.Exit(m.Run())
}

func newHost(t *testing.T) *Host {
	t.Helper()
	h, err := NewHost()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	return h
}

// limit ends when a test has waited long enough.
func limit(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func TestLines(t *testing.T) {
	h := newHost(t)
	lines := make(chan string, 2)
	p, err := h.Start(exec.Command("cat"), func(s string) { lines <- s })
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"get alice", ""} {
		if err := p.WriteLine(want); err != nil {
			t.Fatal(err)
		}
		if got := <-lines; got != want {
			t.Errorf("heard %q, said %q", got, want)
		}
	}
	if u, err := p.Usage(); err != nil || u.RSS == 0 {
		t.Errorf("usage of a process that runs: %+v, %v", u, err)
	}
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := p.Wait(limit(t)); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Errorf("a killed process ended with %v", err)
	}
	if err := p.Kill(); err != nil {
		t.Errorf("killed twice: %v", err)
	}
}

func TestCloseEndsAll(t *testing.T) {
	h := newHost(t)
	var all []*Process
	for range 3 {
		p, err := h.Start(exec.Command("sleep", "600"), func(string) {})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	h.Close()
	for _, p := range all {
		select {
		case <-p.Ended():
		default:
			t.Error("a process outlives its host")
		}
	}
	if _, err := h.Start(exec.Command("true"), func(string) {}); !errors.Is(err, errClosed) {
		t.Errorf("a closed host starts processes: %v", err)
	}
	h.Close()
}

// A measurement that is killed leaves nothing behind.
func TestNothingIsLeftBehind(t *testing.T) {
	h := newHost(t)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), asMeasurement+"=1")
	lines := make(chan string, 1)
	p, err := h.Start(cmd, func(s string) { lines <- s })
	if err != nil {
		t.Fatal(err)
	}
	ctx := limit(t)
	var pid string
	select {
	case pid = <-lines:
	case <-ctx.Done():
		t.Fatal("the measurement started nothing")
	}
	if _, err := strconv.Atoi(pid); err != nil {
		t.Fatal(err)
	}
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	for !gone(t, pid) {
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
			t.Fatalf("process %s outlives the measurement", pid)
		}
	}
}

// gone reports whether a process is no more, or only waits to be collected.
func gone(t *testing.T, pid string) bool {
	stat, err := os.ReadFile(filepath.Join("/proc", pid, "stat"))
	if errors.Is(err, fs.ErrNotExist) {
		return true
	}
	if err != nil {
		return true // ended while it was read
	}
	return strings.HasPrefix(string(stat[strings.LastIndexByte(string(stat), ')')+1:]), " Z")
}

// With a loopback interface of its own a host counts what its processes send, and
// nothing else.
func TestLoopback(t *testing.T) {
	h := newHost(t)
	before, err := h.Loopback()
	if !h.Private {
		if !errors.Is(err, ErrShared) {
			t.Errorf("a shared interface is counted: %v", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	// Sent from here, over the loopback interface of the machine.
	c, err := net.Dial("udp", "127.0.0.1:9")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.Write(make([]byte, 1000))
	after, err := h.Loopback()
	if err != nil || after != before {
		t.Errorf("counted %+v after %+v, %v: another's traffic", after, before, err)
	}
	// Sent from there.
	p, err := h.Start(exec.Command("bash", "-c", "printf %0100d 0 >/dev/udp/127.0.0.1/9"), func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	p.Wait(limit(t))
	// 100 octets of data, 8 of UDP, 20 of IP; perhaps the answer that nobody
	// listens.
	if sent, err := h.Loopback(); err != nil || sent.Octets-after.Octets < 128 || sent.Packets == after.Packets {
		t.Errorf("counted %+v after %+v, %v", sent, after, err)
	}
}

func TestParseDev(t *testing.T) {
	got, err := parseDev(`Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
  eth0:  11      12    0    0    0     0          0         0    13       14    0    0    0     0       0          0
    lo: 100       2    0    0    0     0          0         0   200        3    0    0    0     0       0          0
`)
	if err != nil || got != (Traffic{Octets: 200, Packets: 3}) {
		t.Errorf("%+v, %v", got, err)
	}
	for _, bad := range []string{"", "lo: 1 2 3", "lo: 1 2 0 0 0 0 0 0 x 4"} {
		if got, err := parseDev(bad); err == nil {
			t.Errorf("%q: %+v", bad, got)
		}
	}
}

func TestParseStat(t *testing.T) {
	u, err := parseStat("42 (a name) R (1) S 1 42 42 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 5 0 1000 12345678 300 184467440737")
	if err != nil || u.CPU != 3*time.Second || u.RSS != uint64(300*os.Getpagesize()) {
		t.Errorf("%+v, %v", u, err)
	}
	for _, bad := range []string{"", "42 (x) S 1 2", "42 (x) S 1 42 42 0 -1 4194304 100 0 0 0 x 50 0 0 20 0 5 0 1000 12345678 300 1"} {
		if u, err := parseStat(bad); err == nil {
			t.Errorf("%q: %+v", bad, u)
		}
	}
}

func TestDo(t *testing.T) {
	h := newHost(t)
	var conn net.PacketConn
	if err := h.Do(func() (err error) {
		conn, err = net.ListenPacket("udp4", "127.0.0.1:0")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if h.Private {
		before, err := h.Loopback()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.WriteTo([]byte("hello"), conn.LocalAddr()); err != nil {
			t.Fatal(err)
		}
		if after, err := h.Loopback(); err != nil || after.Octets-before.Octets < 5+28 {
			t.Errorf("what the socket sent is not in the host's network: %v, then %v, %v", before, after, err)
		}
	}
	h.Close()
	if err := h.Do(func() error { return nil }); !errors.Is(err, errClosed) {
		t.Errorf("of a closed host: %v", err)
	}
}
