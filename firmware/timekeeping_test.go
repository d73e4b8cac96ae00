package firmware

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"chordophone/firmware/appliance/clock/consensus"
	"chordophone/firmware/manage"
	"chordophone/overlay"
	"chordophone/overlay/chord"
	"chordophone/overlay/reload"
)

// clockwork is a machine with a clock and a telephone in an office of such.
type clockwork struct {
	*timekeeping
	peer   overlay.Peer
	synced bool
	lies   time.Duration // what it says more than it has
	dumb   bool
	sight  chan chord.View
	view   chord.View

	mu     sync.Mutex    // guards what follows while an office plays
	off    time.Duration // of its clock
	asked  int
	shifts []time.Duration
}

// show is what its clock shows.
func (c *clockwork) show() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.off)
}

// move moves its clock.
func (c *clockwork) move(by time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.shifts = append(c.shifts, by)
	c.off += max(by, 0)
	return nil
}

func (c *clockwork) count() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked++
}

// clockworks are n of them, all of which see each other. Each answer takes 20 ms.
func clockworks(t *testing.T, n int) (office []*clockwork) {
	for i := range n {
		c := &clockwork{peer: overlay.Peer{ID: overlay.ID{byte(i + 1)}}, sight: make(chan chord.View, 1)}
		c.timekeeping = &timekeeping{
			views: c.sight, log: slog.New(slog.DiscardHandler),
			wall:   c.show,
			synced: func() bool { return c.synced },
			office: func(context.Context) int { return n },
			shift:  c.move,
			hands:  make(chan byHand),
		}
		office = append(office, c)
	}
	for _, c := range office {
		c.ask = func(ctx context.Context, p overlay.Peer) (reload.OfficeTime, error) {
			other := office[slices.IndexFunc(office, func(o *clockwork) bool { return o.peer == p })]
			time.Sleep(10 * time.Millisecond)
			other.count()
			if other.dumb {
				<-ctx.Done()
				return reload.OfficeTime{}, ctx.Err()
			}
			said := other.tell()
			said.Milliseconds += uint64(other.lies.Milliseconds())
			time.Sleep(10 * time.Millisecond)
			return said, nil
		}
		c.view = chord.View{Self: c.peer, Joined: true, Size: n}
		for _, o := range office {
			if o != c {
				c.view.Succ = append(c.view.Succ, o.peer)
			}
		}
	}
	return office
}

// play has an office run for a while.
func play(t *testing.T, d time.Duration, office ...*clockwork) {
	ctx, stop := context.WithCancel(t.Context())
	for _, c := range office {
		c.sight <- c.view
		go c.run(ctx)
	}
	time.Sleep(d)
	stop()
	synctest.Wait()
}

// now is a time that can be, in a bubble that begins in 2000.
const now = 31 * 365 * 24 * time.Hour

// Two telephones, one at a time server, the other with what it was born with: a moment
// later both show the same, and the first was not touched.
func TestTimeFromAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		two := clockworks(t, 2)
		two[0].off, two[0].synced = now, true
		two[1].off = now - 11*365*24*time.Hour
		if one, other := two[0].tell().Source, two[1].tell().Source; one != uint8(consensus.Server) || other != uint8(consensus.Kept) {
			t.Error(one, other)
		}
		play(t, 15*time.Second, two...)
		if off := two[1].off - now; off > 0 || off < -20*time.Millisecond {
			t.Errorf("off by %v", off)
		}
		if s := consensus.Source(two[1].tell().Source); s != consensus.Agreed {
			t.Error(s)
		}
		if len(two[0].shifts) != 0 || two[1].asked != 0 || two[0].asked != 1 {
			t.Errorf("shifts %v, asked %d and %d times", two[0].shifts, two[0].asked, two[1].asked)
		}
	})
}

// Four, one of which lies: the honest stay with each other; two servers are believed, and
// nobody waits for who is silent.
func TestTimeOfLiar(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		four := clockworks(t, 4)
		for i, c := range four {
			c.off = now + time.Duration(i)*time.Second
		}
		four[0].lies, four[0].synced = 5*365*24*time.Hour, true
		play(t, 10*time.Minute, four...)
		for _, c := range four {
			if c.off < now || c.off > now+3*time.Second {
				t.Errorf("off by %v: %v", c.off-now, c.shifts)
			}
		}
		four[1].synced, four[2].synced, four[3].dumb = true, true, true
		four[1].off, four[2].off, four[3].off = now+time.Hour, now+time.Hour, now
		for _, c := range four {
			c.shifts = nil
		}
		play(t, 2*time.Minute, four...)
		if off := four[3].off - now - time.Hour; off > 0 || off < -20*time.Millisecond {
			t.Errorf("off by %v: %v", off, four[3].shifts)
		}
	})
}

// Two telephones of an office of four, the other two of which are off: one is too few to be
// believed.
func TestTimeOfFew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		two := clockworks(t, 2)
		two[0].off, two[0].synced = now, true
		two[1].off = now - time.Hour
		two[1].office = func(context.Context) int { return 4 }
		play(t, 10*time.Minute, two...)
		if two[0].asked == 0 || len(two[1].shifts) > 0 {
			t.Errorf("asked %d times, shifts %v", two[0].asked, two[1].shifts)
		}
	})
}

// A time server is found while members are asked: it counts, and they do not.
func TestTimeServerFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		two := clockworks(t, 2)
		two[0].off, two[1].off = now, now+time.Hour
		ask := two[0].ask
		two[0].ask = func(ctx context.Context, p overlay.Peer) (reload.OfficeTime, error) {
			two[0].synced = true
			return ask(ctx, p)
		}
		play(t, 15*time.Second, two[0])
		if two[1].asked != 1 || len(two[0].shifts) > 0 {
			t.Errorf("asked %d times, shifts %v", two[1].asked, two[0].shifts)
		}
	})
}

// On a machine of others the clock is never touched, nobody is asked, and others are told
// that it is looked after.
func TestTimeOfOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		two := clockworks(t, 2)
		two[0].off = now
		two[1].shift, two[1].off = nil, now+time.Hour
		play(t, 20*time.Second, two...)
		if two[0].asked != 0 || consensus.Source(two[1].tell().Source) != consensus.Set {
			t.Errorf("asked %d times, says %v", two[0].asked, two[1].tell())
		}
		if off := two[0].off - now - time.Hour; off > 0 || off < -20*time.Millisecond {
			t.Errorf("off by %v", off)
		}
	})
}

// byPerson has a person set a clock while an office plays.
func byPerson(t *testing.T, c *clockwork, after, to time.Duration) {
	time.Sleep(after)
	if err := c.set(t.Context(), time.Now().Add(to)); err != nil {
		t.Errorf("%v: %v", c.peer.ID, err)
	}
}

// Three telephones without a time server have agreed on some time of the past. A person
// sets one of them; an hour later at the latest all have that time, and know it.
func TestTimeByHand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		three := clockworks(t, 3)
		for i, c := range three {
			c.off = now - 400*24*time.Hour + time.Duration(i)*10*time.Second
		}
		var setting sync.WaitGroup
		setting.Go(func() { byPerson(t, three[1], 20*time.Minute, now) })
		play(t, 15*time.Minute, three...)
		for _, c := range three {
			if c.known() || c.clock(time.UTC).Source != manage.ClockAgreed {
				t.Errorf("nobody has told it: %+v", c.clock(time.UTC))
			}
		}
		play(t, 70*time.Minute, three...) // one that runs slower asks once an hour
		setting.Wait()
		for i, c := range three {
			if off := c.off - now; off > 0 || off < -20*time.Millisecond {
				t.Errorf("off by %v", off)
			}
			want := manage.Clock{Source: manage.ClockAgreed, Text: "agreed with 2 phones (set on another phone)"}
			if i == 1 {
				want = manage.Clock{Source: manage.ClockHand, Text: "set by hand on this phone (no time server); agreed with 2 phones"}
			}
			if got := c.clock(time.UTC); !c.known() || !got.Known || got.With != 2 || got.Source != want.Source || got.Text != want.Text {
				t.Errorf("%+v, want %+v", got, want)
			}
		}
	})
}

// In an office of five, one that was set is not believed alone, and stays with its time;
// a second makes two, and the others follow. They are set within a minute of each other,
// and are not the same to the second.
func TestTimeByTwoHands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		five := clockworks(t, 5)
		for _, c := range five {
			c.off = now - 24*time.Hour
		}
		var setting sync.WaitGroup
		setting.Go(func() { byPerson(t, five[4], 10*time.Minute, now) })
		play(t, 30*time.Minute, five...)
		setting.Wait()
		for _, c := range five[:4] {
			if len(c.shifts) > 0 || c.known() {
				t.Errorf("moved by %v, known %v", c.shifts, c.known())
			}
		}
		if got := five[4].clock(time.UTC); five[4].off != now || got.Text != "set by hand on this phone (no time server); no other phone has the same yet" {
			t.Errorf("off by %v: %+v", five[4].off-now, got)
		}
		setting.Go(func() { byPerson(t, five[4], time.Minute, now) })
		setting.Go(func() { byPerson(t, five[0], time.Minute, now+20*time.Second) })
		play(t, 30*time.Minute, five...)
		setting.Wait()
		for _, c := range five {
			if off := c.off - now; off > 20*time.Second || off < -20*time.Millisecond || !c.known() || c.clock(time.UTC).With != 4 {
				t.Errorf("off by %v: %+v", off, c.clock(time.UTC))
			}
		}
	})
}

// What a person may not say, and what is said of it.
func TestTimeByHandRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		two := clockworks(t, 2)
		c := two[0]
		c.off = now
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { c.run(ctx) })
		try := func(by time.Duration) error { return c.set(t.Context(), c.show().Add(by)) }
		for by, want := range map[time.Duration]error{
			-time.Hour: errBackwards, -61 * time.Second: errBackwards, -30 * 365 * 24 * time.Hour: errBackwards,
			21 * 365 * 24 * time.Hour: errNoTime, 90 * 365 * 24 * time.Hour: errNoTime,
		} {
			if err := try(by); !errors.Is(err, want) || c.off != now || c.known() {
				t.Errorf("%v: %v", by, err)
			}
		}
		c.synced = true
		if err := try(time.Hour); !errors.Is(err, errServed) || c.off != now {
			t.Error(err)
		}
		c.synced = false
		if err := try(-50 * time.Second); err != nil || !slices.Equal(c.shifts, []time.Duration{-50 * time.Second}) {
			t.Error("a little ahead:", err, c.shifts) // runs slower
		}
		if err := try(time.Hour); err != nil || c.off != now+time.Hour {
			t.Error(err)
		}
		if !c.known() || c.clock(time.UTC).Source != manage.ClockHand {
			t.Errorf("%+v", c.clock(time.UTC))
		}
		// Process 1 takes a while, hangs, or is gone.
		c.shift = func(by time.Duration) error {
			time.AfterFunc(time.Second, func() { c.move(by) })
			return nil
		}
		if err := try(time.Hour); err != nil || c.off != now+2*time.Hour {
			t.Error(err)
		}
		c.shift = func(time.Duration) error { return nil }
		if err := try(time.Hour); !errors.Is(err, errNotMoved) {
			t.Error(err)
		}
		c.shift = func(time.Duration) error { return errors.New("broken pipe") }
		if err := try(time.Hour); !errors.Is(err, errNotMoved) {
			t.Error(err)
		}
		stop()
		running.Wait()
		late, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := c.set(late, c.show()); !errors.Is(err, context.DeadlineExceeded) {
			t.Error("after the end:", err)
		}
		c.shift = nil
		if err := try(time.Hour); !errors.Is(err, errOthersClock) {
			t.Error(err)
		}
	})
}

// A person sets the clock while other members are asked, one of which is slow. What the
// others have said is by the clock as it was, and does not move it a second time; and the
// person has waited meanwhile, which counts.
func TestTimeByHandMeanwhile(t *testing.T) {
	for _, synced := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			three := clockworks(t, 3)
			three[0].off, three[1].off, three[2].dumb = now-time.Hour, now-time.Hour, true
			if three[1].synced = synced; synced {
				three[1].off = now
			}
			right := func(when string) {
				if off := three[0].show().Sub(time.Now()) - now; off > 20*time.Millisecond || off < -20*time.Millisecond {
					t.Errorf("off by %v %s, the other at a time server: %v", off, when, synced)
				}
			}
			var setting sync.WaitGroup
			setting.Go(func() {
				byPerson(t, three[0], 11*time.Second, now) // asked at 10 s, until 13 s
				right("when it was set")
			})
			play(t, 30*time.Minute, three[0])
			setting.Wait()
			right("later")
		})
	}
}

// In a large office the time is set on as many as is said, whoever they are.
func TestTimeByManyHands(t *testing.T) {
	const members = 60
	for _, first := range []int{0, members - consensus.Voices(members)} {
		synctest.Test(t, func(t *testing.T) {
			office := clockworks(t, members)
			for _, c := range office {
				c.off = now - 24*time.Hour
			}
			var setting sync.WaitGroup
			for _, c := range office[first:][:consensus.Voices(members)] {
				setting.Go(func() { byPerson(t, c, time.Minute, now) })
			}
			play(t, 2*time.Hour, office...)
			setting.Wait()
			for i, c := range office {
				if c.off < now-time.Minute {
					t.Errorf("set from %d on: %d is off by %v", first, i, c.off-now)
				}
			}
		})
	}
}

// One that is a little ahead, and is set right, runs slower. Those that are right stay so.
func TestTimeByHandAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		three := clockworks(t, 3)
		three[0].off, three[1].off, three[2].off = now+50*time.Second, now, now
		var setting sync.WaitGroup
		setting.Go(func() { byPerson(t, three[0], time.Second, now) })
		play(t, 30*time.Minute, three...)
		setting.Wait()
		for i, c := range three[1:] {
			if off := c.off - now; off > 20*time.Millisecond || off < -20*time.Millisecond {
				t.Errorf("%d: off by %v", i+1, off)
			}
		}
		if s := three[0].shifts; len(s) == 0 || s[0] != -50*time.Second {
			t.Errorf("the one that is ahead does not run slower: %v", s)
		}
	})
}

// What is said of the time, from wherever it is.
func TestClockWords(t *testing.T) {
	for _, tc := range []struct {
		standing     consensus.Standing
		own, synced  bool
		source, text string
		known        bool
	}{
		{consensus.Standing{}, false, false, manage.ClockSystem, "the clock of this machine, which others look after", true},
		{consensus.Standing{}, false, true, manage.ClockSystem, "the clock of this machine, which others look after, by a time server", true},
		{consensus.Standing{}, true, true, manage.ClockServer, "from a time server", true},
		{consensus.Standing{}, true, false, manage.ClockKept, "nobody has told it: it went on from when this phone was last on", false},
		{consensus.Standing{Source: consensus.Agreed, Heard: 1}, true, false, manage.ClockKept,
			"nobody has told it: it went on from when this phone was last on; other phones have another", false},
		{consensus.Standing{Source: consensus.Agreed, With: 3, Heard: 4}, true, false, manage.ClockAgreed, "agreed with 3 phones (no time server)", false},
		{consensus.Standing{Source: consensus.Agreed, With: 1, Heard: 1, Told: consensus.Server}, true, false, manage.ClockAgreed, "agreed with 1 phone (told by a time server)", true},
		{consensus.Standing{Source: consensus.Agreed, Told: consensus.Server}, true, false, manage.ClockTold, "told by a time server some time ago", true},
		{consensus.Standing{Source: consensus.Agreed, Told: consensus.Set}, true, false, manage.ClockTold, "set on another phone some time ago", true},
		{consensus.Standing{Source: consensus.Set}, true, false, manage.ClockHand, "set by hand on this phone (no time server)", true},
		{consensus.Standing{Source: consensus.Set, With: 1, Heard: 2}, true, false, manage.ClockHand,
			"set by hand on this phone (no time server); agreed with 1 phone", true},
	} {
		k := &timekeeping{wall: time.Now, synced: func() bool { return tc.synced }}
		k.last.Store(&tc.standing)
		if tc.own {
			k.shift = func(time.Duration) error { return nil }
		}
		if got := k.clock(time.UTC); got.Source != tc.source || got.Text != tc.text || got.Known != tc.known {
			t.Errorf("%+v: %+v", tc.standing, got)
		}
	}
}

// Nobody is asked more than once a minute, and what makes no sense is nothing.
func TestTimeNonsense(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		two := clockworks(t, 2)
		two[0].off = now
		answers := []reload.OfficeTime{
			{Milliseconds: 1, Source: 3}, {Milliseconds: 1<<64 - 1, Source: 3}, {Milliseconds: 1 << 62, Source: 3}, {},
			{Milliseconds: uint64(time.Now().Add(now + time.Hour).UnixMilli()), Source: 4},
		}
		asked := 0
		two[0].ask = func(context.Context, overlay.Peer) (reload.OfficeTime, error) {
			asked++
			if asked > len(answers) {
				return reload.OfficeTime{}, errors.New("no such type")
			}
			return answers[asked-1], nil
		}
		play(t, time.Hour, two[0])
		if asked > 60 || asked < 50 || len(two[0].shifts) > 0 || consensus.Source(two[0].tell().Source) != consensus.Kept {
			t.Errorf("asked %d times, shifts %v, says %v", asked, two[0].shifts, two[0].tell())
		}
		// The clock is set while the question is on its way.
		two[0].ask = func(context.Context, overlay.Peer) (reload.OfficeTime, error) {
			two[0].move(time.Hour)
			return reload.OfficeTime{Milliseconds: uint64(two[0].wall().UnixMilli()), Source: uint8(consensus.Server)}, nil
		}
		if b := two[0].ballot(t.Context(), two[1].peer); b != nil {
			t.Errorf("%+v", *b)
		}
	})
}
