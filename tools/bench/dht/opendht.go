package dht

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// ErrNoOpenDHT says that there is nothing to compare with.
var ErrNoOpenDHT = errors.New("dhtnode is not installed: apt-get install dhtnode (Debian), or --peers ours to measure without it")

// openDHT is dhtnode, the command-line node of OpenDHT. What it prints is for
// people:
//
//	>> p alice sip:alice@192.0.2.1
//	Using h(alice) = 522b276a356bdf39013dfabea2cd43e141ecc9e8
//	>> Put: success, took 1.62 ms. Value ID: 29f0ed7d56243e55
//	g alice
//	>> Get: found 1 value(s) after 89.7 us (total 1)
//		Value[id:29f0ed7d56243e55 data(text/plain):"sip:alice@192.0.2.1"]
//	Get: completed, took 1.51 ms (total 1)
type openDHT struct {
	path   string
	probes int // keys used to see whether the network is one
}

const (
	openDHTPort    = 4300 // of the first node, which the others know
	openDHTNetwork = 7
)

func newOpenDHT() (*openDHT, error) {
	path, err := exec.LookPath("dhtnode")
	if err != nil {
		return nil, ErrNoOpenDHT
	}
	return &openDHT{path: path}, nil
}

// openDHTVersion is what the package manager says.
func openDHTVersion() string {
	out, err := exec.Command("dpkg-query", "-W", "-f", "${Version}", "dhtnode").Output()
	if err != nil {
		return "unknown"
	}
	return string(out)
}

func (*openDHT) name() string { return "OpenDHT" }

func (o *openDHT) command(i int) *exec.Cmd {
	args := []string{"-n", strconv.Itoa(openDHTNetwork), "-p", strconv.Itoa(openDHTPort + i)}
	if i > 0 {
		args = append(args, "-b", fmt.Sprintf("127.0.0.1:%d", openDHTPort))
	}
	return exec.Command(o.path, args...)
}

func (*openDHT) put(name, value string) string { return "p " + name + " " + value }
func (*openDHT) get(name string) string        { return "g " + name }

func (*openDHT) hear(l *life, line string) {
	switch {
	case strings.Contains(line, "running on port"):
		l.up()
	case strings.Contains(line, "Put: success"):
		l.answer(answer{})
	case strings.Contains(line, "Put: failure"):
		l.answer(answer{err: errors.New("put failed")})
	case strings.Contains(line, "Value["):
		if _, rest, ok := strings.Cut(line, `data(text/plain):"`); ok {
			l.value, l.found = strings.TrimSuffix(rest, `"]`), true
		}
	case strings.Contains(line, "Get: completed"), strings.Contains(line, "Get: failure"):
		l.answer(answer{value: l.value, found: l.found})
		l.value, l.found = "", false
	}
}

// together waits until all nodes find a value that the first of them put.
func (o *openDHT) together(ctx context.Context, net *Network) error {
	for {
		o.probes++
		name := fmt.Sprintf("probe-%d", o.probes)
		nodes := net.running()
		if len(nodes) == 0 {
			return errors.New("no node runs")
		}
		if a, _ := nodes[0].ask(ctx, o.put(name, "x")); a.err == nil && everybody(nodes[1:], func(n *Node) bool {
			a, _ := n.ask(ctx, o.get(name))
			return a.found
		}) {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}
