//go:build interop

package network

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/beevik/ntp"
)

// born is when the clock of a machine of these tests begins: nobody's real one is set.
var born = time.Date(2021, 2, 3, 4, 5, 6, 0, time.UTC)

// pretended is a timekeeper of a clock that is the process's own.
func pretended() *timekeeper {
	off := time.Until(born).Round(0)
	now := func() time.Time { return time.Now().Add(off) }
	return &timekeeper{
		now: now,
		set: func(to time.Time) error {
			off += to.Sub(now())
			note("pretended: wrong by %v", off.Abs().Truncate(time.Second))
			return nil
		},
		trust: func(within time.Duration) error {
			note("pretended: trusted within %v", within)
			return nil
		},
		query: ntp.QueryOptions{Timeout: clockAnswer, GetSystemTime: now},
	}
}

// chrony is a time server at the bridge, which does not touch this machine's clock. It
// does not know the time until it is told that its own is right.
type chrony struct {
	*tail
	socket string
}

func (o *office) chrony() *chrony {
	o.t.Helper()
	dir := filepath.Join(o.t.TempDir(), "private")
	if err := os.Mkdir(dir, 0o700); err != nil {
		o.t.Fatal(err)
	}
	c := &chrony{socket: filepath.Join(dir, "socket")}
	conf := filepath.Join(dir, "chrony.conf")
	text := fmt.Sprintf("allow\ncmdport 0\nbindcmdaddress %s\npidfile %s/pid\nuser root\n", c.socket, dir)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		o.t.Fatal(err)
	}
	c.tail = o.run(exec.Command("ip", "netns", "exec", o.name, "chronyd", "-x", "-d", "-f", conf), "chronyd")
	until(o.t, "chronyd listens", func() bool { _, err := os.Stat(c.socket); return err == nil }, c.tail)
	return c
}

// knows tells it that its time is right.
func (c *chrony) knows() {
	c.t.Helper()
	until(c.t, "chronyd is told", func() bool {
		return exec.Command("chronyc", "-h", c.socket, "local", "stratum", "8").Run() == nil
	}, c.tail)
}

// A time server of others, which DHCP names: it is not believed while it says that it does
// not know the time itself, is asked again, and then is.
func TestTimeServer(t *testing.T) {
	for _, program := range []string{"chronyd", "chronyc"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Fatalf("%v (Debian: apt-get install chrony)", err)
		}
	}
	o := newOffice(t)
	d := o.dnsmasq("--dhcp-range=10.77.0.50,10.77.0.90,255.255.255.0,5m", "--dhcp-option=option:ntp-server,10.77.0.1")
	c := o.chrony()
	m := o.plug()
	m.start()
	m.has("10.77.0.0/24", d)
	m.says("time from 10.77.0.1: kiss of death", 1) // stratum 0, without a code
	c.knows()
	until(t, "it has the server's time", func() bool { return m.count("pretended: wrong by 0s") == 1 }, c.tail, m.tail)
	m.says("pretended: trusted within [0-9.]+(µs|ms)", 1)
	if n := m.count("pretended: wrong"); n != 1 {
		t.Errorf("set %d times", n)
	}
}
