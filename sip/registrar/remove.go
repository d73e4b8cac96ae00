package registrar

import (
	"context"
	"errors"
	"slices"
	"time"

	"chordophone/sip/location"
)

const maxRemoving = 16 // at once

// tick looks each second for what has ended, as long as there is anybody.
func (r *Registrar) tick() {
	if r.ticking || len(r.book.list) == 0 && r.lanes.waiting == 0 {
		return
	}
	r.ticking = true
	r.loop.After(time.Second, func() {
		r.ticking = false
		r.lanes.next()
		for _, c := range r.book.due(time.Now(), maxRemoving-r.removing) {
			r.remove(c)
		}
		r.tick()
	})
}

// remove takes a binding back, if it is still this phone that serves it.
func (r *Registrar) remove(c *client) {
	c.gone = true
	var err error
	begin := func() (func(context.Context), func()) {
		if !r.book.has(c) { // it has come back meanwhile
			return func(context.Context) {}, func() { r.removing-- }
		}
		aor, b := c.aor, c.binding
		return func(ctx context.Context) { err = r.takeBack(ctx, aor, b) }, func() { r.removed(c, err) }
	}
	if r.lanes.add(c.aor, begin) {
		c.working = true
		r.removing++
	}
}

func (r *Registrar) takeBack(ctx context.Context, aor string, b location.Binding) error {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	all, err := r.cfg.Ring.Lookup(ctx, aor)
	if errors.Is(err, location.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(x location.Binding) bool {
		return x.Client() && key(x) == key(b) && x.Node == b.Node && x.Flow == b.Flow
	})
	if i < 0 {
		return nil
	}
	x := all[i]
	x.Expires = 0
	_, err = r.cfg.Ring.Register(ctx, aor, []location.Binding{x})
	return err
}

func (r *Registrar) removed(c *client, err error) {
	r.removing--
	c.working = false
	now := time.Now()
	if err != nil && now.Before(c.until) {
		c.due = now.Add(tryAgain)
		return
	}
	r.book.drop(c)
	r.tell(r.unregistered, c.aor)
}
