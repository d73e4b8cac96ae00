package dht

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"chordophone/tools/bench/report"
)

// Lookups is what became of a number of look-ups.
type Lookups struct {
	Asked   int           `json:"asked"`
	Right   int           `json:"right"`
	Missing int           `json:"missing"` // "there is none"
	Wrong   int           `json:"wrong"`   // another value
	Failed  int           `json:"failed"`  // no answer, or an error
	Error   string        `json:"error,omitempty"`
	Times   report.Sample `json:"-"`
	P50     float64       `json:"p50_ms"`
	P95     float64       `json:"p95_ms"`
	Max     float64       `json:"max_ms"`
}

func (l *Lookups) count(a answer, want string, took time.Duration) {
	l.Asked++
	l.Times = append(l.Times, took)
	switch {
	case a.err != nil:
		l.Failed++
		l.Error = a.err.Error()
	case !a.found:
		l.Missing++
	case a.value != want:
		l.Wrong++
	default:
		l.Right++
	}
}

// sum fills in the times.
func (l *Lookups) sum() Lookups {
	l.P50 = report.Milliseconds(l.Times.Quantile(0.5))
	l.P95 = report.Milliseconds(l.Times.Quantile(0.95))
	l.Max = report.Milliseconds(l.Times.Quantile(1))
	return *l
}

// get looks one name up.
func (net *Network) get(ctx context.Context, n *Node, name string, to *Lookups) bool {
	a, took := n.ask(ctx, net.prog.get(name))
	to.count(a, net.values[name], took)
	return a.err == nil && a.found && a.value == net.values[name]
}

// readers is how many nodes are asked at the same time when the point is not to
// wait.
const readers = 8

// getAll looks every name up once, by some of the running nodes at the same time.
func (net *Network) getAll(ctx context.Context, names []string) Lookups {
	nodes := net.running()
	net.rng.Shuffle(len(nodes), func(i, j int) { nodes[i], nodes[j] = nodes[j], nodes[i] })
	nodes = nodes[:min(len(nodes), readers)]
	var next atomic.Int64
	var mu sync.Mutex // guards all
	var all Lookups
	everybody(nodes, func(n *Node) bool {
		for i := int(next.Add(1)) - 1; i < len(names) && n.running(); i = int(next.Add(1)) - 1 {
			a, took := n.ask(ctx, net.prog.get(names[i]))
			mu.Lock()
			all.count(a, net.values[names[i]], took)
			mu.Unlock()
		}
		return true
	})
	return all.sum()
}

// Return is how a network came back after a start.
type Return struct {
	Records report.Sample // from the start to when somebody found each of them
	Phones  report.Sample // and to when each node first found one
	Error   string        // of a look-up, the last one
}

// comeBack has every node look names up again and again until each name was found
// by some node, and each node has found one, or the time is over. Nobody waits for
// a node that is slow to answer.
func (net *Network) comeBack(ctx context.Context, names []string, start, deadline time.Time) (r Return) {
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	var mu sync.Mutex // guards r and missing
	missing := make(map[string]bool, len(names))
	for _, name := range names {
		missing[name] = true
	}
	next := func(order []string) (string, bool) {
		mu.Lock()
		defer mu.Unlock()
		for _, name := range order {
			if missing[name] {
				return name, true
			}
		}
		return order[0], false
	}
	// Each in an order of its own, so that not all ask for the same.
	nodes := net.running()
	orders := make(map[*Node][]string, len(nodes))
	for _, n := range nodes {
		order := slices.Clone(names)
		net.rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		orders[n] = order
	}
	everybody(nodes, func(n *Node) bool {
		order, found := orders[n], false
		for ctx.Err() == nil && n.running() {
			name, more := next(order)
			if !more && found {
				return true
			}
			a, _ := n.ask(ctx, net.prog.get(name))
			right := a.err == nil && a.found && a.value == net.values[name]
			took := time.Since(start)
			mu.Lock()
			if right && missing[name] {
				delete(missing, name)
				r.Records = append(r.Records, took)
			}
			if right && !found {
				found = true
				r.Phones = append(r.Phones, took)
			}
			if a.err != nil && ctx.Err() == nil {
				r.Error = a.err.Error()
			}
			mu.Unlock()
			if !right {
				order = append(order[1:], order[0]) // another one meanwhile
				sleep(ctx, 20*time.Millisecond)
			}
		}
		return false
	})
	return r
}
