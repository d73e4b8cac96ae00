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

// shutOut is what the telephone shows when the office will not have it any more.
const shutOut = "the office bars it"

// registration keeps this phone's own address bound in the location service and
// tells the telephone whether it can call and be called. A phone that was shut out of
// the office cannot: it was revoked, by its own records; or other members refuse it and
// it is alone. (One member that refuses it while others do not may be the one that
// lies.)
type registration struct {
	service location.Own
	aor     string
	contact string
	online  phone.Online
	changed <-chan chord.View           // from the node
	refused <-chan struct{}             // a member does not accept this phone's certificate
	revoked <-chan struct{}             // this phone has read that it was revoked
	keep    func(context.Context) error // what else must be in the ring first
	tell    func(phone.Event)
	barred  func() // says that this phone is shut out
	log     *slog.Logger

	bound atomic.Bool
}

// run registers, renews, and tries again, until ctx is cancelled.
func (r *registration) run(ctx context.Context) error {
	var (
		now   standing
		pause = retryMin
		timer = time.NewTimer(0)
	)
	defer timer.Stop()
	<-timer.C // nothing to do before the ring is joined
	for {
		was, due := now, false
		select {
		case <-ctx.Done():
			return nil
		case v := <-r.changed:
			now.joined, now.alone = v.Joined, v.Size <= 1
			now.refused = now.refused && !now.among()
		case <-r.refused:
			now.refused = !now.among()
		case <-r.revoked:
			now.revoked = true
		case <-timer.C:
			due = true
		}
		switch {
		case now.out() && !was.out():
			r.bound.Store(false)
			r.tell(phone.Offline{Reason: shutOut})
			r.barred()
		case !now.joined && was.joined:
			r.bound.Store(false)
			r.tell(phone.Offline{Reason: "no other phone found"})
		}
		if !now.may() || was.may() && !due {
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

// standing is how this phone stands with its office.
type standing struct {
	joined, alone    bool // in the ring
	refused, revoked bool
}

// among reports whether other phones are in one ring with it.
func (s standing) among() bool { return s.joined && !s.alone }

// out reports whether it is shut out of the office.
func (s standing) out() bool { return s.revoked || s.refused && s.alone }

// may reports whether it may register.
func (s standing) may() bool { return s.joined && !s.out() }

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
