//go:build interop && linux

package discover

import (
	"encoding/binary"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"chordophone/overlay"
)

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

			newcomer := func(open int) (last childLine, right bool) {
				n := l.phone("h3", childConfig{I: 3})
				n.wait("the newcomer sees an office", 3*time.Second, func(line childLine) bool {
					last = line
					return true
				})
				if len(last.Offices) != 1 || last.Offices[0].Name != "Acme" || !knows(0, 1, 2)(childLine{Peers: last.Offices[0].Peers}) {
					return last, false
				}
				o := last.Offices[0]
				return last, open == 0 && !o.Enrolling() || open > 0 && knows(open)(childLine{Peers: o.Open})
			}
			if last, right := newcomer(0); !right {
				t.Fatalf("the newcomer sees %+v", last.Offices)
			}
			io.WriteString(b.stdin, "open\n") // of which it is asked once a second
			for end := time.Now().Add(10 * time.Second); ; {
				last, right := newcomer(1)
				if right {
					break
				}
				if time.Now().After(end) {
					t.Fatalf("the newcomer sees %+v, and not that the second enrols", last.Offices)
				}
			}

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
