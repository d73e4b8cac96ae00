package firmware

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"chordophone/firmware/appliance/beat"
	"chordophone/firmware/appliance/clock"
	"chordophone/firmware/appliance/clock/consensus"
	"chordophone/overlay"
	"chordophone/overlay/chord"
	"chordophone/overlay/reload"
)

// timeAnswers is how long members have to say what time it is.
const timeAnswers = 3 * time.Second

// timekeeping is the loop round consensus.Machine: it asks other members what time it is,
// and tells them. Only on a machine that is the program's own does it move the clock.
type timekeeping struct {
	views  <-chan chord.View
	wall   func() time.Time
	synced func() bool               // the clock is a time server's
	shift  func(time.Duration) error // nil: the clock is the business of others
	ask    func(context.Context, overlay.Peer) (reload.OfficeTime, error)
	office func(context.Context) int // members enrolled; 0: not known
	hands  chan byHand               // of people who set the clock
	log    *slog.Logger

	last atomic.Pointer[consensus.Standing] // of the machine; nil: it has not begun
}

// newTimekeeping is that of this phone, without views yet.
func (a *appliance) newTimekeeping() *timekeeping {
	t := &timekeeping{wall: time.Now, synced: clock.Synced, ask: a.askTime, office: a.enrolled, hands: make(chan byHand), log: a.log}
	if a.line != nil {
		t.shift = func(by time.Duration) error { return a.line.Tell(beat.Message{Kind: beat.Shift, By: by}) }
	}
	return t
}

// askTime asks a member what time it is.
func (a *appliance) askTime(ctx context.Context, p overlay.Peer) (reload.OfficeTime, error) {
	ans, _, err := a.link.Ask(ctx, p, chord.Dest{}, reload.ProbeReq{Types: []byte{reload.ProbeOfficeTime}})
	if err != nil {
		return reload.OfficeTime{}, err
	}
	probe, _ := ans.(reload.ProbeAns)
	return probe.OfficeTime()
}

// enrolled is how many members the office has.
func (a *appliance) enrolled(ctx context.Context) (n int) {
	list, err := a.members.List(ctx)
	if err != nil {
		a.log.Debug("members not read", "err", err)
	}
	for _, m := range list {
		if !a.revocations.Has(m.Node) {
			n++
		}
	}
	return n
}

// tell is what other members are told.
func (t *timekeeping) tell() reload.OfficeTime {
	s := t.standing().Source
	switch {
	case t.synced():
		s = consensus.Server
	case t.shift == nil:
		s = consensus.Set
	}
	return reload.OfficeTime{Milliseconds: uint64(t.wall().UnixMilli()), Source: uint8(s)}
}

// standing is what the time is worth, unless it is a time server's now.
func (t *timekeeping) standing() consensus.Standing {
	if s := t.last.Load(); s != nil {
		return *s
	}
	return consensus.Standing{}
}

// known reports whether somebody who knew the time has told it since the program began.
func (t *timekeeping) known() bool { return t.synced() || t.standing().Known() }

// run keeps the time until ctx is cancelled.
func (t *timekeeping) run(ctx context.Context) error {
	if t.shift == nil {
		return nil
	}
	var (
		machine consensus.Machine
		peers   []overlay.Peer
		timer   = time.NewTimer(0)
	)
	defer timer.Stop()
	<-timer.C
	for {
		if next := machine.Next(); next.IsZero() {
			timer.Stop()
		} else {
			timer.Reset(time.Until(next))
		}
		var do []consensus.Action
		select {
		case <-ctx.Done():
			return nil
		case v := <-t.views:
			peers = neighbours(v)
			do = machine.Step(time.Now(), consensus.Sight{Members: v.Joined && len(peers) > 0})
		case <-timer.C:
			do = machine.Step(time.Now(), consensus.Tick{Synced: t.synced()})
		case h := <-t.hands:
			right, err := t.obey(h)
			if right {
				do = machine.Step(time.Now(), consensus.Hand{})
			}
			t.last.Store(new(machine.Standing())) // before the answer
			h.done <- err
		}
		for len(do) > 0 {
			a := do[0]
			do = do[1:]
			switch a := a.(type) {
			case consensus.Ask:
				rand.Shuffle(len(peers), func(i, j int) { peers[i], peers[j] = peers[j], peers[i] })
				r := t.round(ctx, peers[:min(len(peers), consensus.Most)])
				do = append(do, machine.Step(time.Now(), r)...)
			case consensus.Shift:
				t.log.Info("the clock is moved: other phones say so", "by", a.By)
				if err := t.shift(a.By); err != nil {
					t.log.Warn("the clock is not moved", "err", err)
				}
			case consensus.Note:
				t.log.Warn(a.Text)
			}
		}
		t.last.Store(new(machine.Standing()))
	}
}

// round asks members what time it is, all at once.
func (t *timekeeping) round(ctx context.Context, peers []overlay.Peer) consensus.Round {
	ctx, cancel := context.WithTimeout(ctx, timeAnswers)
	defer cancel()
	r := consensus.Round{Office: t.office(ctx), Asked: len(peers)}
	ballots := make([]*consensus.Ballot, len(peers))
	var asking sync.WaitGroup
	for i, p := range peers {
		asking.Go(func() { ballots[i] = t.ballot(ctx, p) })
	}
	asking.Wait()
	for _, b := range ballots {
		if b != nil {
			r.Ballots = append(r.Ballots, *b)
		}
	}
	r.Synced = t.synced()
	return r
}

// ballot asks one member; nil: it does not know either.
func (t *timekeeping) ballot(ctx context.Context, p overlay.Peer) *consensus.Ballot {
	began, sent := time.Now(), t.wall().Round(0)
	said, err := t.ask(ctx, p)
	trip, got := time.Since(began), t.wall().Round(0)
	if err != nil {
		t.log.Debug("no time from another phone", "peer", p, "err", err)
		return nil
	}
	at, source := time.UnixMilli(int64(said.Milliseconds)), consensus.Source(said.Source)
	off, ok := consensus.Offset(sent, got, trip, at)
	if !ok || !source.Valid() || !clock.Plausible(at) {
		return nil
	}
	return &consensus.Ballot{Source: source, Offset: off}
}
