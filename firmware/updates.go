package firmware

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"chordophone/firmware/appliance/beat"
	"chordophone/firmware/appliance/boot"
	"chordophone/firmware/appliance/disk"
	updates "chordophone/firmware/update"
	"chordophone/firmware/update/health"
	"chordophone/firmware/update/slot"
	"chordophone/hal"
	"chordophone/overlay"
)

// cardTime is how long the card is looked for, which the phone was started from.
const cardTime = 5 * time.Second

// makeUpdates makes what installs releases and hands them to other phones. Without
// a card of two systems it only shows what this phone runs.
func (a *appliance) makeUpdates() error {
	cfg := updates.Config{
		Program: a.version, Product: runtime.GOARCH, Dir: a.cfg.Data,
		Soak: a.cfg.UpdateSoak, Hours: a.cfg.UpdateHours, Clock: a.wallClock(),
		Busy:   func() bool { return len(a.ledger.calls()) > 0 },
		Health: a.health,
		Log:    a.log,
	}
	if a.line != nil {
		card, err := a.openSystems()
		if err != nil {
			a.log.Warn("no updates: the card does not have two systems", "err", err)
		}
		cfg.Card = card
		cfg.Office = &updates.Office{Self: a.self.ID, Announce: a.releases.Announce, Notices: a.releases.Notices, Dial: a.dialUpdate}
	}
	u, err := updates.New(cfg)
	if err != nil {
		a.log.Error("no updates", "err", err) // a phone without is still a phone
		return nil
	}
	a.updater.Store(u)
	return nil
}

// wallClock is the time of day in the zone of config.Run, right when somebody who knew it
// has told it: a time server, or a person, here or at other phones.
func (a *appliance) wallClock() updates.Clock {
	where := zoneOf(a.cfg.TimeZone)
	return func() (time.Time, bool) { return time.Now().In(where), a.times.known() }
}

// openSystems opens the two systems of the card that this machine was started from.
func (a *appliance) openSystems() (*updates.Card, error) {
	state := boot.Read("/proc")
	if state.Partition != disk.SystemA && state.Partition != disk.SystemB {
		return nil, fmt.Errorf("it is not known which system of the card runs")
	}
	card, err := disk.Find("/sys", "/dev", cardTime)
	if err != nil {
		return nil, err
	}
	slots, err := slot.Open(card.Part(disk.Selector), card.Part(disk.SystemA), card.Part(disk.SystemB))
	if err != nil {
		return nil, err
	}
	var up unix.Sysinfo_t
	if err := unix.Sysinfo(&up); err != nil {
		return nil, err
	}
	return &updates.Card{
		Slots: slots, Running: state.Partition, OnTrial: state.Trial,
		Started: time.Now().Add(-time.Duration(up.Uptime) * time.Second),
		Good:    func() { a.line.Tell(beat.Message{Kind: beat.Commit}) },
		Reboot: func(trial bool) error {
			if trial {
				return a.line.Tell(beat.Message{Kind: beat.TryBoot})
			}
			return a.restart()
		},
	}, nil
}

// restart has process 1 start the machine anew.
func (a *appliance) restart() error { return a.line.Tell(beat.Message{Kind: beat.Reboot}) }

// health is how this phone is.
func (a *appliance) health() health.Report {
	view := a.node.View()
	r := health.Report{
		Joined:     view.Joined && view.Size > 1,
		Registered: a.register.bound.Load(),
		Console:    a.console != nil,
		Crashes:    a.line.Before(),
	}
	r.Audio, r.Panel = usable(a.body.Findings())
	if known, err := a.db.Peers(); err == nil && len(known) == 0 && view.Joined {
		r.Alone = true
	}
	return r
}

// usable says whether there is sound, and whether there are keys and lamps.
func usable(findings []hal.Finding) (audio, panel bool) {
	audio, panel = true, true
	for _, f := range findings {
		switch word, _, _ := strings.Cut(f.Word, " "); word {
		case "audio":
			audio = false
		case "chip":
			panel = false
		}
	}
	return audio, panel
}

// dialUpdate connects to another phone to fetch a release.
func (a *appliance) dialUpdate(ctx context.Context, id overlay.ID) (net.Conn, error) {
	peer, _, err := a.node.Find(ctx, id)
	if err != nil {
		return nil, err
	}
	if peer.ID != id {
		return nil, fmt.Errorf("phone %s is not there", id.Short())
	}
	d := tls.Dialer{Config: a.member.UpdateTLS(id)}
	return d.DialContext(ctx, "tcp", peer.Addr.String())
}

// serveUpdate hands a release to another phone.
func (a *appliance) serveUpdate(ctx context.Context, c *tls.Conn, from overlay.ID) {
	u := a.updater.Load()
	if u == nil {
		c.Close()
		return
	}
	if err := u.Serve(ctx, c, from); err != nil {
		a.log.Debug("update: serving ended", "to", from.Short(), "err", err)
	}
}

// errEnded is what was asked of a part that has ended.
var errEnded = errors.New("it has ended")
