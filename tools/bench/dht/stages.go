package dht

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"chordophone/tools/bench/report"
)

func (c *campaign) cold(ctx context.Context) error {
	wait, cancel := c.patient(ctx)
	defer cancel()
	start := time.Now()
	if err := c.net.startAll(wait, c.net.nodes); err != nil {
		return err
	}
	c.figures.set("cold.up", time.Since(start).Seconds())
	ok, err := c.waited(ctx, c.net.prog.together(wait, c.net), "one ring after a cold start")
	if err != nil {
		return err
	}
	c.figures.reached("cold", ok, time.Since(start))
	if c.ours() != nil {
		if err := c.heal(ctx, start, "cold.whole", "a cold start"); err != nil {
			return err
		}
	}
	return sleep(ctx, c.scale.Settle)
}

// quiet is how long a stage waits for what an acknowledged operation still sends.
const quiet = time.Second

func (c *campaign) put(ctx context.Context) error {
	before, err := c.net.wire(ctx)
	if err != nil {
		return err
	}
	start := time.Now()
	var times report.Sample
	nodes := c.net.running()
	for i := range c.scale.Keys {
		took, err := c.net.put(ctx, nodes[i%len(nodes)], fmt.Sprintf("put-%d", i))
		if err != nil {
			c.note("%v", err)
			continue
		}
		times = append(times, took)
	}
	if len(times) == 0 {
		return errors.New("nothing was stored")
	}
	if err := sleep(ctx, quiet); err != nil {
		return err
	}
	after, err := c.net.wire(ctx)
	if err != nil {
		return err
	}
	c.putWire, c.putTime, c.putSize = after.sub(before), time.Since(start), len(times)
	c.detail["put"] = c.putWire
	c.figures.set("put.p50", report.Milliseconds(times.Quantile(0.5)))
	c.figures.set("put.p95", report.Milliseconds(times.Quantile(0.95)))
	return nil
}

// stored makes sure that there is something to look up.
func (c *campaign) stored(ctx context.Context) error {
	if len(c.net.names) > 0 {
		return nil
	}
	return c.put(ctx)
}

func (c *campaign) get(ctx context.Context) error {
	if err := c.stored(ctx); err != nil {
		return err
	}
	before, err := c.net.wire(ctx)
	if err != nil {
		return err
	}
	start := time.Now()
	var l Lookups
	nodes := c.net.running()
	for i := range c.scale.Gets {
		// The stride never asks the node that wrote.
		at := i % len(c.net.names)
		c.net.get(ctx, nodes[(at+1+i%(len(nodes)-1))%len(nodes)], c.net.names[at], &l)
	}
	after, err := c.net.wire(ctx)
	if err != nil {
		return err
	}
	c.getWire, c.getTime = after.sub(before), time.Since(start)
	c.detail["get"] = map[string]any{"lookups": l.sum(), "wire": c.getWire} // sum fills l in, too
	c.figures.set("get.right", report.Percent(l.Right, l.Asked))
	c.figures.set("get.p50", l.P50)
	c.figures.set("get.p95", l.P95)
	return nil
}

func (c *campaign) idle(ctx context.Context) error {
	if err := c.stored(ctx); err != nil {
		return err
	}
	cpu0, _, err := c.net.usage()
	if err != nil {
		return err
	}
	before, err := c.net.wire(ctx)
	if err != nil {
		return err
	}
	start := time.Now()
	if err := sleep(ctx, c.scale.Idle); err != nil {
		return err
	}
	after, err := c.net.wire(ctx)
	if err != nil {
		return err
	}
	took := time.Since(start).Seconds()
	cpu1, rss, err := c.net.usage()
	if err != nil {
		return err
	}
	w, n := after.sub(before), float64(len(c.net.nodes))
	c.detail["idle"] = map[string]any{"seconds": took, "wire": w}
	if c.ours() != nil {
		c.figures.set("idle.frames", float64(w.Frames)/took/n)
	}
	if w.IP > 0 {
		c.figures.set("idle.ip", float64(w.IP)/took/n)
	}
	c.figures.set("idle.cpu", 100*(cpu1-cpu0).Seconds()/took/n)
	c.figures.set("cpu", cpu1.Seconds()/n)
	c.figures.set("rss", float64(rss)/1e6)
	return nil
}

// perOperation subtracts idle traffic from that of operations.
func (c *campaign) perOperation() {
	if c.putSize > 0 && !slices.Contains(c.stages, StageIdle) {
		c.note("without the stage %s, octets per operation have idle traffic in them", StageIdle)
	}
	n := float64(len(c.net.nodes))
	each := func(row string, octets uint64, idle report.Figure, took time.Duration, count int) {
		if octets > 0 && count > 0 {
			c.figures.set(row, max(0, float64(octets)-float64(idle)*n*took.Seconds())/float64(count))
		}
	}
	each("put.frames", c.putWire.Frames, c.figures["idle.frames"], c.putTime, c.putSize)
	each("put.ip", c.putWire.IP, c.figures["idle.ip"], c.putTime, c.putSize)
	each("get.frames", c.getWire.Frames, c.figures["idle.frames"], c.getTime, c.scale.Gets)
	each("get.ip", c.getWire.IP, c.figures["idle.ip"], c.getTime, c.scale.Gets)
}

// silent stops a tenth of the nodes, so that their connections stand and nobody
// answers. Only our nodes say whom they see.
func (c *campaign) silent(ctx context.Context) error {
	o := c.ours()
	if o == nil {
		return nil
	}
	lost := c.net.victims(0.1)
	start := time.Now()
	for _, n := range lost {
		if err := n.halt(true); err != nil {
			return err
		}
	}
	wait, cancel := c.patient(ctx)
	defer cancel()
	err := c.net.until(wait, func() bool { return o.forgotten(c.net.running(), lost) })
	ok, err := c.waited(ctx, err, "a silent death known to all")
	if err != nil {
		return err
	}
	c.figures.reached("silent", ok, time.Since(start))
	back := time.Now()
	for _, n := range lost {
		if err := n.halt(false); err != nil {
			return err
		}
	}
	return c.heal(ctx, back, "silent.back", "the silent ones spoke again")
}

// kill stores records by the victims and then kills them all in one moment: what
// is found afterwards is what the others keep.
func (c *campaign) kill(ctx context.Context, stage string, share float64) error {
	victims := c.net.victims(share)
	first := len(c.net.names)
	for i := range c.scale.Keys {
		if _, err := c.net.put(ctx, victims[i%len(victims)], fmt.Sprintf("%s-%d", stage, i)); err != nil {
			c.note("%v", err)
		}
	}
	names := c.net.names[first:]
	if len(names) == 0 {
		return errors.New("nothing was stored")
	}
	start := time.Now()
	if err := c.net.killAll(ctx, victims); err != nil {
		return err
	}
	once := c.net.getAll(ctx, names)
	c.detail[stage+".once"] = once
	c.figures.set(stage+".right", report.Percent(once.Right, once.Asked))
	c.figures.set(stage+".p50", once.P50)
	c.figures.set(stage+".p95", once.P95)
	c.figures.set(stage+".max", once.Max)
	if c.ours() != nil {
		if err := c.heal(ctx, start, stage+".whole", stage); err != nil {
			return err
		}
	}
	if err := sleep(ctx, c.scale.Later-time.Since(start)); err != nil {
		return err
	}
	later := c.net.getAll(ctx, names)
	c.detail[stage+".later"] = later
	c.figures.set(stage+".later.p95", later.P95)
	c.figures.set(stage+".lost", float64(later.Asked-later.Right))

	again := time.Now()
	if err := c.net.startAll(ctx, victims); err != nil {
		return err
	}
	if err := c.heal(ctx, again, stage+".return", stage+" and the return of the killed"); err != nil {
		return err
	}
	return sleep(ctx, c.scale.Settle/2)
}

// cycle kills all and starts all again.
func (c *campaign) cycle(ctx context.Context) error {
	if err := c.stored(ctx); err != nil {
		return err
	}
	const enough, most = 5 * time.Second, 30 * time.Second
	if err := c.net.killAll(ctx, c.net.nodes); err != nil {
		return err
	}
	if err := c.net.startAll(ctx, c.net.nodes); err != nil {
		return err
	}
	up := time.Now()
	r := c.net.comeBack(ctx, c.net.names, up, up.Add(most))
	if err := ctx.Err(); err != nil {
		return err
	}
	stored, soon := len(c.net.names), 0
	for _, t := range r.Records {
		if t <= enough {
			soon++
		}
	}
	c.detail["cycle"] = map[string]any{
		"stored": stored, "within_5s": soon, "ever": len(r.Records), "phones": len(r.Phones), "error": r.Error,
	}
	c.figures.set("cycle.soon", report.Percent(soon, stored))
	c.figures.set("cycle.ever", report.Percent(len(r.Records), stored))
	c.figures.reached("cycle", len(r.Records) == stored, r.Records.Quantile(1))
	c.figures.reached("cycle.phones", len(r.Phones) == len(c.net.nodes), r.Phones.Quantile(1))
	return nil
}
