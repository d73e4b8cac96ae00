package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"chordophone/tools/vm/qemu"
)

// vaultAfter is when a telephone has put what nobody else has beside its data.
const vaultAfter = 75 * time.Second

// status is what a telephone says of itself.
type status struct {
	Extension, Office, Node string

	Problems []struct{ Text string }
	Ring     struct{ Size int }
}

// spoilt overwrites the data partition of a telephone that has another one.
func spoilt(ctx context.Context, s settings) error {
	b, err := newBench(ctx, s, "damage", "")
	if err != nil {
		return err
	}
	defer b.close()
	if err := b.furnish(ctx); err != nil {
		return err
	}
	return b.damage(ctx)
}

// damage overwrites the data partition with garbage while a second telephone of the
// office lives: the telephone must come up as the one that it was, and get back all
// that it promised.
func (b *bench) damage(ctx context.Context) error {
	b.promises.arrive, b.promises.settle = time.Minute, time.Minute
	m, con, _, _, err := b.start(ctx)
	if err != nil {
		return err
	}
	defer m.Kill()
	neighbour, err := b.neighbour(ctx, con)
	if err != nil {
		return err
	}
	defer neighbour.Kill()
	var before, after status
	for end := time.Now().Add(patience); before.Ring.Size < 2; time.Sleep(time.Second) {
		if err := con.run(&before, "status"); err != nil {
			return err
		}
		if time.Now().After(end) {
			return fmt.Errorf("no ring of two phones within %v: %+v", patience, before)
		}
	}
	working, stop := context.WithTimeout(ctx, 4*time.Second)
	b.promises.work(working, b.client, con)
	stop()
	time.Sleep(time.Until(m.Started.Add(vaultAfter)))
	con.Close()
	if _, _, err := b.cut(m, 0.5); err != nil {
		return err
	}
	pieces, err := b.scribble()
	if err != nil {
		return err
	}
	made := b.promises.count()
	m, con, took, broken, err := b.start(ctx)
	if err != nil {
		return err
	}
	defer m.Kill()
	defer con.Close()
	if err := con.run(&after, "status"); err != nil {
		return err
	}
	if after.Node != before.Node || after.Extension != before.Extension || after.Office != before.Office {
		return fmt.Errorf("after its data was damaged the telephone is another: %+v, was %+v", after, before)
	}
	if len(broken) > 0 {
		return fmt.Errorf("after its data was damaged: %q", broken)
	}
	ok("garbage over the data partition (%d pieces): the telephone makes it anew, is the one that it was %.1f s after its power came on, and has the %d things that it promised from the other telephone",
		pieces, took.Seconds(), made.all())
	for _, p := range after.Problems {
		note("it says: %s", p.Text)
	}
	return nil
}

// neighbour is a second telephone of the office, without a card.
func (b *bench) neighbour(ctx context.Context, con *console) (*qemu.Machine, error) {
	var open struct{ Code string }
	if err := con.run(&open, "enrol open"); err != nil {
		return nil, err
	}
	kernel, err := fetchKernel(ctx)
	if err != nil {
		return nil, err
	}
	image, err := startup(ctx, b.settings, "neighbour", nil)
	if err != nil {
		return nil, err
	}
	m, err := qemu.Start(ctx, qemu.Config{
		Name: "neighbour", Kernel: kernel, Initrd: image, Memory: memory, Log: filepath.Join(b.out, "cuts-neighbour.log"),
		Append: commandLine("--address", "10.0.2.16/24", "run", "--data", "/data", "--board", "pipe", "--log-level", "debug", "--join", open.Code),
		Args:   []string{"-netdev", b.network.plug(2, "net"), "-device", "virtio-net-pci,romfile=,netdev=net,mac=52:54:00:77:00:02"},
	})
	if err != nil {
		return nil, err
	}
	if _, err := m.Hear(ctx, "tell ready", patience); err != nil {
		m.Kill()
		return nil, err
	}
	return m, nil
}

// scribble overwrites the front of the data partition, where ext4 says what it is, and
// pieces all over it.
func (b *bench) scribble() (pieces int, err error) {
	at, size, err := extent(b.card, 4)
	if err != nil {
		return 0, err
	}
	garbage := make([]byte, 4096)
	for place := at; place < at+size; place += int64(len(garbage)) {
		if place >= at+1<<20 && b.rng.IntN(4) > 0 {
			continue
		}
		for i := range garbage {
			garbage[i] = byte(b.rng.Uint32())
		}
		if _, err := b.card.WriteAt(garbage, place); err != nil {
			return pieces, err
		}
		pieces++
	}
	return pieces, nil
}
