package firmware

import (
	"context"
	"io"
	"strconv"
	"time"

	"chordophone/firmware/backup"
	"chordophone/overlay"
	"chordophone/sip/presence"
)

// This file is how the console keeps this phone, brings it back, and watches the
// office.

func (c console) Backup(_ context.Context, w io.Writer, passphrase string) (backup.Manifest, error) {
	return backup.Make(w, passphrase, c.cfg.Data, c.db, c.version)
}

func (c console) Restore(ctx context.Context, r io.Reader, passphrase string, o backup.Options) (backup.Restored, error) {
	o.Online = func(node overlay.ID) bool {
		peer, _, err := c.node.Find(ctx, node)
		return err == nil && peer.ID == node
	}
	done, err := backup.Restore(r, passphrase, c.cfg.Data, c.db, o)
	if err == nil {
		c.log.Warn("restored from a backup", "extension", done.Extension, "taken", done.Taken, "hint", "start the phone anew")
	}
	return done, err
}

// watchAgain is how often telephones that are new in the office are looked for.
const watchAgain = 15 * time.Second

// Watch subscribes to all telephones of the office for as long as somebody looks.
func (c console) Watch(ctx context.Context, told func(extension, state string)) error {
	stops := make(map[string]func()) // by user; of the stack's loop
	defer c.exchange.stack.Do(func() {
		for _, stop := range stops {
			stop()
		}
	})
	again := time.NewTicker(watchAgain)
	defer again.Stop()
	for {
		list, err := c.members.List(ctx)
		if err != nil && ctx.Err() == nil {
			c.log.Debug("members not read", "err", err)
		}
		c.exchange.stack.Do(func() {
			for _, m := range list {
				if stops[m.User] == nil {
					extension := strconv.Itoa(m.Extension)
					stops[m.User] = c.exchange.presence.Watch(m.User, func(s presence.State) { told(extension, s.Line.String()) })
				}
			}
		})
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-again.C:
		}
	}
}
