package firmware

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"time"

	"chordophone/firmware/phone"
	"chordophone/storage"
)

// settingsName is where storage has what somebody has set on this telephone.
const settingsName = "phone/settings"

// keepEvery is the time between two writes of settings at least: somebody who leans on a
// volume key wears the card no more than that.
const keepEvery = 5 * time.Second

// keeper keeps what somebody has set on this telephone, through a power cut too: a change
// is written at once, and one that follows it soon a little later.
type keeper struct {
	store interface {
		Get(name string) ([]byte, error)
		Set(name string, value []byte) error
	}
	log  *slog.Logger
	want chan phone.Settings // for run, capacity 1, holds the newest
}

func newKeeper(db *storage.DB, log *slog.Logger) *keeper {
	return &keeper{store: db, log: log, want: make(chan phone.Settings, 1)}
}

// kept are the events that give the telephone back what was kept: none if that is nothing.
func (k *keeper) kept() []phone.Event {
	text, err := k.store.Get(settingsName)
	if errors.Is(err, storage.ErrNotFound) {
		return nil
	}
	var s phone.Settings
	if err == nil {
		err = json.Unmarshal(text, &s)
	}
	if err != nil {
		k.log.Warn("the settings of this telephone are lost", "err", err)
		return nil
	}
	return []phone.Event{s}
}

// keep replaces what is kept. It is called by one goroutine.
func (k *keeper) keep(s phone.Settings) {
	select {
	case <-k.want: // not written yet: overtaken
	default:
	}
	k.want <- s
}

// run writes until ctx is cancelled, and then what is left.
func (k *keeper) run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			select {
			case s := <-k.want:
				k.write(s)
			default:
			}
			return nil
		case s := <-k.want:
			k.write(s)
		}
		select {
		case <-ctx.Done():
		case <-time.After(keepEvery):
		}
	}
}

// write writes what has changed: storage commits nothing else.
func (k *keeper) write(s phone.Settings) {
	text, err := json.Marshal(s)
	if err == nil {
		err = k.store.Set(settingsName, text)
	}
	if err != nil {
		k.log.Warn("settings not kept", "err", err)
	}
}
