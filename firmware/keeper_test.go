package firmware

import (
	"context"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"chordophone/firmware/phone"
	"chordophone/hal"
	"chordophone/storage"
)

// drawer is a store that counts, and says when it was written to.
type drawer struct {
	mu    sync.Mutex
	value []byte
	at    []time.Time
}

func (d *drawer) Get(string) ([]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.value == nil {
		return nil, storage.ErrNotFound
	}
	return d.value, nil
}

func (d *drawer) Set(_ string, value []byte) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.value, d.at = value, append(d.at, time.Now())
	return nil
}

// writes are the times of those so far.
func (d *drawer) writes() []time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.at)
}

// A change is written at once, those that follow it no more often than every five
// seconds, the last always, also when the telephone is switched off in order.
func TestKeeperSparesTheCard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := new(drawer)
		k := &keeper{store: d, log: slog.New(slog.DiscardHandler), want: make(chan phone.Settings, 1)}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- k.run(ctx) }()
		if k.kept() != nil {
			t.Error("something is kept at first")
		}
		begin := time.Now()
		is := func(volume, writes int) {
			t.Helper()
			synctest.Wait()
			if got := k.kept(); !slices.Equal(got, []phone.Event{phone.Settings{Volume: volume, Locked: true}}) || len(d.writes()) != writes {
				t.Errorf("after %v %v, %d writes; want volume %d, %d", time.Since(begin), got, len(d.writes()), volume, writes)
			}
		}
		turn := func(volume int) { k.keep(phone.Settings{Volume: volume, Locked: true}) }
		turn(1)
		is(1, 1)
		for volume := range 10 {
			time.Sleep(400 * time.Millisecond)
			turn(volume)
		}
		is(1, 1)
		time.Sleep(keepEvery)
		is(9, 2)
		time.Sleep(time.Hour)
		is(9, 2)
		turn(4)
		is(4, 3)
		turn(5)
		is(4, 3)
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		is(5, 4)
		at := d.writes()
		for i := range at[1 : len(at)-1] { // the last is that of the end
			if gap := at[i+1].Sub(at[i]); gap < keepEvery {
				t.Errorf("two writes within %v", gap)
			}
		}
	})
}

// A telephone that was locked, silenced and turned up is so again after its power was
// cut: what it keeps is on the disk, and not only when it ends in order.
func TestSettingsOutliveThePower(t *testing.T) {
	file := filepath.Join(t.TempDir(), storage.File)
	log := slog.New(slog.DiscardHandler)
	db, err := storage.Open(file, log)
	if err != nil {
		t.Fatal(err)
	}
	k := newKeeper(db, log)
	go k.run(t.Context()) // and nobody ends it
	w := newDeskTest(t)
	w.desk.keep = k.keep
	press := func(key hal.Key, last time.Duration) {
		now := time.Now()
		for _, a := range slices.Concat(
			w.desk.phone.Step(now, phone.Input{Event: hal.Event{Key: key, Down: true}}),
			w.desk.phone.Step(now.Add(last), phone.Input{Event: hal.Event{Key: key}}),
		) {
			if a, ok := a.(phone.Keep); ok {
				w.desk.do(a)
			}
		}
	}
	w.stop()
	press(hal.Softer, 0) // the bell's
	press('*', 2*time.Second)
	want := phone.Settings{Volume: 7, Bell: 6, Locked: true}
	for end := time.Now().Add(60 * time.Second); !slices.Equal(k.kept(), []phone.Event{want}); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("kept are %v, want %v", k.kept(), want)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}

	if db, err = storage.Open(file, log); err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	p := phone.New(phone.Default())
	var kept []phone.Action
	for _, ev := range newKeeper(db, log).kept() {
		kept = p.Step(time.Now(), ev)
	}
	if !slices.Contains(kept, phone.Action(phone.BellVolume{Level: 6})) || slices.Contains(kept, phone.Action(phone.Volume{Level: 7})) {
		t.Errorf("given back: %v", kept)
	}
	if a := p.Step(time.Now(), phone.Input{Event: hal.Event{Key: '*', Down: true}}); len(a) > 0 {
		t.Errorf("%v", a)
	}
	if a := p.Step(time.Now().Add(2*time.Second), phone.Tick{}); !slices.Contains(a, phone.Action(phone.Keep{Settings: phone.Settings{Volume: 7, Bell: 6}})) {
		t.Errorf("it was not locked: %v", a)
	}
}

// What is no settings is not taken for some.
func TestStrangeSettings(t *testing.T) {
	for _, text := range []string{"", "[]", "null?", `{"volume":"loud"}`} {
		k := &keeper{store: &drawer{value: []byte(text)}, log: slog.New(slog.DiscardHandler)}
		if got := k.kept(); got != nil {
			t.Errorf("%q: %v", text, got)
		}
	}
}
