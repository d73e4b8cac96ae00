package update

import (
	"context"
	"log/slog"
	"net"
	"time"

	"chordophone/firmware/update/health"
	"chordophone/firmware/update/rollout"
	"chordophone/firmware/update/slot"
	"chordophone/overlay"
)

// Config is what an Updater needs to know of the phone.
type Config struct {
	Program string // what the program says its version is: "v1.4.0"
	Product string // what it is built for: "arm64"
	Dir     string // the data directory

	Card   *Card   // nil: not an appliance, nothing can be installed
	Office *Office // nil: releases do not go from phone to phone

	Busy   func() bool          // a call is going on
	Health func() health.Report // how the phone is now; it takes no time

	// What the office's releases wait for. What a person installs does not wait.
	Soak  time.Duration // they run elsewhere so long before they are taken: rollout.Config
	Hours rollout.Hours // in which the phone leaves by itself
	Clock Clock         // of Hours; nil: it is never right

	Log *slog.Logger
}

// Clock is the time of day where the phone is, and whether that can be right.
type Clock func() (now time.Time, right bool)

// Card is what an appliance starts from.
type Card struct {
	Slots   *slot.Slots
	Running int       // partition of the slot that runs, slot.A or slot.B
	OnTrial bool      // the boot firmware was asked for it (tryboot)
	Started time.Time // when the machine was started

	// Good is told that a trial ended well, and told again when this program is started
	// again after that.
	Good func()

	// Reboot begins to start the machine again, with "0 tryboot" or without, and
	// returns before that has happened.
	Reboot func(onTrial bool) error
}

// Office is how an Updater reaches the other phones.
type Office struct {
	Self overlay.ID

	// Announce stores the value of this phone's RELEASE record.
	Announce func(ctx context.Context, value []byte) error

	// Notices fetches all RELEASE records that verify, which makes each of them its
	// signer's own.
	Notices func(ctx context.Context) ([]overlay.Record, error)

	// Dial connects to another phone with the protocol fetch.ALPN. The connection has
	// proved to be that phone's, and outlives ctx, which ends only the dialling.
	Dial func(ctx context.Context, node overlay.ID) (net.Conn, error)
}
