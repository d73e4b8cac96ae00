package firmware

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"chordophone/firmware/phone"
	"chordophone/overlay/chord"
	"chordophone/sip/location"
)

// How long a registration lasts, when it is renewed, and how soon a failed one is
// tried again. // RFC 3261, section 10.2.1.1 suggests an hour
const (
	registrationLife = time.Hour
	registerAgain    = registrationLife / 2
	registerTimeout  = 5 * time.Second
	retryMin         = 200 * time.Millisecond
	retryMax         = 10 * time.Second
)

// registration keeps this phone's own address bound in the location service and
// tells the telephone whether it can call and be called.
type registration struct {
	service location.Own
	aor     string
	contact string
	online  phone.Online
	changed <-chan chord.View           // from the node
	keep    func(context.Context) error // what else must be in the ring first
	tell    func(phone.Event)
	log     *slog.Logger

	bound atomic.Bool
}

// run registers, renews, and tries again, until ctx is cancelled.
func (r *registration) run(ctx context.Context) error {
	var (
		joined bool
		pause  = retryMin
		timer  = time.NewTimer(0)
	)
	defer timer.Stop()
	<-timer.C // nothing to do before the ring is joined
	for {
		select {
		case <-ctx.Done():
			return nil
		case v := <-r.changed:
			if v.Joined == joined {
				continue
			}
			joined = v.Joined
			if !joined {
				r.bound.Store(false)
				r.tell(phone.Offline{Reason: "no other phone found"})
				continue
			}
		case <-timer.C:
		}
		if !joined {
			continue
		}
		if err := r.bind(ctx); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			r.log.Warn("registration failed; trying again", "in", pause, "err", err)
			if r.bound.Swap(false) {
				r.tell(phone.Offline{Reason: "registration failed"})
			}
			timer.Reset(pause)
			pause = min(2*pause, retryMax)
			continue
		}
		pause = retryMin
		timer.Reset(registerAgain)
		if !r.bound.Swap(true) {
			r.tell(r.online)
		}
	}
}

func (r *registration) bind(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, registerTimeout)
	defer cancel()
	if err := r.keep(ctx); err != nil {
		return err
	}
	return r.service.Bind(ctx, r.aor, []location.Binding{{Contact: r.contact, Expires: registrationLife}})
}

// remove takes the registration back before the phone leaves.
func (r *registration) remove(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if err := r.service.Bind(ctx, r.aor, nil); err != nil {
		r.log.Warn("registration could not be removed; it will expire", "err", err)
	}
}
