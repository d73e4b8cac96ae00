package update

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"chordophone/firmware/update/health"
	"chordophone/firmware/update/release"
	"chordophone/firmware/update/slot"
	"chordophone/firmware/update/trial"
)

const smallSlot = 5*release.ChunkSize + 3*release.Align

// update has a phone updated from the first system to the second, with the power failing
// after so many writes and syncs each time, and then not any more. It errs when the
// phone does not start, or never gets there.
func update(rng *rand.Rand, dir string, old, next *system, lies bool, cuts ...int) (steps int, err error) {
	c := newCard(rng, smallSlot, old, next)
	for _, d := range c.power.disks {
		d.lies = lies
	}
	for life := range 12 + len(cuts) {
		budget := -1
		if life < len(cuts) {
			budget = cuts[life]
		}
		_, onTrial, s, err := c.start()
		if err != nil {
			return c.power.steps, fmt.Errorf("life %d: %w", life, err)
		}
		c.tryboot = onTrial // looking at it does not use it up
		var bring []byte
		if s == old {
			bring = next.file
		}
		kept := func(u *Updater) bool {
			st := u.Status()
			return s == next && st.Phase == trial.Idle.String()
		}
		if err := c.run(dir, bring, budget, kept); err != nil {
			return c.power.steps, fmt.Errorf("life %d: %w", life, err)
		}
		if s == next && !c.isOff() {
			auto, err := c.slots().Selected()
			if err == nil && auto.Default == slot.B && c.in(slot.B) == next && c.in(slot.A) == old {
				return c.power.steps, nil
			}
		}
	}
	return c.power.steps, fmt.Errorf("it was not updated")
}

// The power fails after every write and every sync of an update, and in the middle of
// them; and twice, at random. The phone always starts, with the old release or the new
// one, and is updated in the end.
func TestPowerFails(t *testing.T) {
	shop := newShop(t)
	old, next := shop.make("1.0.0", smallSlot), shop.make("1.1.0", smallSlot)
	try := func(seed uint64, cuts ...int) (steps int) {
		synctest.Test(t, func(t *testing.T) {
			n, err := update(rand.New(rand.NewPCG(seed, 1)), shop.dir, old, next, false, cuts...)
			if err != nil {
				t.Fatalf("cuts after %v, seed %d: %v", cuts, seed, err)
			}
			steps = n
		})
		return steps
	}
	all := try(0)
	if all < 15 {
		t.Fatalf("an update is %d steps: the test looks at nothing", all)
	}
	for cut := range all {
		try(1, cut)
		try(2, cut)
	}
	rng := rand.New(rand.NewPCG(3, 3))
	for seed := range uint64(20) {
		try(seed, rng.IntN(all), rng.IntN(all), rng.IntN(all))
	}
	t.Logf("an update is %d steps; %d phones updated", all, 2*all+21)
}

// The same with a card that says it has synced and has not: this must kill phones, or
// the test above shows nothing.
func TestPowerFailsUnderLiar(t *testing.T) {
	shop := newShop(t)
	old, next := shop.make("1.0.0", smallSlot), shop.make("1.1.0", smallSlot)
	dead := 0
	synctest.Test(t, func(t *testing.T) {
		for seed := range uint64(5) {
			// All but the end of the update, then a cut in what a kept release still writes.
			if _, err := update(rand.New(rand.NewPCG(seed, 1)), shop.dir, old, next, true, -1, 1); err != nil {
				dead++
			}
		}
	})
	if dead == 0 {
		t.Error("no phone died of a card that lies")
	}
}

// What would be wrong to do is seen to be wrong: the slot is selected before it is
// written.
func TestRecklessOrder(t *testing.T) {
	shop := newShop(t)
	old, next := shop.make("1.0.0", smallSlot), shop.make("1.1.0", smallSlot)
	c := newCard(rand.New(rand.NewPCG(1, 1)), smallSlot, old, next)
	if err := c.slots().Select(slot.B); err != nil {
		t.Fatal(err)
	}
	c.power.left = 0
	c.b.WriteAt(next.content[:release.ChunkSize], 0)
	if _, _, _, err := c.start(); err == nil {
		t.Error("a phone starts from a slot that is not written")
	}
}

// A release that does not work, or does not even start, is given up: the old one runs
// again, says why, and is what the card starts. Power may fail at any step of that.
func TestRollback(t *testing.T) {
	shop := newShop(t)
	old := shop.make("1.0.0", smallSlot)
	for _, hangs := range []bool{false, true} {
		next := shop.make("1.1.0", smallSlot)
		next.bad, next.hangs = !hangs, hangs
		for cut := -1; cut < 24; cut++ {
			synctest.Test(t, func(t *testing.T) {
				c := newCard(rand.New(rand.NewPCG(7, 7)), smallSlot, old, next)
				for life := range 9 {
					budget := -1
					if life == 0 {
						budget = cut
					}
					var bring []byte // not while it is tried: whoever brings it again wants it tried again
					if m, _ := trial.ParseMemory(c.files.m[memoryFile]); m.Pending == nil || m.Pending.Starts == 0 {
						bring = next.file
					}
					var failed []trial.Failure
					gaveUp := func(u *Updater) bool { failed = u.Status().Failed; return len(failed) > 0 }
					if err := c.run(shop.dir, bring, budget, gaveUp); err != nil {
						t.Fatalf("hangs %v, cut %d, life %d: %v", hangs, cut, life, err)
					}
					partition, onTrial, s, err := c.start()
					c.tryboot = onTrial
					if err == nil && len(failed) > 0 && !onTrial {
						if partition != slot.A || s != old || failed[0].Version.String() != "1.1.0" {
							t.Errorf("hangs %v, cut %d: slot %d runs %s, failed %v", hangs, cut, partition, s.version, failed)
						}
						return
					}
				}
				t.Errorf("hangs %v, cut %d: it was never given up", hangs, cut)
			})
		}
	}
}

// What was remembered is damaged: the phone starts, and can be updated.
func TestMemoryLost(t *testing.T) {
	shop := newShop(t)
	old, next := shop.make("1.0.0", smallSlot), shop.make("1.1.0", smallSlot)
	synctest.Test(t, func(t *testing.T) {
		c := newCard(rand.New(rand.NewPCG(1, 1)), smallSlot, old, next)
		c.files.m[memoryFile] = []byte("{]")
		if err := c.run(shop.dir, next.file, -1, func(*Updater) bool { return false }); err != nil {
			t.Fatal(err)
		}
		if !c.tryboot || c.in(slot.B) != next {
			t.Error("it was not updated")
		}
	})
}

// The program is started again, by itself, after its trial was decided: process 1 is told
// once more.
func TestToldAgain(t *testing.T) {
	shop := newShop(t)
	old, next := shop.make("1.0.0", smallSlot), shop.make("1.1.0", smallSlot)
	synctest.Test(t, func(t *testing.T) {
		c := newCard(rand.New(rand.NewPCG(1, 1)), smallSlot, old, next)
		copy(c.b.medium, next.content)
		c.tryboot = true
		if err := c.run(shop.dir, nil, -1, func(*Updater) bool { return c.good.Load() > 0 }); err != nil || c.good.Load() != 1 {
			t.Fatalf("told %d times, %v", c.good.Load(), err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		again := 0
		u, err := newUpdater(Config{Program: "v1.1.0", Product: "arm64", Dir: shop.dir, Log: slog.New(slog.DiscardHandler),
			Busy: func() bool { return false }, Health: func() health.Report { return health.Report{} },
			Card: &Card{Slots: c.slots(), Running: slot.B, OnTrial: true, Started: time.Now(), Good: func() { again++ },
				Reboot: func(bool) error { t.Error("it starts again"); return nil }}}, c.files)
		if err != nil {
			t.Fatal(err)
		}
		if u.Run(ctx); again != 1 {
			t.Errorf("told again %d times", again)
		}
	})
}
