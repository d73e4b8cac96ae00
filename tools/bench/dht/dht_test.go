package dht

import (
	"context"
	"math/rand/v2"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"chordophone/overlay"
	"chordophone/tools/bench/report"
	"chordophone/tools/bench/ringnode"
)

// What dhtnode 2.4.12 printed, with the lines that it reads echoed as it does.
const openDHTSays = `Bootstrap: 127.0.0.1:4300
OpenDHT node 00755943b810e1fdfd093cbbbfc550399d176ac3 running on port 4301
 (type 'h' or 'help' for a list of possible commands)

>> p alice sip:u@192.0.2.1
Using h(alice) = 522b276a356bdf39013dfabea2cd43e141ecc9e8
>> Put: success, took 1.62 ms. Value ID: 29f0ed7d56243e55
g alice
Using h(alice) = 522b276a356bdf39013dfabea2cd43e141ecc9e8
>> Get: found 1 value(s) after 89.7 us (total 1)
	Value[id:29f0ed7d56243e55 data(text/plain):"sip:u@192.0.2.1"]
Get: completed, took 1.51 ms (total 1)
g bob
Using h(bob) = 48181acd22b3edaebc8a447868a7df7ce629920a
>> Get: completed, took 440 us (total 0)
`

func newLife() *life {
	return &life{Node: new(Node), ready: make(chan struct{}), answers: make(chan answer, 8), changed: func() {}}
}

func TestHearOpenDHT(t *testing.T) {
	l := newLife()
	for line := range strings.Lines(openDHTSays) {
		new(openDHT).hear(l, strings.TrimSuffix(line, "\n"))
	}
	select {
	case <-l.ready:
	default:
		t.Error("not ready")
	}
	for i, want := range []answer{{}, {value: "sip:u@192.0.2.1", found: true}, {}} {
		if got := <-l.answers; got != want {
			t.Errorf("answer %d: %+v, want %+v", i, got, want)
		}
	}
	if len(l.answers) > 0 {
		t.Errorf("one answer too many: %+v", <-l.answers)
	}
	if new(openDHT).hear(l, ">> Put: failure, took 3 s."); (<-l.answers).err == nil {
		t.Error("a failed put is no error")
	}
}

func TestHearOurs(t *testing.T) {
	l := newLife()
	for _, line := range []string{
		`{"event":"ready"}`,
		`{"event":"view","view":{"joined":true,"pred":"0a000000000000000000000000000000","succ":["0b000000000000000000000000000000"],"size":3}}`,
		`{"event":"put","copies":3}`,
		`{"event":"get","found":true,"value":"here","hops":1}`,
		`{"event":"get","error":"chord: no answer from the ring"}`,
		`not JSON`,
		`{"event":"stats","stats":{"bytes_out":7}}`,
	} {
		new(chordophone).hear(l, line)
	}
	select {
	case <-l.ready:
	default:
		t.Error("not ready")
	}
	if v := l.View(); !v.Joined || v.Pred[0] != 0x0a || len(v.Succ) != 1 || v.Succ[0][0] != 0x0b {
		t.Errorf("view %+v", v)
	}
	if a := <-l.answers; a.err != nil {
		t.Errorf("put: %+v", a)
	}
	if a := <-l.answers; a.err != nil || !a.found || a.value != "here" {
		t.Errorf("get: %+v", a)
	}
	if a := <-l.answers; a.err == nil {
		t.Errorf("failed get: %+v", a)
	}
	if a := <-l.answers; a.stats == nil || a.stats.BytesOut != 7 {
		t.Errorf("stats: %+v", a)
	}
}

// ringOf makes nodes with the IDs given, each with the right view.
func ringOf(first ...byte) (*chordophone, []*Node) {
	c := new(chordophone)
	var nodes []*Node
	for i, b := range first {
		c.ids = append(c.ids, overlay.ID{b})
		nodes = append(nodes, &Node{index: i})
	}
	for i, n := range nodes {
		after := slices.SortedFunc(slices.Values(c.ids), func(a, b overlay.ID) int {
			return c.ids[i].Distance(a).Compare(c.ids[i].Distance(b))
		})[1:]
		n.view = ringnode.View{Joined: true, Succ: after, Pred: after[len(after)-1]}
	}
	return c, nodes
}

func TestRight(t *testing.T) {
	c, nodes := ringOf(30, 10, 40, 20)
	if !c.right(nodes, false) || !c.right(nodes, true) {
		t.Fatal("a right ring is not recognised")
	}
	for what, change := range map[string]func(*ringnode.View){
		"not joined":     func(v *ringnode.View) { v.Joined = false },
		"no successor":   func(v *ringnode.View) { v.Succ = nil },
		"skips a node":   func(v *ringnode.View) { v.Succ = v.Succ[1:] },
		"sees a ghost":   func(v *ringnode.View) { v.Succ = append([]overlay.ID{{25}}, v.Succ...) },
		"short list":     func(v *ringnode.View) { v.Succ = v.Succ[:1] },
		"no predecessor": func(v *ringnode.View) { v.Pred = overlay.ID{} },
	} {
		c, nodes := ringOf(30, 10, 40, 20)
		nodes[3].view.Succ = slices.Clone(nodes[3].view.Succ)
		change(&nodes[3].view)
		onlyTheList := what == "short list" || what == "no predecessor"
		if c.right(nodes, false) != onlyTheList || c.right(nodes, true) {
			t.Errorf("%s: not noticed", what)
		}
	}
	_, nodes = ringOf(30, 10, 40, 20)
	nodes[1].view.Succ = nodes[1].view.Succ[:2]
	want := []string{"phone-01/0a000000: list lacks phone-02/28000000"}
	if got := c.wrong(nodes, true); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestForgotten(t *testing.T) {
	c, nodes := ringOf(10, 20, 30)
	if c.forgotten(nodes[:2], nodes[2:]) {
		t.Error("all see it still")
	}
	nodes[0].view = ringnode.View{Pred: overlay.ID{20}, Succ: []overlay.ID{{20}}}
	nodes[1].view = ringnode.View{Pred: overlay.ID{10}, Succ: []overlay.ID{{10}}, Fingers: []overlay.ID{{30}}}
	if c.forgotten(nodes[:2], nodes[2:]) {
		t.Error("one has it as a finger still")
	}
	nodes[1].view.Fingers = nil
	if !c.forgotten(nodes[:2], nodes[2:]) {
		t.Error("nobody sees it any more")
	}
}

func TestOwner(t *testing.T) {
	c, nodes := ringOf(0x10, 0xf0, 0xa0)
	// ResourceID("abc") is a9993e36...
	if n := c.owner(nodes, "abc"); n.index != 1 {
		t.Errorf("owner is node %d, want 1 (f0)", n.index)
	}
	c.ids[1] = overlay.ID{0x20}
	if n := c.owner(nodes, "abc"); n.index != 0 {
		t.Errorf("owner is node %d, want 0 (10), beyond the top", n.index)
	}
}

func TestLookups(t *testing.T) {
	var l Lookups
	l.count(answer{found: true, value: "x"}, "x", 10*time.Millisecond)
	l.count(answer{found: true, value: "y"}, "x", 20*time.Millisecond)
	l.count(answer{}, "x", 30*time.Millisecond)
	l.count(answer{err: errEnded}, "x", 40*time.Millisecond)
	l.sum()
	if l.Asked != 4 || l.Right != 1 || l.Wrong != 1 || l.Missing != 1 || l.Failed != 1 || l.Error == "" || l.P50 != 20 || l.Max != 40 {
		t.Errorf("%+v", l)
	}
}

func TestRowsSideBySide(t *testing.T) {
	ours := Figures{"get.p50": 1, "idle.frames": 600, "silent": report.Never}
	out := rowsOf(20, ours, Figures{"get.p50": 3, "put.p50": 2})
	verdicts := make(map[string]string)
	for _, r := range out {
		verdicts[r.ID] = r.Verdict
	}
	want := map[string]string{"get.p50": report.Pass, "idle.frames": report.Miss, "silent": report.Miss, "put.p50": ""}
	for id, v := range want {
		if got, ok := verdicts[id]; !ok || got != v {
			t.Errorf("%s: %q (there: %v), want %q", id, got, ok, v)
		}
	}
	if len(out) != len(want) {
		t.Errorf("%d rows, want %d", len(out), len(want))
	}
	for _, r := range rowsOf(50, ours, nil) {
		if r.ID == "idle.frames" && r.Bar != nil {
			t.Error("the bar for 20 phones is applied to 50")
		}
	}
}

// echo is a program whose answer to a command is the command.
type echo struct{}

func (echo) name() string                             { return "echo" }
func (echo) command(int) *exec.Cmd                    { return exec.Command("cat") }
func (echo) hear(l *life, line string)                { l.answer(answer{value: line, found: true}) }
func (echo) put(name, value string) string            { return name }
func (echo) get(name string) string                   { return name }
func (echo) together(context.Context, *Network) error { return nil }
func newEcho(t *testing.T) *Network {
	t.Helper()
	net, err := newNetwork(echo{}, 2, rand.New(rand.NewPCG(1, 1)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(net.close)
	for _, n := range net.nodes {
		if err := net.start(n); err != nil {
			t.Fatal(err)
		}
	}
	return net
}

// An answer that came too late is not taken for that to the next command.
func TestLateAnswer(t *testing.T) {
	net := newEcho(t)
	n := net.nodes[0]
	if err := n.halt(true); err != nil {
		t.Fatal(err)
	}
	if len(net.running()) != 1 {
		t.Error("a stopped node is taken for one that runs")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
	defer cancel()
	if a, _ := n.ask(ctx, "first"); a.err == nil {
		t.Errorf("a stopped process answers %+v", a)
	}
	if err := n.halt(false); err != nil {
		t.Fatal(err)
	}
	if a, _ := n.ask(t.Context(), "second"); a.err != nil || a.value != "second" {
		t.Errorf("asked for the second, got %+v", a)
	}
}

// All are back when each record was found by somebody and each node has found one.
func TestComeBack(t *testing.T) {
	net := newEcho(t)
	names := []string{"a", "b", "c"}
	net.values = map[string]string{"a": "a", "b": "b", "c": "not what echo says"}
	start := time.Now()
	r := net.comeBack(t.Context(), names, start, start.Add(200*time.Millisecond))
	if len(r.Records) != 2 || len(r.Phones) != 2 || r.Error != "" {
		t.Errorf("two of three records are there: %+v", r)
	}
	net.values["c"] = "c"
	start = time.Now()
	if r := net.comeBack(t.Context(), names, start, start.Add(time.Minute)); len(r.Records) != 3 || len(r.Phones) != 2 {
		t.Errorf("all are there: %+v", r)
	}
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("waited %v although all were there", took)
	}
}

func TestCasualties(t *testing.T) {
	net := newEcho(t)
	if lost := net.casualties(); len(lost) > 0 {
		t.Errorf("all is well, but %v are lost", lost)
	}
	net.nodes[1].proc.Kill() // by itself, as far as the network knows
	net.nodes[1].proc.Wait(t.Context())
	if lost := net.casualties(); !slices.Equal(lost, []int{1}) {
		t.Errorf("lost %v, want [1]", lost)
	}
	if a, _ := net.nodes[1].ask(t.Context(), "x"); a.err == nil {
		t.Errorf("a dead process answers %+v", a)
	}
	if err := net.killAll(t.Context(), net.nodes); err != nil {
		t.Error(err)
	}
	if lost := net.casualties(); len(lost) > 0 {
		t.Errorf("killed on purpose, but %v are lost", lost)
	}
}
