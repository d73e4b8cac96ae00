package update

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"aead.dev/minisign"

	"chordophone/firmware/update/health"
	"chordophone/firmware/update/release"
	"chordophone/firmware/update/slot"
)

// power counts what is written. When it fails, of each sector that was written and not
// synced it is left to chance whether the medium has it.
type power struct {
	mu    sync.Mutex
	rng   *rand.Rand
	left  int  // steps until it fails; negative: never
	off   bool // it failed
	steps int
	disks []*disk
}

var errOff = errors.New("the power is off")

// step is one write or sync: last when the power fails in the middle of it.
func (p *power) step(do func(last bool)) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.off {
		return errOff
	}
	p.steps++
	last := p.left == 0
	p.left--
	do(last)
	if last {
		p.off = true
		for _, d := range p.disks {
			d.cut(p.rng)
		}
		return errOff
	}
	return nil
}

// disk has a volatile cache of sectors.
type disk struct {
	p      *power
	medium []byte
	cache  map[int64][]byte // by sector
	lies   bool             // it says that it has synced
}

func newDisk(p *power, content []byte, size int) *disk {
	d := &disk{p: p, medium: make([]byte, size), cache: make(map[int64][]byte)}
	copy(d.medium, content)
	p.disks = append(p.disks, d)
	return d
}

func (d *disk) ReadAt(b []byte, off int64) (int, error) {
	d.p.mu.Lock()
	defer d.p.mu.Unlock()
	if d.p.off {
		return 0, errOff
	}
	copy(b, d.medium[off:])
	for i := int64(0); i < int64(len(b)); i += slot.Sector {
		if s, ok := d.cache[(off+i)/slot.Sector]; ok {
			copy(b[i:], s)
		}
	}
	return len(b), nil
}

func (d *disk) WriteAt(b []byte, off int64) (int, error) {
	return len(b), d.p.step(func(bool) {
		for i := int64(0); i < int64(len(b)); i += slot.Sector {
			d.cache[(off+i)/slot.Sector] = bytes.Clone(b[i : i+slot.Sector])
		}
	})
}

func (d *disk) Sync() error {
	return d.p.step(func(last bool) {
		if !last && !d.lies {
			d.flush()
		}
	})
}

func (d *disk) Forget() error { return nil }

func (d *disk) flush() {
	for n, s := range d.cache {
		copy(d.medium[n*slot.Sector:], s)
	}
	clear(d.cache)
}

func (d *disk) cut(rng *rand.Rand) {
	for n, s := range d.cache {
		if rng.IntN(2) == 0 {
			copy(d.medium[n*slot.Sector:], s)
		}
	}
	clear(d.cache)
}

// kept is files that power may fail under: the old or the new.
type kept struct {
	p *power
	m map[string][]byte
}

func (k kept) read(name string) ([]byte, error) { return k.m[name], nil }

func (k kept) write(name string, b []byte) error {
	return k.p.step(func(last bool) {
		if !last || k.p.rng.IntN(2) == 0 {
			k.m[name] = bytes.Clone(b)
		}
	})
}

// system is a release that can run: in this world a slot works if it has all of one.
type system struct {
	version string
	content []byte
	file    []byte
	bad     bool // it runs, and does not do what it should
	hangs   bool // it does not even say so
}

// shop makes releases.
type shop struct {
	t      testing.TB
	secret minisign.PrivateKey
	dir    string // that has the public key
}

func newShop(t testing.TB) *shop {
	public, secret, err := minisign.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	text, _ := public.MarshalText()
	s := &shop{t: t, secret: secret, dir: t.TempDir()}
	if err := os.WriteFile(filepath.Join(s.dir, release.KeyFile), text, 0o644); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *shop) make(version string, size int) *system {
	v, err := release.ParseVersion(version)
	if err != nil {
		s.t.Fatal(err)
	}
	out := &system{version: version, content: make([]byte, size)}
	rng := rand.NewChaCha8([32]byte([]byte(fmt.Sprintf("%-32s", version))))
	rng.Read(out.content)
	var b bytes.Buffer
	if _, err := release.Make(&b, release.Manifest{Product: "arm64", Version: v}, bytes.NewReader(out.content), s.secret); err != nil {
		s.t.Fatal(err)
	}
	out.file = b.Bytes()
	return out
}

// selectorAt is where autoboot.txt is.
const selectorAt = 3 * slot.Sector

// card is a phone's card, and what the boot firmware does with it.
type card struct {
	power    *power
	selector *disk
	a, b     *disk
	files    kept
	systems  []*system
	tryboot  bool         // asked of the firmware, and lost with the power
	good     atomic.Int32 // how often process 1 was told that a trial ended well
}

// newCard has the first system in slot A, and nothing in B.
func newCard(rng *rand.Rand, size int, systems ...*system) *card {
	p := &power{rng: rng, left: -1}
	c := &card{power: p, systems: systems}
	c.selector = newDisk(p, append(make([]byte, selectorAt), slot.Selecting(slot.A).Text()...), 8*slot.Sector)
	c.a = newDisk(p, systems[0].content, size)
	c.b = newDisk(p, nil, size)
	c.files = kept{p, make(map[string][]byte)}
	return c
}

func (c *card) slots() *slot.Slots {
	return &slot.Slots{Selector: c.selector, Offset: selectorAt, A: c.a, B: c.b}
}

// start is the boot firmware, and the kernel as far as it fails: which slot runs, on
// trial or not. It errs when the phone is dead.
func (c *card) start() (partition int, onTrial bool, s *system, err error) {
	text := c.selector.medium[selectorAt:][:slot.Sector]
	auto, err := slot.ParseAutoboot(text)
	if err != nil {
		return 0, false, nil, err
	}
	partition, onTrial = auto.Default, c.tryboot
	c.tryboot = false
	if onTrial {
		partition = auto.Trial
		if s := c.in(partition); s == nil || s.hangs {
			onTrial, partition = false, auto.Default // the watchdog
		}
	}
	if s = c.in(partition); s == nil || s.hangs {
		return 0, false, nil, fmt.Errorf("slot %d is started and does not work", partition)
	}
	return partition, onTrial, s, nil
}

// in is the system in a slot, nil if it has none that is whole.
func (c *card) in(partition int) *system {
	d := c.a
	if partition == slot.B {
		d = c.b
	}
	for _, s := range c.systems {
		if bytes.HasPrefix(d.medium, s.content) {
			return s
		}
	}
	return nil
}

var well = health.Report{Joined: true, Registered: true, Audio: true, Panel: true, Console: true}

// run is one life of the phone, from its start until the power fails or it starts again
// by itself, or until done says so. While it is on, someone brings a release.
func (c *card) run(dir string, bring []byte, budget int, done func(*Updater) bool) error {
	partition, onTrial, s, err := c.start()
	if err != nil {
		return err
	}
	c.power.left, c.power.off = budget, false
	ctx, cancel := context.WithCancel(context.Background())
	u, err := newUpdater(Config{
		Program: "v" + s.version, Product: "arm64", Dir: dir,
		Card: &Card{Slots: c.slots(), Running: partition, OnTrial: onTrial, Started: time.Now(), Good: func() { c.good.Add(1) }, Reboot: func(trial bool) error {
			return c.power.step(func(last bool) {
				c.tryboot = trial && !last
				cancel()
			})
		}},
		Busy: func() bool { return false },
		Health: func() health.Report {
			if s.bad {
				return health.Report{}
			}
			return well
		},
		Log: slog.New(slog.DiscardHandler),
	}, c.files)
	if err != nil {
		cancel()
		return ignoreOff(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() { u.Run(ctx) })
	if bring != nil {
		wg.Go(func() { u.Install(ctx, bytes.NewReader(bring), nil) })
	}
	for end := time.Now().Add(time.Hour); ctx.Err() == nil && !c.isOff() && time.Now().Before(end) && !done(u); {
		time.Sleep(time.Second)
	}
	cancel()
	wg.Wait()
	if !c.isOff() { // what starts again in good order writes what it has
		c.power.mu.Lock()
		defer c.power.mu.Unlock()
		for _, d := range c.power.disks {
			if !d.lies {
				d.flush()
			}
		}
	}
	return nil
}

func (c *card) isOff() bool {
	c.power.mu.Lock()
	defer c.power.mu.Unlock()
	return c.power.off
}

func ignoreOff(err error) error {
	if errors.Is(err, errOff) {
		return nil
	}
	return err
}
