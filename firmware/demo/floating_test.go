//go:build interop

package demo

import (
	"bytes"
	"crypto/md5"
	"fmt"
	"net"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// shared is the address that clients know, on the network of bareSwitch.
const shared = "169.254.200.200"

// island is an office of three phones and, on the last host, a client that knows
// nothing but the shared address.
type island struct {
	*fleet
	hosts  []string
	phones []*phone
	client *sipClient
}

func newIsland(t *testing.T, args func(i int) []string) *island {
	l := &island{fleet: &fleet{t: t, out: t.TempDir()}, hosts: bareSwitch(t, 4)}
	for i := range 3 {
		extra := []string{"--pairing-code", "111111", "--account", "soft:secret of soft"}
		if i == 0 {
			extra = append(extra, "--found", "office")
		} else {
			extra = append(extra, "--join", "111111", "--peer", "169.254.10.1")
		}
		l.phones = append(l.phones, nil)
		l.plug(i, append(extra, args(i)...)...)
		l.ready(l.phones[i])
	}
	l.client = newSIPClient(t, l.hosts[3])
	return l
}

func (l *island) plug(i int, args ...string) {
	l.t.Helper()
	name := fmt.Sprint(101 + i)
	args = append([]string{"netns", "exec", l.hosts[i], program, "run", "--board", "pipe", "--data", l.out + "/" + name}, args...)
	p, err := launch(exec.Command("ip", args...), l.out, name, "none")
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(p.kill)
	l.phones[i] = p
}

// holders are the hosts that have the shared address.
func (l *island) holders() (which []int) {
	l.t.Helper()
	for i := range l.phones {
		out, err := exec.Command("ip", "-n", l.hosts[i], "addr", "show", "to", shared).CombinedOutput()
		if err != nil {
			l.t.Fatalf("%v: %s", err, out)
		}
		if len(out) > 0 {
			which = append(which, i)
		}
	}
	return which
}

// holder waits until exactly one host has the address, and that is no longer not.
func (l *island) holder(not int, within time.Duration) int {
	l.t.Helper()
	for began := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		which := l.holders()
		if len(which) == 1 && which[0] != not {
			return which[0]
		}
		if time.Since(began) > within {
			l.t.Fatalf("after %v phones %v hold the address", within, which)
		}
	}
}

// at reports which host the client's neighbour table has for the address.
func (l *island) at() string {
	l.t.Helper()
	out, _ := exec.Command("ip", "-n", l.hosts[3], "neigh", "show", "to", shared).CombinedOutput()
	m := regexp.MustCompile(`lladdr (\S+)`).FindStringSubmatch(string(out))
	if m == nil {
		return string(out)
	}
	for i, host := range l.hosts {
		out, _ := exec.Command("ip", "-n", host, "link", "show", "eth0").CombinedOutput()
		if strings.Contains(string(out), m[1]) {
			return fmt.Sprint("host ", i)
		}
	}
	return m[1]
}

// answered waits until the client has an answer to OPTIONS.
func (l *island) answered(within time.Duration) (time.Duration, bool) {
	began := time.Now()
	for time.Since(began) < within {
		if l.client.send("OPTIONS", "", 200*time.Millisecond) != "" {
			return time.Since(began), true
		}
	}
	return 0, false
}

// sipClient is a SIP client with a socket that hears only the shared address.
type sipClient struct {
	t    *testing.T
	conn net.Conn
	n    int // requests sent
}

func newSIPClient(t *testing.T, host string) *sipClient {
	t.Helper()
	c := &sipClient{t: t}
	// The thread must come back and live on: phones that it began end with it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	enter := func(ns *os.File) {
		t.Helper()
		if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
			t.Fatal(err)
		}
	}
	here, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	defer here.Close()
	there, err := os.Open("/run/netns/" + host)
	if err != nil {
		t.Fatal(err)
	}
	defer there.Close()
	enter(there)
	c.conn, err = net.Dial("udp", shared+":5060")
	enter(here)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.conn.Close() })
	return c
}

// send sends a request and returns its final response, or nothing.
func (c *sipClient) send(method, more string, within time.Duration) string {
	c.n++
	local := c.conn.LocalAddr().String()
	branch := fmt.Sprintf("z9hG4bKfloat%d", c.n)
	fmt.Fprintf(c.conn, "%s sip:%s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=%s;rport\r\nMax-Forwards: 70\r\nFrom: <sip:soft@%s>;tag=a\r\n"+
		"To: <sip:soft@%s>\r\nCall-ID: floating@%s\r\nCSeq: %d %s\r\nContact: <sip:soft@%s>\r\n%sContent-Length: 0\r\n\r\n",
		method, shared, local, branch, shared, shared, local, c.n, method, local, more)
	c.conn.SetReadDeadline(time.Now().Add(within))
	buf := make([]byte, 4000)
	for {
		n, err := c.conn.Read(buf)
		if err != nil {
			time.Sleep(50 * time.Millisecond) // of a port unreachable, at once
			return ""
		}
		if answer := buf[:n]; bytes.HasPrefix(answer, []byte("SIP/2.0 ")) && bytes.Contains(answer, []byte(branch)) && answer[8] >= '2' {
			return string(answer)
		}
	}
}

// register registers the client, with its password.
func (c *sipClient) register() {
	c.t.Helper()
	first := c.send("REGISTER", "Expires: 600\r\n", 5*time.Second)
	field := func(name string) string {
		for line := range strings.Lines(first) {
			if m := regexp.MustCompile(name + `="([^"]*)"`).FindStringSubmatch(line); m != nil && strings.Contains(line, "MD5") {
				return m[1]
			}
		}
		c.t.Fatalf("no %s for MD5:\n%s", name, first)
		return ""
	}
	hash := func(s string) string { return fmt.Sprintf("%x", md5.Sum([]byte(s))) }
	realm, nonce, uri := field("realm"), field("nonce"), "sip:"+shared
	response := hash(hash("soft:"+realm+":secret of soft") + ":" + nonce + ":00000001:abc:auth:" + hash("REGISTER:"+uri))
	second := c.send("REGISTER", fmt.Sprintf("Expires: 600\r\nAuthorization: Digest username=\"soft\", realm=%q, nonce=%q, uri=%q, "+
		"response=%q, algorithm=MD5, qop=auth, nc=00000001, cnonce=\"abc\"\r\n", realm, nonce, uri, response), 5*time.Second)
	if !strings.HasPrefix(second, "SIP/2.0 200") || strings.Count(second, "Contact:") != 1 {
		c.t.Fatalf("REGISTER:\n%s", second)
	}
}

// A client that knows one address keeps its registrar when the phone that has the
// address dies, with and without --listen.
func TestFloatingAddress(t *testing.T) {
	for name, listen := range map[string]bool{"every address": false, "one address": true} {
		t.Run(name, func(t *testing.T) {
			l := newIsland(t, func(i int) []string {
				args := []string{"--floating", shared + "/16"}
				if listen {
					args = append(args, "--listen", fmt.Sprintf("169.254.10.%d", i+1))
				}
				return args
			})
			first := l.holder(-1, 10*time.Second)
			if d, ok := l.answered(5 * time.Second); !ok {
				t.Fatal("nobody answers at the address")
			} else {
				t.Logf("answered after %v", d)
			}
			if got := l.client.send("OPTIONS", "", time.Second); !strings.HasPrefix(got, "SIP/2.0 200") {
				t.Errorf("OPTIONS to the shared address is not to the office:\n%s", got)
			}
			l.client.register()
			if got, want := l.at(), fmt.Sprint("host ", first); got != want {
				t.Errorf("the client finds the address at %s; want %s", got, want)
			}

			l.phones[first].kill()
			began := time.Now()
			if _, ok := l.answered(5 * time.Second); !ok {
				t.Fatalf("nobody answers after the holder has died; held by %v", l.holders())
			}
			t.Logf("answered again %v after the holder was killed", time.Since(began))
			l.client.register()
			second := l.holder(first, 10*time.Second)
			t.Logf("the dead phone's kernel has let go of it %v after", time.Since(began))
			if got, want := l.at(), fmt.Sprint("host ", second); got != want {
				t.Errorf("the client finds the address at %s; want %s", got, want)
			}

			// One who leaves politely takes it away.
			if code, err := l.phones[second].stop(10 * time.Second); code != 0 {
				t.Fatal(code, err)
			}
			for _, i := range l.holders() {
				if i == second {
					t.Error("left behind")
				}
			}
			if d, ok := l.answered(5 * time.Second); !ok {
				t.Error("nobody answers after the second holder has left")
			} else {
				t.Logf("answered %v after the second holder had ended", d)
			}
			// And the one who died comes back.
			l.plug(first, "--floating", shared+"/16")
			l.ready(l.phones[first])
			time.Sleep(time.Second) // the ring may give it the address back
			l.holder(-1, 5*time.Second)
			if _, ok := l.answered(5 * time.Second); !ok {
				t.Error("nobody answers after the first holder has come back")
			}
			l.client.register()
		})
	}
}

// The holder's cable is pulled, and put in again: it had the address all the while,
// and another phone took it. When the two see each other one of them has it, and the
// client knows which.
func TestFloatingAddressTwice(t *testing.T) {
	l := newIsland(t, func(int) []string { return []string{"--floating", shared + "/16"} })
	first := l.holder(-1, 10*time.Second)
	if _, ok := l.answered(5 * time.Second); !ok {
		t.Fatal("nobody answers at the address")
	}
	plugs := strings.TrimSuffix(l.hosts[0], "0") + "switch"
	cable := func(state string) time.Time {
		t.Helper()
		if out, err := exec.Command("ip", "-n", plugs, "link", "set", fmt.Sprint("p", first), state).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return time.Now()
	}
	began := cable("down")
	if _, ok := l.answered(15 * time.Second); !ok {
		t.Fatalf("nobody answers after the cable was pulled; held by %v", l.holders())
	}
	t.Logf("answered again %v after the cable was pulled", time.Since(began))
	if n := len(l.holders()); n != 2 {
		t.Errorf("%d have the address, each in its part of the network", n)
	}
	began = cable("up")
	last := l.holder(-1, 30*time.Second)
	t.Logf("one holder again %v after the cable was put in", time.Since(began))
	if _, ok := l.answered(5 * time.Second); !ok {
		t.Error("nobody answers")
	}
	time.Sleep(2 * time.Second) // until it has said so
	if got, want := l.at(), fmt.Sprint("host ", last); got != want {
		t.Errorf("the client finds the address at %s; want %s", got, want)
	}
	l.client.register()
}

// The same address, and nobody who takes it over: the client is alone.
func TestNoFloatingAddress(t *testing.T) {
	l := newIsland(t, func(int) []string { return nil })
	if out, err := exec.Command("ip", "-n", l.hosts[0], "addr", "add", shared+"/16", "dev", "eth0").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if _, ok := l.answered(5 * time.Second); !ok {
		t.Fatal("nobody answers at the address")
	}
	l.phones[0].kill()
	if d, ok := l.answered(5 * time.Second); ok {
		t.Errorf("answered after %v", d)
	}
}

// A phone without the right says so, and is a phone.
func TestFloatingAddressWithoutRight(t *testing.T) {
	l := &island{fleet: &fleet{t: t, out: t.TempDir()}, hosts: bareSwitch(t, 1), phones: make([]*phone, 1)}
	args := []string{"netns", "exec", l.hosts[0], "setpriv", "--bounding-set", "-all", "--inh-caps", "-all",
		program, "run", "--board", "pipe", "--data", l.out + "/101", "--found", "office", "--floating", shared + "/16"}
	p, err := launch(exec.Command("ip", args...), l.out, "101", "none")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	l.ready(p)
	log, err := os.ReadFile(l.out + "/101.log")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"will not have the floating address", "CAP_NET_ADMIN", "no DNS for SIP clients", "CAP_NET_BIND_SERVICE"} {
		if strings.Count(string(log), want) != 1 {
			t.Errorf("%q is not said once:\n%s", want, log)
		}
	}
}

// Somebody who has only the office's name finds the phones that live.
func TestNames(t *testing.T) {
	l := newIsland(t, func(int) []string { return nil })
	dig := func(args string) string {
		out, _ := exec.Command("ip", append([]string{"netns", "exec", l.hosts[3], "dig", "@169.254.10.1", "+short", "+timeout=1", "+tries=1"}, strings.Fields(args)...)...).CombinedOutput()
		return string(out)
	}
	until := func(args, want string) {
		t.Helper()
		for began := time.Now(); dig(args) != want; time.Sleep(100 * time.Millisecond) {
			if time.Since(began) > 10*time.Second {
				t.Fatalf("dig %s: %s; want %s", args, dig(args), want)
			}
		}
	}
	until("office A", "169.254.10.1\n169.254.10.2\n169.254.10.3\n")
	until("_sip._udp.office SRV", "10 10 5060 101.office.\n20 10 5060 102.office.\n20 10 5060 103.office.\n")
	until("+tcp 102.office A", "169.254.10.2\n")
	l.phones[1].kill()
	until("_sips._tcp.office SRV", "10 10 5061 101.office.\n20 10 5061 103.office.\n")
	until("example.com A", "")
}
