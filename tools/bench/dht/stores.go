package dht

import (
	"context"
	"fmt"
	"time"

	"chordophone/tools/bench/report"
)

// StoresResult is what the stage "stores" found.
type StoresResult struct {
	Acknowledged int     `json:"acknowledged"`
	Refused      int     `json:"refused"` // not acknowledged: no promise, not counted
	Error        string  `json:"error,omitempty"`
	Once         Lookups `json:"once"`  // one look-up each, right after the kill
	After        Lookups `json:"after"` // all of them, once all are back
	Seconds      float64 `json:"seconds"`
}

// stores has records stored, one at a time, and kills the node responsible for
// each at the moment of the acknowledgement. What was acknowledged must be found.
func (c *campaign) stores(ctx context.Context) (StoresResult, error) {
	var r StoresResult
	o := c.ours()
	start := time.Now()
	var returns report.Sample // of the owners into the ring
	for i := 0; r.Acknowledged < c.scale.Stores; i++ {
		if r.Refused > c.scale.Stores/4+3 {
			return r, fmt.Errorf("%d of %d stores refused, the last: %s", r.Refused, i, r.Error)
		}
		name := fmt.Sprintf("store-%d", i)
		owner := o.owner(c.net.nodes, name)
		if _, err := c.net.put(ctx, c.net.nodes[i%len(c.net.nodes)], name); err != nil {
			if ctx.Err() != nil {
				return r, ctx.Err()
			}
			r.Refused++
			r.Error = err.Error()
			continue
		}
		if err := owner.kill(); err != nil {
			return r, err
		}
		r.Acknowledged++
		c.net.get(ctx, c.net.anyOf(c.net.running()), name, &r.Once)
		if err := owner.proc.Wait(ctx); ctx.Err() != nil {
			return r, err
		}
		if err := c.net.startAll(ctx, []*Node{owner}); err != nil {
			return r, err
		}
		back := time.Now()
		wait, cancel := c.patient(ctx)
		_, err := c.waited(ctx, o.together(wait, c.net), "one ring after the return of an owner")
		cancel()
		if err != nil {
			return r, err
		}
		returns = append(returns, time.Since(back))
		if n := r.Acknowledged; n%100 == 0 {
			c.say("%s, %d nodes: %d stores, %.0f s", c.net.prog.name(), len(c.net.nodes), n, time.Since(start).Seconds())
		}
	}
	if err := sleep(ctx, 2*time.Second); err != nil {
		return r, err
	}
	r.After = c.net.getAll(ctx, c.net.names)
	r.Once = r.Once.sum()
	r.Seconds = time.Since(start).Seconds()
	c.figures.set("stores", report.Percent(r.After.Right, r.After.Asked))
	c.figures.set("stores.once", report.Percent(r.Once.Right, r.Once.Asked))
	c.figures.set("stores.p95", r.Once.P95)
	c.figures.set("stores.return", returns.Quantile(0.5).Seconds())
	c.figures.set("stores.refused", float64(r.Refused))
	c.detail["stores"] = r
	return r, nil
}
