package update

import (
	"bytes"
	"errors"
	"log/slog"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"chordophone/firmware/update/fetch"
	"chordophone/firmware/update/health"
	"chordophone/firmware/update/release"
	"chordophone/firmware/update/rollout"
	"chordophone/firmware/update/slot"
	"chordophone/overlay"
)

// A release is installed on one phone, and the others fetch it from there and from one
// another, one at a time. The next one is bad and stays where it is. Then one that
// is good goes round again, over the phone that gave up the other. A person meanwhile
// cannot install what is older.
func TestOffice(t *testing.T) {
	shop := newShop(t)
	old, good, bad, better := shop.make("1.0.0", smallSlot), shop.make("1.1.0", smallSlot), shop.make("1.2.0", smallSlot), shop.make("1.2.1", smallSlot)
	bad.bad = true
	synctest.Test(t, func(t *testing.T) {
		b := newBuilding(shop.dir, 4, old, good, bad, better)
		open(t, b, func() {
			var last Progress
			if err := b.desks[1].current().Install(t.Context(), bytes.NewReader(good.file), func(p Progress) { last = p }); err != nil {
				t.Fatal(err)
			}
			if last.Stage != StageReady || last.Done != smallSlot || last.Of != smallSlot {
				t.Errorf("it ends with %+v", last)
			}
			b.wait(t, 10, "1.1.0", 4)
			if b.maxAway != 1 {
				t.Errorf("%d phones were away at a time", b.maxAway)
			}

			if err := b.desks[2].current().Install(t.Context(), bytes.NewReader(bad.file), nil); err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Hour)
			if got := b.running("1.1.0"); got != 4 {
				t.Errorf("%d phones run what ran before the bad release", got)
			}
			st := b.desks[2].current().Status()
			if len(st.Failed) != 1 || st.Failed[0].Version.String() != "1.2.0" || st.Failed[0].Why == "" {
				t.Errorf("the phone that gave it up says %+v", st.Failed)
			}
			for i, d := range b.desks {
				if got, want := d.current().Status().Rollout, "1.2.0: phone "+b.desks[2].id.Short()+" gave it up"; i != 2 && got != want {
					t.Errorf("phone %d says %q of the office's release; want %q", i, got, want)
				}
				want := 2
				if i == 2 {
					want = 4
				}
				if d.starts != want {
					t.Errorf("phone %d started %d times; want %d", i, d.starts, want)
				}
			}
			if err := b.desks[0].current().Install(t.Context(), bytes.NewReader(old.file), nil); err == nil {
				t.Error("an older release is installed")
			}

			if err := b.desks[0].current().Install(t.Context(), bytes.NewReader(better.file), nil); err != nil {
				t.Fatal(err)
			}
			b.wait(t, 10, "1.2.1", 4)
			time.Sleep(10 * time.Minute) // the last trial
		})
		for i, d := range b.desks {
			if d.card.good.Load() != 2 {
				t.Errorf("process 1 of phone %d was told %d times that a trial ended well; want 2", i, d.card.good.Load())
			}
		}
	})
}

// A member says that it runs a newer release, and shows one that nobody signed, one that
// is old, and chunks that are not of it. No phone starts again for that, or writes any
// of it.
func TestMaliciousMember(t *testing.T) {
	shop, forger := newShop(t), newShop(t)
	old, good := shop.make("1.0.0", smallSlot), shop.make("1.1.0", smallSlot)
	forged, older, other := forger.make("9.0.0", smallSlot), shop.make("0.9.0", smallSlot), shop.make("2.0.0", smallSlot)
	synctest.Test(t, func(t *testing.T) {
		b := newBuilding(shop.dir, 3, old, good)
		evil := overlay.ID{0xee}
		open(t, b, func() {
			for _, tc := range []struct {
				s    *system
				says string
				junk bool
			}{{forged, "9.0.0", false}, {older, "9.0.0", false}, {older, "0.9.0", false}, {other, "2.0.0", true}, {other, "3.0.0", true}} {
				r, err := release.Open(bytes.NewReader(tc.s.file), keysOf(t, shop, forger))
				if err != nil {
					t.Fatal(err)
				}
				r.Close()
				v, _ := release.ParseVersion(tc.says)
				content := tc.s.content
				if tc.junk {
					content = make([]byte, smallSlot)
				}
				b.mu.Lock()
				b.evil[evil] = fetch.NewServer(liar{r.Signed, content})
				b.mu.Unlock()
				b.announce(evil, rollout.Notice{Version: v, Running: r.ID()}.Marshal())
				time.Sleep(3 * time.Hour)
			}
			b.announce(evil, []byte("garbage"))
			for i, d := range b.desks {
				if d.starts != 1 || d.runs() != "1.0.0" {
					t.Errorf("phone %d started %d times and runs %s", i, d.starts, d.runs())
				}
				if !bytes.Equal(d.card.b.medium, make([]byte, smallSlot)) {
					t.Errorf("phone %d wrote to its slot", i)
				}
			}
			// The office goes on.
			if err := b.desks[0].current().Install(t.Context(), bytes.NewReader(good.file), nil); err != nil {
				t.Fatal(err)
			}
			b.wait(t, 10, "1.1.0", 3)
		})
	})
}

func keysOf(t *testing.T, shops ...*shop) (keys []release.Key) {
	for _, s := range shops {
		k, err := release.ReadKeys(s.dir + "/" + release.KeyFile)
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, k...)
	}
	return keys
}

// liar hands out a head, and something.
type liar struct {
	s       *release.Signed
	content []byte
}

func (l liar) Head(release.ID) []byte { return l.s.Head() }
func (l liar) Chunk(_ release.ID, i int) []byte {
	return l.content[i*release.ChunkSize:][:l.s.ChunkLen(i)]
}

// A phone in a call takes the release in, and starts when the call is over.
func TestNotDuringACall(t *testing.T) {
	shop := newShop(t)
	old, good := shop.make("1.0.0", smallSlot), shop.make("1.1.0", smallSlot)
	synctest.Test(t, func(t *testing.T) {
		b := newBuilding(shop.dir, 1, old, good)
		d := b.desks[0]
		d.busy.Store(true)
		open(t, b, func() {
			if err := d.current().Install(t.Context(), bytes.NewReader(good.file), nil); err != nil {
				t.Fatal(err)
			}
			time.Sleep(2 * time.Hour)
			st := d.current().Status()
			if d.runs() != "1.0.0" || d.starts != 1 || st.Phase != "ready" || !st.Waiting || st.Next != "1.1.0" {
				t.Errorf("it runs %s: %+v", d.runs(), st)
			}
			d.busy.Store(false)
			b.wait(t, 1, "1.1.0", 1)
			time.Sleep(10 * time.Minute)
			if st := d.current().Status(); st.Phase != "idle" || st.Slot != "B" || !st.HandsOn || st.Keys != 1 {
				t.Errorf("%+v", st)
			}
		})
	})
}

// What is refused before anything is written.
func TestInstallRefuses(t *testing.T) {
	shop, forger := newShop(t), newShop(t)
	old, good := shop.make("1.0.0", smallSlot), shop.make("1.1.0", smallSlot)
	forged := forger.make("1.1.0", smallSlot)
	try := func(t *testing.T, dir string, file []byte) error {
		c := newCard(rand.New(rand.NewPCG(1, 1)), smallSlot, old, good)
		u, err := newUpdater(Config{Program: "v1.0.0", Product: "arm64", Dir: dir, Log: slog.New(slog.DiscardHandler),
			Busy: func() bool { return false }, Health: func() health.Report { return well },
			Card: &Card{Slots: c.slots(), Running: slot.A, Reboot: func(bool) error { t.Error("it starts again"); return nil }}}, c.files)
		if err != nil {
			t.Fatal(err)
		}
		err = u.Install(t.Context(), bytes.NewReader(file), nil)
		if auto, _ := c.slots().Selected(); auto.Default != slot.A || c.in(slot.A) != old {
			t.Error("the slot that runs was changed")
		}
		if st := u.Status(); st.Phase != "idle" || st.Next != "" {
			t.Errorf("%+v", st)
		}
		return err
	}
	synctest.Test(t, func(t *testing.T) {
		for what, tc := range map[string]struct {
			dir  string
			file []byte
			want error
		}{
			"no keys":   {t.TempDir(), good.file, release.ErrNoKeys},
			"wrong key": {shop.dir, forged.file, release.ErrSignature},
			"torn":      {shop.dir, good.file[:len(good.file)*2/3], release.ErrContent},
			"mixed":     {shop.dir, append(bytes.Clone(good.file[:headLen(t, good.file)]), old.file[headLen(t, old.file):]...), release.ErrContent},
			"same":      {shop.dir, old.file, nil},
			"nothing":   {shop.dir, nil, release.ErrMalformed},
		} {
			if err := try(t, tc.dir, tc.file); err == nil || tc.want != nil && !errors.Is(err, tc.want) {
				t.Errorf("%s: %v; want %v", what, err, tc.want)
			}
		}
	})
	pc, err := New(Config{Program: "v1.0.0", Dir: shop.dir, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	var hinted interface{ Hint() string }
	if err := pc.Install(t.Context(), bytes.NewReader(good.file), nil); !errors.Is(err, ErrNoSlots) || !errors.As(err, &hinted) {
		t.Errorf("on a PC: %v", err)
	}
	if st := pc.Status(); st.Appliance || st.Keys != 1 || st.Phase != "idle" {
		t.Errorf("on a PC: %+v", st)
	}
}

func headLen(t *testing.T, file []byte) int {
	manifest, signature, err := release.Split(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	return 14 + len(manifest) + len(signature)
}

// What is handed on is what runs and was found good, as the manifest has it, and nothing
// else. A person may try again what was given up.
func TestShelf(t *testing.T) {
	shop := newShop(t)
	old, bad, good := shop.make("1.0.0", smallSlot), shop.make("1.1.0", smallSlot), shop.make("1.2.0", smallSlot)
	bad.bad = true
	name := func(s *system) release.ID {
		r, err := release.Open(bytes.NewReader(s.file), keysOf(t, shop))
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		return r.ID()
	}
	synctest.Test(t, func(t *testing.T) {
		b := newBuilding(shop.dir, 1, old, bad, good)
		d := b.desks[0]
		has := func(s *system) bool {
			if d.current() == nil {
				return false
			}
			return shelf{d.current()}.Head(name(s)) != nil
		}
		open(t, b, func() {
			for range 2 {
				if err := d.current().Install(t.Context(), bytes.NewReader(bad.file), nil); err != nil {
					t.Fatal(err)
				}
				for range 600 {
					time.Sleep(time.Second)
					if has(bad) {
						t.Fatal("what is on trial, or was given up, is handed on")
					}
				}
				if d.runs() != "1.0.0" || has(old) {
					t.Fatal("it does not run what it did, or hands on what it has no manifest of")
				}
			}
			if d.starts != 5 {
				t.Errorf("%d starts for two trials", d.starts)
			}
			if err := d.current().Install(t.Context(), bytes.NewReader(good.file), nil); err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Minute)
			s := shelf{d.current()}
			if !has(good) || !bytes.Equal(s.Chunk(name(good), 1), good.content[release.ChunkSize:][:release.ChunkSize]) {
				t.Error("it does not hand on what it runs")
			}
			if s.Chunk(name(good), 6) != nil || s.Chunk(name(bad), 0) != nil {
				t.Error("it hands on what there is not")
			}
			d.card.a.medium[release.ChunkSize] ^= 1
			d.card.b.medium[release.ChunkSize] ^= 1
			if s.Chunk(name(good), 1) != nil || s.Chunk(name(good), 0) == nil {
				t.Error("it hands on what the card has spoilt")
			}
			// A manifest that is signed, and is that of another release.
			d.card.files.m[headFileA] = shelf{d.current()}.Head(name(good))
			d.card.files.m[headFileB] = bad.file[:headLen(t, bad.file)]
			u, err := newUpdater(Config{Program: "v1.2.0", Product: "arm64", Dir: shop.dir, Log: slog.New(slog.DiscardHandler),
				Card: &Card{Slots: d.card.slots(), Running: slot.B}}, d.card.files)
			if err != nil {
				t.Fatal(err)
			}
			if u.Status().HandsOn {
				t.Error("it hands on another manifest than that of what runs")
			}
		})
	})
}

// Without a slot that is known to run nothing can be written safely.
func TestUnknownSlot(t *testing.T) {
	for _, running := range []int{0, 1, 4} {
		_, err := New(Config{Program: "v1.0.0", Log: slog.New(slog.DiscardHandler), Card: &Card{Running: running}})
		if err == nil {
			t.Errorf("partition %d is taken for a slot", running)
		}
	}
}
