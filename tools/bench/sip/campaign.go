package sip

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"chordophone/tools/bench/procs"
	"chordophone/tools/bench/report"
)

// Scale is how much is measured.
type Scale struct {
	Rounds        int
	Calls         int   // per round of latency, and as many REGISTER
	LoadSeconds   int   // per round of load
	CallSteps     []int // a second
	RegisterSteps []int
	StepSeconds   int
	Settle        time.Duration // before a step that failed is tried again: transactions are kept for 32 s
	Overload      int           // seconds
	Quiet         time.Duration // what torture has not answered by then is not answered
	Malformed     int           // cases
}

// Full and Short are the two scales.
func Full() Scale {
	return Scale{
		Rounds: 3, Calls: 200, LoadSeconds: 6,
		CallSteps: []int{125, 250, 500, 1000, 1500, 2000}, RegisterSteps: []int{250, 500, 1000, 2000, 4000},
		StepSeconds: 4, Settle: 35 * time.Second, Overload: 10, Quiet: 800 * time.Millisecond, Malformed: 4500,
	}
}

func Short() Scale {
	return Scale{
		Rounds: 1, Calls: 20, LoadSeconds: 1, CallSteps: []int{125, 250}, RegisterSteps: []int{250, 500},
		StepSeconds: 1, Overload: 2, Quiet: 300 * time.Millisecond, Malformed: 200,
	}
}

// Rates.
const (
	lowRate      = 20  // of latency, a second
	callRate     = 150 // of load
	registerRate = 400
	overloadRate = 1000
	hold         = 100 * time.Millisecond // a call lasts
)

// figures are what one target was measured to be: one value for each round.
type figures map[string][]float64

func (f figures) add(id string, v float64) { f[id] = append(f[id], v) }

// campaign measures the servers beside each other.
type campaign struct {
	host    *procs.Host
	sipp    *sipp
	dir     string
	scale   Scale
	seed    uint64
	say     func(format string, args ...any)
	targets []*target
	figures map[string]figures // by name of the target
	detail  map[string]any
	notes   []string
}

func (c *campaign) of(t *target) figures {
	f := c.figures[t.name]
	if f == nil {
		f = figures{}
		c.figures[t.name] = f
	}
	return f
}

// remember keeps what stands behind a target's figures, run by run.
func (c *campaign) remember(t *target, stage string, v any) {
	name := t.name + ": " + stage
	all, _ := c.detail[name].([]any)
	c.detail[name] = append(all, v)
}

// each goes through all targets in turn. One that fails is measured no more; the
// others are.
func (c *campaign) each(ctx context.Context, stage string, do func(context.Context, *target) error) error {
	var errs []error
	for _, t := range slices.Clone(c.targets) {
		if ctx.Err() != nil {
			return errors.Join(append(errs, ctx.Err())...)
		}
		err := do(ctx, t)
		if err == nil && !t.alive() {
			err = errors.New("has ended")
		}
		if err != nil {
			errs = append(errs, t.explain(fmt.Errorf("%s: %s: %w", stage, t.name, err)))
			c.targets = slices.DeleteFunc(c.targets, func(o *target) bool { return o == t })
		}
	}
	return errors.Join(errs...)
}

// prepare binds the callee at every target.
func (c *campaign) prepare(ctx context.Context) error {
	a, err := newAgent(c.host, calleeAddr, sipPort+1)
	if err != nil {
		return err
	}
	defer a.close()
	return c.each(ctx, "callee", func(ctx context.Context, t *target) error {
		if err := a.register(ctx, t.home, calleeUser, calleeAddr); err != nil {
			return err
		}
		// The last account that was made is known where the clients register.
		return a.register(ctx, t.entry, userName(users-1), registrantAddr)
	})
}

// latency is one round of it.
func (c *campaign) latency(ctx context.Context) error {
	return c.each(ctx, StageLatency, func(ctx context.Context, t *target) error {
		stop, err := c.sipp.callee("callee.xml")
		if err != nil {
			return err
		}
		defer stop()
		wire, err := startCapture(ctx, c.host, c.file("latency", t), "udp port 5060")
		if err != nil {
			return err
		}
		calls, err1 := c.sipp.calls(ctx, t.entry, lowRate, c.scale.Calls, 50*time.Millisecond)
		registers, err2 := c.sipp.registers(ctx, t.entry, lowRate, c.scale.Calls, 3600)
		caller, registrant := newExchanges(callerAddr), newExchanges(registrantAddr)
		err3 := wire.read(ctx, func(p packet) {
			caller.packet(p)
			registrant.packet(p)
		})
		_, err4 := c.sipp.registers(ctx, t.entry, registerRate, c.scale.Calls, 0)
		if err := errors.Join(err1, err2, err3, err4); err != nil {
			return err
		}
		f := c.of(t)
		for _, s := range []struct {
			id, key string
			from    *exchanges
		}{
			{"ring", "INVITE 180", caller}, {"answer", "INVITE 200", caller},
			{"bye", "BYE 200", caller}, {"register", "REGISTER 200", registrant},
		} {
			times := s.from.times[s.key]
			f.add(s.id+".got", report.Percent(len(times), c.scale.Calls))
			if len(times) > 0 {
				f.add(s.id+".p50", report.Milliseconds(times.Quantile(0.5)))
				f.add(s.id+".p99", report.Milliseconds(times.Quantile(0.99)))
			}
		}
		f.add("early", float64(caller.early))
		c.say("%s: %s: INVITE -> 180 %.2f ms, REGISTER -> 200 %.2f ms", t.name, StageLatency,
			last(f["ring.p50"]), last(f["register.p50"]))
		c.remember(t, StageLatency, map[string]any{"calls": calls, "registers": registers})
		return nil
	})
}

func last(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	return v[len(v)-1]
}

// load is one round of it.
func (c *campaign) load(ctx context.Context) error {
	return c.each(ctx, StageLoad, func(ctx context.Context, t *target) error {
		stop, err := c.sipp.callee("callee_rings.xml")
		if err != nil {
			return err
		}
		defer stop()
		f := c.of(t)
		for _, run := range []struct {
			id string
			do func() (result, error)
		}{
			{"cpu.register", func() (result, error) {
				return c.sipp.registers(ctx, t.entry, registerRate, users, 3600)
			}},
			{"cpu.refresh", func() (result, error) {
				return c.sipp.refreshes(ctx, t.entry, registerRate, max(2, c.scale.LoadSeconds))
			}},
			{"", func() (result, error) {
				return c.sipp.registers(ctx, t.entry, registerRate, users, 0)
			}},
			{"cpu.call", func() (result, error) {
				return c.sipp.calls(ctx, t.entry, callRate, callRate*c.scale.LoadSeconds, hold)
			}},
		} {
			before, err := t.cpu()
			if err != nil {
				return err
			}
			r, err := run.do()
			if err != nil {
				return err
			}
			after, err := t.cpu()
			if err != nil {
				return err
			}
			c.remember(t, StageLoad, r)
			if run.id != "" && r.good() > 0 {
				f.add(run.id, float64((after-before).Microseconds())/float64(r.good()))
			}
			if run.id == "cpu.call" {
				f.add("cpu.call.failed", report.Percent(r.Created-r.good(), r.Created))
			}
		}
		m, err := t.memory()
		if err != nil {
			return err
		}
		f.add("rss", megabytes(m.RSS))
		f.add("pss", megabytes(m.PSS))
		c.say("%s: %s: %.0f us a call, %.0f us a REGISTER, %.0f us a refresh", t.name, StageLoad,
			last(f["cpu.call"]), last(f["cpu.register"]), last(f["cpu.refresh"]))
		return nil
	})
}

// capacity climbs two ladders, all targets on each step before the next one. A step
// that fails is tried once more, after a rest.
func (c *campaign) capacity(ctx context.Context) error {
	stop, err := c.sipp.callee("callee_rings.xml")
	if err != nil {
		return err
	}
	defer stop()
	errs := []error{c.each(ctx, StageCapacity, func(ctx context.Context, t *target) error {
		_, err := c.sipp.registers(ctx, t.entry, registerRate, users, 3600)
		return err
	})}
	for _, ladder := range []struct {
		id    string
		steps []int
		want  func(rate int) int
		do    func(t *target, rate int) (result, error)
	}{
		{"capacity.calls", c.scale.CallSteps, func(rate int) int { return rate * c.scale.StepSeconds }, func(t *target, rate int) (result, error) {
			return c.sipp.calls(ctx, t.entry, rate, rate*c.scale.StepSeconds, hold)
		}},
		{"capacity.registers", c.scale.RegisterSteps, func(rate int) int { return users * rounds(rate, c.scale.StepSeconds) }, func(t *target, rate int) (result, error) {
			return c.sipp.refreshes(ctx, t.entry, rate, c.scale.StepSeconds)
		}},
	} {
		highest := map[string]int{}
		for i, rate := range ladder.steps {
			errs = append(errs, c.each(ctx, StageCapacity, func(ctx context.Context, t *target) error {
				if i > 0 && highest[t.name] < ladder.steps[i-1] {
					return nil
				}
				n := ladder.want(rate)
				for try := range 2 {
					if try > 0 {
						select {
						case <-time.After(c.scale.Settle):
						case <-ctx.Done():
							return ctx.Err()
						}
					}
					r, err := ladder.do(t, rate)
					if err != nil {
						return err
					}
					c.remember(t, fmt.Sprintf("%s at %d/s", ladder.id, rate), r)
					c.say("%s: %s at %d/s: %d of %d good, %d failed, %d refused, %d sent again", t.name, ladder.id, rate,
						r.good(), n, r.Failed, r.Refused, r.Again)
					if r.clean(n) {
						highest[t.name] = rate
						break
					}
				}
				return nil
			}))
		}
		for _, t := range c.targets {
			c.of(t).add(ladder.id, float64(highest[t.name]))
		}
	}
	return errors.Join(errs...)
}

// file is where the capture of a stage goes; the last round's is kept.
func (c *campaign) file(stage string, t *target) string {
	name := map[string]string{one: "one", two: "two", kamailio: "kamailio"}[t.name]
	return filepath.Join(c.dir, stage+"-"+name+".pcap")
}
