package firmware

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"chordophone/firmware/phone"
	"chordophone/hal"
	"chordophone/sip/media"
	"chordophone/storage"
)

// ledger follows the calls of this telephone from its notices and keeps the ended
// ones in the call log.
type ledger struct {
	db    *storage.DB
	log   *slog.Logger
	ended chan storage.Call // for run: the disk is slow, the telephone is not

	mu      sync.Mutex // guards what follows
	current []liveCall
}

// liveCall is a call in progress.
type liveCall struct {
	id, state string
	began     time.Time
	connected time.Time      // zero: not yet
	media     *media.Session // nil: not yet
	storage.Call
}

func newLedger(db *storage.DB, log *slog.Logger) *ledger {
	return &ledger{db: db, log: log, ended: make(chan storage.Call, 64)}
}

// note takes in a notice of the telephone. One about a call that is heard comes with its
// sound.
func (l *ledger) note(now time.Time, n hal.Notice, sound *media.Session) {
	c, ok := n.(hal.CallState)
	if !ok {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	i := slices.IndexFunc(l.current, func(one liveCall) bool { return one.id == c.ID })
	if i < 0 {
		i = len(l.current)
		l.current = append(l.current, liveCall{id: c.ID, began: now, Call: storage.Call{
			Start: now, Incoming: !outgoing(c.ID), Number: c.Peer,
		}})
	}
	one := &l.current[i]
	one.state = c.State
	if sound != nil {
		one.media = sound
	}
	if (c.State == "connected" || c.State == "held") && one.connected.IsZero() {
		one.connected = now
	}
	if c.State != "ended" {
		return
	}
	if !one.connected.IsZero() {
		one.Duration = now.Sub(one.connected)
	}
	one.Cause, one.Status = c.Cause, c.Status
	one.Sound = quality(one.media)
	select {
	case l.ended <- one.Call:
	default:
		l.log.Warn("call not logged: the disk is too slow", "number", one.Number)
	}
	l.current = slices.Delete(l.current, i, i+1)
}

// referredPrefix begins sip/ua's names of the calls that it makes because the far
// side of another call asked for it.
const referredPrefix = "refer-"

// outgoing reports whether this telephone made a call: of its owner's
// will or of the far side's.
func outgoing(call string) bool {
	return strings.HasPrefix(call, phone.OutgoingPrefix) || strings.HasPrefix(call, referredPrefix)
}

// calls are those in progress.
func (l *ledger) calls() []liveCall {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := slices.Clone(l.current)
	for i := range all {
		all[i].Sound = quality(all[i].media)
	}
	return all
}

// run writes the call log until ctx is cancelled, and then what is left.
func (l *ledger) run(ctx context.Context) error {
	for {
		select {
		case c := <-l.ended:
			l.write(c)
		case <-ctx.Done():
			for len(l.ended) > 0 {
				l.write(<-l.ended)
			}
			return nil
		}
	}
}

func (l *ledger) write(c storage.Call) {
	if err := l.db.AppendCall(c); err != nil {
		l.log.Warn("call not logged", "err", err)
	}
}
