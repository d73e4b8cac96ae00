//go:build interop

package demo

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// bareSwitch makes hosts with nothing but link-local addresses on one Ethernet
// switch: network namespaces on a bridge, without routes, DHCP or DNS.
func bareSwitch(t *testing.T, hosts int) (names []string) {
	ip := func(args string) {
		t.Helper()
		if out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput(); err != nil {
			t.Fatalf("ip %s: %v: %s", args, err, out)
		}
	}
	namespace := func(name string) string {
		name = fmt.Sprintf("cp%d%s", os.Getpid(), name)
		ip("netns add " + name)
		t.Cleanup(func() { ip("netns del " + name) })
		ip("-n " + name + " link set lo up")
		return name
	}
	plugs := namespace("switch")
	ip("-n " + plugs + " link add br0 type bridge forward_delay 0")
	ip("-n " + plugs + " link set br0 up")
	for i := range hosts {
		host := namespace(fmt.Sprint(i))
		ip(fmt.Sprintf("-n %s link add eth0 type veth peer name p%d netns %s", host, i, plugs))
		ip(fmt.Sprintf("-n %s link set p%d master br0 up", plugs, i))
		ip("-n " + host + " link set eth0 up")
		ip(fmt.Sprintf("-n %s addr add 169.254.10.%d/16 dev eth0", host, i+1))
		names = append(names, host)
	}
	return names
}

// Phones out of the box on a bare switch: one founds an office and shows a code on
// its display, the other is given just that code, finds the first, and calls it.
func TestBareSwitch(t *testing.T) {
	f := &fleet{t: t, out: t.TempDir()}
	hosts := bareSwitch(t, 3)
	plug := func(i int, args ...string) *phone {
		t.Helper()
		name := fmt.Sprint(101 + i)
		args = append([]string{"netns", "exec", hosts[i], program, "run", "--board", "pipe",
			"--data", f.out + "/" + name}, args...)
		p, err := launch(exec.Command("ip", args...), f.out, name, "none")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(p.kill)
		return p
	}
	one := plug(0, "--found", "office")
	f.ready(one)
	one.do("off")
	one.do("keys *73#")
	code := ""
	_, err := one.expect(t.Context(), "pairing code", soon, func(e event) bool {
		for _, line := range e.Lines {
			if c, ok := strings.CutPrefix(line, "code "); ok {
				code = c
			}
		}
		return code != ""
	})
	if err != nil {
		t.Fatal(err)
	}
	one.do("on")

	two := plug(1, "--join", code)
	if e := f.ready(two); e.Ext != "102" || e.Office != "office" {
		t.Errorf("the newcomer is %s of %s", e.Ext, e.Office)
	}
	three := plug(2, "--join", code)
	if e := f.ready(three); e.Ext != "103" {
		t.Errorf("the next newcomer is %s", e.Ext)
	}
	f.calls(two, one, "101")
	f.calls(three, two, "102")
	one.kill()
	f.calls(two, three, "103")
}
