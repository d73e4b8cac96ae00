//go:build interop

package floating

import (
	"bytes"
	"errors"
	"net"
	"net/netip"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// island puts the test's thread, and with it the test, into a network of its own: an
// interface near with the far end of its cable, far. The thread ends with the test.
func island(t *testing.T) {
	t.Helper()
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Fatal(err)
	}
	ip(t, "link set lo up")
	ip(t, "link add near type veth peer name far")
	ip(t, "link set near up")
	ip(t, "link set far up")
	ip(t, "addr add 192.0.2.1/24 dev near")
	ip(t, "addr add 2001:db8::1/64 dev near nodad")
}

func ip(t *testing.T, args string) string {
	t.Helper()
	out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput()
	if err != nil {
		t.Fatalf("ip %s: %v: %s", args, err, out)
	}
	return string(out)
}

func open(t *testing.T, address, own string) *Interface {
	t.Helper()
	n, err := Open(netip.MustParsePrefix(address), netip.MustParseAddr(own))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func put(t *testing.T, n *Interface, d time.Duration) {
	t.Helper()
	if err := n.Put(d); err != nil {
		t.Fatal(err)
	}
}

func TestInterface(t *testing.T) {
	island(t)
	for _, tc := range []struct{ address, own, shown, to, from string }{
		{"192.0.2.250/16", "192.0.2.1", "inet 192.0.2.250/32", "192.0.2.9", "192.0.2.1"},
		{"198.51.100.250/24", "192.0.2.1", "inet 198.51.100.250/24", "192.0.2.9", "192.0.2.1"},
		{"2001:db8::250/64", "2001:db8::1", "inet6 2001:db8::250/128", "2001:db8::9", "2001:db8::1"},
	} {
		n := open(t, tc.address, tc.own)
		if got := ip(t, "addr"); strings.Contains(got, tc.shown) {
			t.Errorf("%s is there unasked:\n%s", tc.address, got)
		}
		put(t, n, 60*time.Second)
		put(t, n, 90*time.Second)
		got := ip(t, "addr show dev near to "+n.address.String())
		if strings.Count(got, tc.shown+" ") != 1 || strings.Contains(got, "tentative") || !strings.Contains(got, "valid_lft 90sec") && !strings.Contains(got, "valid_lft 89sec") {
			t.Errorf("%s:\n%s", tc.shown, got)
		}
		// What this machine begins leaves from its own address all the same.
		if got := ip(t, "route get "+tc.to); !strings.Contains(got, "src "+tc.from+" ") {
			t.Errorf("with %s: %s", tc.address, got)
		}
		if _, err := net.ListenPacket("udp", net.JoinHostPort(n.address.String(), "5060")); err != nil {
			t.Errorf("not to be listened on at once: %v", err)
		}
		// A phone that was killed has left it; the next start removes it.
		n = open(t, tc.address, tc.own)
		if got := ip(t, "addr"); strings.Contains(got, tc.shown) {
			t.Errorf("%s is left:\n%s", tc.address, got)
		}
		put(t, n, 60*time.Second)
		for range 2 {
			if err := n.Remove(); err != nil {
				t.Error(err)
			}
		}
		if got := ip(t, "addr"); strings.Contains(got, tc.shown) {
			t.Errorf("%s is not removed:\n%s", tc.address, got)
		}
	}
}

// The kernel of a phone that was killed lets go of the address by itself.
func TestExpiry(t *testing.T) {
	island(t)
	four, six := open(t, "192.0.2.250/24", "192.0.2.1"), open(t, "2001:db8::250/64", "2001:db8::1")
	put(t, four, 2*time.Second)
	put(t, six, 2*time.Second)
	began := time.Now()
	for strings.Contains(ip(t, "addr"), "250/") {
		if time.Since(began) > 5*time.Second {
			t.Fatal("still there")
		}
		time.Sleep(100 * time.Millisecond)
	}
	if d := time.Since(began); d < time.Second {
		t.Errorf("gone after %v", d)
	}
}

// Everybody on the network hears the announcement.
func TestAnnounce(t *testing.T) {
	island(t)
	far, err := net.InterfaceByName("far")
	if err != nil {
		t.Fatal(err)
	}
	near, err := net.InterfaceByName("near")
	if err != nil {
		t.Fatal(err)
	}
	all := uint16(unix.ETH_P_ALL<<8&0xff00 | unix.ETH_P_ALL>>8) // in network order
	s, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, int(all))
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(s)
	if err := unix.Bind(s, &unix.SockaddrLinklayer{Protocol: all, Ifindex: far.Index}); err != nil {
		t.Fatal(err)
	}
	unix.SetsockoptTimeval(s, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 3})
	for _, tc := range []struct{ address, own string }{{"192.0.2.250/24", "192.0.2.1"}, {"2001:db8::250/64", "2001:db8::1"}} {
		n := open(t, tc.address, tc.own)
		if err := n.Announce(); err != nil {
			t.Fatal(err)
		}
		want := announcement(n.address, near.HardwareAddr)
		for buf := make([]byte, 2000); ; {
			got, err := unix.Read(s, buf)
			if err != nil {
				t.Fatalf("%s not heard: %v", tc.address, err)
			}
			if bytes.Equal(buf[:got], want) {
				break
			}
		}
	}
	n := open(t, "127.0.31.250/8", "127.0.31.1") // nobody is there to be told
	put(t, n, time.Second)
	if err := n.Announce(); err != nil {
		t.Error(err)
	}
}

// An address that somebody else has put there is not touched.
func TestPermanentAddress(t *testing.T) {
	island(t)
	ip(t, "addr add 192.0.2.250/24 dev near")
	_, err := Open(netip.MustParsePrefix("192.0.2.250/24"), netip.MustParseAddr("192.0.2.1"))
	var h interface{ Hint() string }
	if !errors.As(err, &h) {
		t.Error(err)
	}
	if !strings.Contains(ip(t, "addr"), "192.0.2.250/24") {
		t.Error("it was removed")
	}
}

// Without the right, that is said and what to do.
func TestNoRight(t *testing.T) {
	for name, capability := range map[string]uint{"addresses": unix.CAP_NET_ADMIN, "packets": unix.CAP_NET_RAW} {
		t.Run(name, func(t *testing.T) {
			island(t)
			head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
			var sets [2]unix.CapUserData
			if err := unix.Capget(&head, &sets[0]); err != nil {
				t.Fatal(err)
			}
			sets[0].Effective &^= 1 << capability
			if err := unix.Capset(&head, &sets[0]); err != nil {
				t.Fatal(err)
			}
			_, err := Open(netip.MustParsePrefix("192.0.2.250/24"), netip.MustParseAddr("192.0.2.1"))
			var h interface{ Hint() string }
			if !errors.As(err, &h) || !strings.Contains(h.Hint(), "CAP_NET_ADMIN") {
				t.Error(err)
			}
		})
	}
}
