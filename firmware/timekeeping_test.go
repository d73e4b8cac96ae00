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
