package update

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"chordophone/firmware/update/fetch"
	"chordophone/firmware/update/health"
	"chordophone/firmware/update/rollout"
	"chordophone/overlay"
)

// building is phones with their cards, a ring of records and connections between them.
type building struct {
	dir   string
	desks []*desk
	hours rollout.Hours
	clock Clock

	mu      sync.Mutex // guards what follows
	ring    map[overlay.ID]overlay.Record
	evil    map[overlay.ID]*fetch.Server
	away    int
	maxAway int
}

type desk struct {
	id   overlay.ID
	card *card
	busy atomic.Bool

	mu      sync.Mutex // guards what follows
	updater *Updater   // nil while it starts again
	version string
	starts  int
}

func newBuilding(dir string, n int, systems ...*system) *building {
	b := &building{dir: dir, ring: make(map[overlay.ID]overlay.Record), evil: make(map[overlay.ID]*fetch.Server)}
	for i := range n {
		b.desks = append(b.desks, &desk{
			id:   overlay.ID{byte(37 * i), byte(i)},
			card: newCard(rand.New(rand.NewPCG(uint64(i), 1)), smallSlot, systems...),
		})
	}
	return b
}

// announce is a phone's record in the ring.
func (b *building) announce(node overlay.ID, value []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ring[node] = overlay.Record{Key: bytes.Clone(node[:]), Owner: node, Value: value}
}

func (b *building) notices() (all []overlay.Record) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range b.ring {
		all = append(all, r)
	}
	return all
}

func (b *building) dial(from overlay.ID) fetch.Dial {
	return func(ctx context.Context, node overlay.ID) (net.Conn, error) {
		here, there := net.Pipe()
		b.mu.Lock()
		evil := b.evil[node]
		b.mu.Unlock()
		if evil != nil {
			go evil.Serve(context.WithoutCancel(ctx), there, from)
			return here, nil
		}
		for _, d := range b.desks {
			if u := d.current(); d.id == node && u != nil {
				go u.Serve(context.WithoutCancel(ctx), there, from)
				return here, nil
			}
		}
		return nil, errors.New("no route to host")
	}
}

func (d *desk) current() *Updater {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.updater
}

func (d *desk) runs() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.version
}

// live starts a phone again and again until ctx ends.
func (b *building) live(ctx context.Context, t *testing.T, d *desk) {
	for ctx.Err() == nil {
		partition, onTrial, s, err := d.card.start()
		if err != nil {
			t.Errorf("phone %v: %v", d.id.Short(), err)
			return
		}
		life, end := context.WithCancel(ctx)
		u, err := newUpdater(Config{
			Program: "v" + s.version, Product: "arm64", Dir: b.dir, Soak: rollout.Default.Soak, Hours: b.hours, Clock: b.clock,
			Card: &Card{Slots: d.card.slots(), Running: partition, OnTrial: onTrial, Started: time.Now(), Good: func() { d.card.good.Add(1) }, Reboot: func(trial bool) error {
				d.card.tryboot = trial
				end()
				return nil
			}},
			Office: &Office{
				Self:     d.id,
				Announce: func(_ context.Context, value []byte) error { b.announce(d.id, value); return nil },
				Notices:  func(context.Context) ([]overlay.Record, error) { return b.notices(), nil },
				Dial:     b.dial(d.id),
			},
			Busy: func() bool { return d.busy.Load() },
			Health: func() health.Report {
				if s.bad {
					return health.Report{}
				}
				return well
			},
			Log: slog.New(slog.DiscardHandler),
		}, d.card.files)
		if err != nil {
			t.Error(err)
			end()
			return
		}
		d.mu.Lock()
		d.updater, d.version = u, s.version
		d.starts++
		d.mu.Unlock()
		u.Run(life)
		end()
		d.mu.Lock()
		d.updater = nil
		d.mu.Unlock()
		b.gone(1)
		select {
		case <-time.After(time.Minute):
		case <-ctx.Done():
		}
		b.gone(-1)
	}
}

func (b *building) gone(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.away += n
	b.maxAway = max(b.maxAway, b.away)
}

func (b *building) running(version string) (n int) {
	for _, d := range b.desks {
		if d.runs() == version {
			n++
		}
	}
	return n
}

// open has a building at work while do runs.
func open(t *testing.T, b *building, do func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for _, d := range b.desks {
		wg.Go(func() { b.live(ctx, t, d) })
	}
	time.Sleep(time.Minute)
	do()
	cancel()
	wg.Wait()
}

// wait lets hours pass until so many phones run a version.
func (b *building) wait(t *testing.T, hours int, version string, want int) {
	t.Helper()
	for end := time.Now().Add(time.Duration(hours) * time.Hour); b.running(version) < want && time.Now().Before(end); {
		time.Sleep(10 * time.Second)
	}
	if got := b.running(version); got != want {
		t.Errorf("%d phones run %s; want %d", got, version, want)
	}
}
