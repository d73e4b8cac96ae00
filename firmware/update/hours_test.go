package update

import (
	"bytes"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"chordophone/firmware/update/rollout"
)

// A person installs a release in the evening. The others fetch it, say when they will start with it,
// and do so at night; one earlier, since a person says so.
func TestQuietHours(t *testing.T) {
	shop := newShop(t)
	old, good := shop.make("1.0.0", smallSlot), shop.make("1.1.0", smallSlot)
	west := time.FixedZone("west", -3*3600) // where it is 21:00 when a bubble begins
	synctest.Test(t, func(t *testing.T) {
		b := newBuilding(shop.dir, 4, old, good)
		b.hours, _ = rollout.ParseHours("02:00-05:00")
		b.clock = func() (time.Time, bool) { return time.Now().In(west), true }
		open(t, b, func() {
			if err := b.desks[0].current().Leave(); !errors.Is(err, ErrNothing) {
				t.Errorf("without a release it leaves: %v", err)
			}
			if err := b.desks[0].current().Install(t.Context(), bytes.NewReader(good.file), nil); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Hour)
			if got := b.running("1.1.0"); got != 1 {
				t.Errorf("by the evening %d phones run what was installed on one", got)
			}
			night := time.Date(2000, 1, 1, 2, 0, 0, 0, west)
			for _, d := range b.desks[1:] {
				if st := d.current().Status(); st.Phase != "ready" || st.Next != "1.1.0" || !st.Earliest.Equal(night) || st.Rollout != "1.1.0: waiting" {
					t.Errorf("a phone that waits for the night says %+v", st)
				}
			}
			b.desks[3].busy.Store(true)
			if err := b.desks[3].current().Leave(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Hour)
			if got := b.running("1.1.0"); got != 1 {
				t.Error("it leaves while somebody calls")
			}
			b.desks[3].busy.Store(false)
			b.wait(t, 1, "1.1.0", 2)
			if got := b.running("1.1.0"); got != 2 || b.desks[3].runs() != "1.1.0" {
				t.Errorf("%d phones run it, the one that was told to %s", got, b.desks[3].runs())
			}
			time.Sleep(time.Until(night.Add(-time.Second)))
			if got := b.running("1.1.0"); got != 2 {
				t.Errorf("%d phones run it before the hour", got)
			}
			b.wait(t, 3, "1.1.0", 4)
			if got := b.running("1.1.0"); got != 4 || b.maxAway != 1 {
				t.Errorf("in the morning %d phones run it; %d were away at a time", got, b.maxAway)
			}
		})
	})
}

// Phones that do not know what time it is leave when nobody has called for an hour.
func TestQuietWithoutClock(t *testing.T) {
	shop := newShop(t)
	old, good := shop.make("1.0.0", smallSlot), shop.make("1.1.0", smallSlot)
	synctest.Test(t, func(t *testing.T) {
		b := newBuilding(shop.dir, 2, old, good)
		b.hours, _ = rollout.ParseHours("02:00-05:00")
		open(t, b, func() {
			b.desks[1].busy.Store(true)
			if err := b.desks[0].current().Install(t.Context(), bytes.NewReader(good.file), nil); err != nil {
				t.Fatal(err)
			}
			time.Sleep(3 * time.Hour)
			b.desks[1].busy.Store(false)
			time.Sleep(59 * time.Minute)
			if b.desks[1].runs() != "1.0.0" {
				t.Error("it left within an hour of a call")
			}
			b.wait(t, 1, "1.1.0", 2)
		})
	})
}
