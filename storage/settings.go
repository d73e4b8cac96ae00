package storage

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"go.etcd.io/bbolt"

	"chordophone/hal"
)

// Limits on settings and calls.
const (
	MaxName    = 255      // octets of the name of a setting
	MaxSetting = 64 << 10 // octets of its value
	MaxCalls   = 1000     // in the call log
)

// Get is the value of a setting. The error is ErrNotFound when there is none.
func (db *DB) Get(name string) (value []byte, err error) {
	err = db.view("setting "+name, func(tx *bbolt.Tx) error {
		v := tx.Bucket(bucketSettings).Get([]byte(name))
		if v == nil {
			return ErrNotFound
		}
		value = bytes.Clone(v)
		return nil
	})
	return value, err
}

// Set makes value the value of a setting; nil removes it. Names are paths, such
// as "phone/volume".
func (db *DB) Set(name string, value []byte) error {
	if name == "" || len(name) > MaxName || len(value) > MaxSetting {
		return fmt.Errorf("storage: setting %.32q of %d octets: %w", name, len(value), ErrTooLarge)
	}
	return db.update("setting "+name, func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucketSettings)
		old := b.Get([]byte(name))
		switch {
		case (old == nil) == (value == nil) && bytes.Equal(old, value):
			return errNoChange
		case value == nil:
			return b.Delete([]byte(name))
		}
		return b.Put([]byte(name), value)
	})
}

// Call is one entry of the call log.
type Call struct {
	Start    time.Time     `json:"start"`    // by this phone's clock, which may be wrong
	Duration time.Duration `json:"duration"` // of talking; 0 when it was not answered
	Incoming bool          `json:"incoming"`
	Number   string        `json:"number"` // of the other party
	Name     string        `json:"name,omitempty"`
	Cause    string        `json:"cause,omitempty"`  // why it ended
	Status   int           `json:"status,omitempty"` // SIP's code for that
	Sound    hal.Sound     `json:"sound,omitzero"`   // how it sounded; zero if nothing was to be heard
}

// maxCallText bounds the texts of a Call, which come from the network.
const maxCallText = 256

// AppendCall adds an entry to the call log and forgets the oldest beyond MaxCalls.
func (db *DB) AppendCall(c Call) error {
	for _, s := range []*string{&c.Number, &c.Name, &c.Cause} {
		*s = (*s)[:min(len(*s), maxCallText)]
	}
	v, err := json.Marshal(c)
	if err != nil {
		return err
	}
	return db.update("call log", func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucketCalls)
		n, err := b.NextSequence()
		if err != nil {
			return err
		}
		if n > MaxCalls {
			// Entries are numbered without gaps: this is the only one too old.
			if err := b.Delete(binary.BigEndian.AppendUint64(nil, n-MaxCalls)); err != nil {
				return err
			}
		}
		return b.Put(binary.BigEndian.AppendUint64(nil, n), v)
	})
}

// Calls are the last n entries of the call log, newest first.
func (db *DB) Calls(n int) (calls []Call, err error) {
	err = db.view("call log", func(tx *bbolt.Tx) error {
		c := tx.Bucket(bucketCalls).Cursor()
		for k, v := c.Last(); k != nil && len(calls) < n; k, v = c.Prev() {
			var call Call
			if json.Unmarshal(v, &call) != nil {
				db.skipped.Add(1)
				continue
			}
			calls = append(calls, call)
		}
		return nil
	})
	return slices.Clip(calls), err
}
