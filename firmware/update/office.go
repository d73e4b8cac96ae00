package update

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"chordophone/firmware/update/fetch"
	"chordophone/firmware/update/release"
	"chordophone/firmware/update/rollout"
	"chordophone/firmware/update/trial"
)

// How often and how long.
const (
	readEvery    = 10 * time.Second // the notices
	askTime      = 20 * time.Second // for what is asked of the ring, and of one phone
	fetchTime    = time.Hour
	announceWait = 30 * time.Second // after an announcement that failed
)

// office is the loop round rollout.Machine. Its lock is taken after that of the Updater,
// never before.
type office struct {
	u *Updater

	mu      sync.Mutex // guards what follows
	machine *rollout.Machine
	leisure *rollout.Leisure
	own     rollout.Notice
	offered *release.Signed
	read    time.Time // when the notices were asked for
	reading bool

	jobs sync.WaitGroup
	say  chan rollout.Notice // the newest that is not in the ring yet
	stop context.CancelFunc
	ctx  context.Context // of the jobs
}

func newOffice(u *Updater) *office {
	pace := rollout.Default
	pace.Soak = u.cfg.Soak
	return &office{
		u: u, machine: rollout.New(u.cfg.Office.Self, pace), leisure: rollout.NewLeisure(u.cfg.Hours), say: make(chan rollout.Notice, 1),
	}
}

func (o *office) begin(ctx context.Context) {
	o.ctx, o.stop = context.WithCancel(ctx)
	o.own = o.u.notice()
	o.jobs.Go(o.announce)
	o.step(rollout.Own{Notice: o.own})
}

func (o *office) end() {
	o.stop()
	o.jobs.Wait()
}

// second is what is done once a second.
func (o *office) second(ctx context.Context, now time.Time) {
	if own := o.u.notice(); own != o.own {
		o.own = own
		o.step(rollout.Own{Notice: own})
	}
	wall, right := o.clock()
	busy := o.u.cfg.Busy()
	o.mu.Lock()
	free := o.leisure.Step(wall, busy, right)
	o.mu.Unlock()
	o.step(rollout.Free{Free: free})
	o.mu.Lock()
	due := !o.reading && now.Sub(o.read) >= readEvery
	if due {
		o.reading, o.read = true, now
	}
	o.mu.Unlock()
	if due {
		o.jobs.Go(o.readNotices)
	}
}

func (o *office) clock() (now time.Time, right bool) {
	if o.u.cfg.Clock == nil {
		return time.Now(), false
	}
	return o.u.cfg.Clock()
}

// notice is what this phone says of itself.
func (u *Updater) notice() rollout.Notice {
	u.mu.Lock()
	defer u.mu.Unlock()
	n := rollout.Notice{Version: u.version}
	if u.kept != nil {
		n.Running = u.kept.ID()
	}
	m := u.machine.Memory()
	phase := u.machine.Phase()
	switch {
	case m.Pending != nil && (phase == trial.Leaving || phase == trial.OnTrial || u.machine.Wanted()):
		c := m.In(m.Pending.Partition)
		n.State, n.Subject, n.SubjectVersion = rollout.Leaving, c.Release, c.Version
	case len(m.Failed) > 0:
		if f := m.Failed[len(m.Failed)-1]; f.Version.Compare(u.version) > 0 {
			n.State, n.Subject, n.SubjectVersion = rollout.GaveUp, f.Release, f.Version
		}
	}
	return n
}

// step takes an event to the machine. What comes of it is begun.
func (o *office) step(ev rollout.Event) {
	o.mu.Lock()
	do := o.machine.Step(time.Now(), ev)
	for _, a := range do {
		if a, ok := a.(rollout.Announce); ok {
			select { // only the newest counts
			case <-o.say:
			default:
			}
			o.say <- a.Notice
		}
	}
	o.mu.Unlock()
	for _, a := range do {
		switch a := a.(type) {
		case rollout.Learn:
			o.jobs.Go(func() { o.step(o.learn(a)) })
		case rollout.Fetch:
			o.jobs.Go(func() { o.step(o.fetch(a)) })
		case rollout.Try:
			o.try(a.Release)
		}
	}
}

// announce keeps this phone's notice in the ring.
func (o *office) announce() {
	var (
		n     rollout.Notice
		again <-chan time.Time
	)
	for {
		select {
		case <-o.ctx.Done():
			return
		case n = <-o.say:
		case <-again:
		}
		again = nil
		ctx, cancel := context.WithTimeout(o.ctx, askTime)
		if err := o.u.cfg.Office.Announce(ctx, n.Marshal()); err != nil {
			o.u.cfg.Log.Debug("what this phone runs is not in the ring yet", "err", err)
			again = time.After(announceWait)
		}
		cancel()
	}
}

func (o *office) readNotices() {
	ctx, cancel := context.WithTimeout(o.ctx, askTime)
	defer cancel()
	records, err := o.u.cfg.Office.Notices(ctx)
	o.mu.Lock()
	o.reading = false
	o.mu.Unlock()
	if err != nil {
		return
	}
	var phones []rollout.Phone
	for _, r := range records {
		if n, err := rollout.ParseNotice(r.Value); err == nil {
			phones = append(phones, rollout.Phone{Node: r.Owner, Notice: n})
		}
	}
	o.step(rollout.Notices{Phones: phones})
}

// learn looks at what a phone says it runs.
func (o *office) learn(a rollout.Learn) rollout.Learned {
	out := rollout.Learned{Release: a.Release, Source: a.Source, Outcome: rollout.Unreachable}
	keys, err := o.u.keys()
	if err != nil {
		return out
	}
	ctx, cancel := context.WithTimeout(o.ctx, askTime)
	defer cancel()
	head, err := fetch.Head(ctx, o.u.cfg.Office.Dial, a.Source, a.Release)
	switch {
	case errors.Is(err, fetch.ErrAnswer):
		out.Outcome = rollout.Garbage
		return out
	case err != nil:
		return out
	}
	s, err := release.ParseSigned(head, keys)
	if err != nil || s.ID() != a.Release {
		o.u.cfg.Log.Warn("a phone offers what is no release", "node", a.Source, "err", err)
		out.Outcome = rollout.Garbage
		return out
	}
	out.Version, out.Outcome = s.Version, o.u.suits(s)
	if out.Outcome == rollout.Fits {
		o.mu.Lock()
		o.offered = s
		o.mu.Unlock()
		o.u.cfg.Log.Info("the office has a newer release", "version", s.Version)
	}
	return out
}

// suits says whether a release may be installed here.
func (u *Updater) suits(s *release.Signed) rollout.Outcome {
	u.mu.Lock()
	defer u.mu.Unlock()
	err := u.machine.Check(trial.Begin{Release: s.ID(), Manifest: &s.Manifest})
	switch {
	case err == nil:
		return rollout.Fits
	case errors.Is(err, trial.ErrBusy), errors.Is(err, trial.ErrLeaving), errors.Is(err, trial.ErrOnTrial):
		return rollout.Unreachable // ask again
	}
	u.cfg.Log.Info("the office's release is not for this phone", "version", s.Version, "err", err)
	return rollout.Unfit
}

func (o *office) fetch(a rollout.Fetch) rollout.Fetched {
	o.mu.Lock()
	s := o.offered
	o.mu.Unlock()
	out := rollout.Fetched{Release: a.Release, Err: errors.New("BUG: the release was not learned")}
	if s == nil || s.ID() != a.Release {
		return out
	}
	ctx, cancel := context.WithTimeout(o.ctx, fetchTime)
	defer cancel()
	if out.Err = o.u.bring(ctx, s, o.u.cfg.Office.Dial, a.Sources); out.Err != nil {
		o.u.cfg.Log.Warn("the office's release was not fetched", "version", s.Version, "err", out.Err)
	} else {
		o.u.cfg.Log.Info("the office's release is ready", "version", s.Version)
	}
	return out
}

func (o *office) try(id release.ID) {
	report := o.u.cfg.Health()
	o.u.mu.Lock()
	defer o.u.mu.Unlock()
	if p := o.u.machine.Memory().Pending; p == nil || o.u.machine.Memory().In(p.Partition).Release != id {
		return // a person has another release installed meanwhile
	}
	o.u.step(trial.Try{Now: report})
}

// status says where this phone is, in words, and before when it does not leave for the
// release that it has.
func (o *office) status() (text string, earliest time.Time) {
	now, right := o.clock()
	o.mu.Lock()
	defer o.mu.Unlock()
	phase, version := o.machine.Phase()
	if version == (release.Version{}) {
		if v, by, ok := o.machine.Warned(); ok {
			return fmt.Sprintf("%v: phone %.8s gave it up", v, by), time.Time{}
		}
		return "", time.Time{}
	}
	text = fmt.Sprintf("%v: %v", version, phase)
	if why := o.machine.Stopped(now); why != "" {
		return text + ", stopped: " + why, time.Time{}
	}
	if next := o.leisure.Next(now, right); phase == rollout.Waiting && next.After(now) {
		earliest = next.Round(0)
	}
	return text, earliest
}
