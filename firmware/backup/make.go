package backup

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
	"unicode/utf8"

	"filippo.io/age"

	"chordophone/overlay"
	"chordophone/overlay/identity"
	"chordophone/storage"
)

// Store is what is needed of the database: storage.DB.
type Store interface {
	Load(func(overlay.Record) error) error
	Apply(save []overlay.Record, drop []overlay.Slot) error
	Calls(n int) ([]storage.Call, error)
	AppendCall(storage.Call) error
	RaiseEpoch(min uint32) (uint32, error)
}

// minPassphrase is the least length of a passphrase, in characters.
const minPassphrase = 10

// workFactor makes each guess at a passphrase cost 64 MB of memory: two to the
// power of it times 1 kB. A telephone has 512 MB in all, which age's own default
// would take half of.
const workFactor = 16

// Make writes a backup of the telephone whose data directory is dir and whose
// database is db. The error is ErrPassphrase before anything is written.
func Make(w io.Writer, passphrase, dir string, db Store, version string) (Manifest, error) {
	if utf8.RuneCountInString(passphrase) < minPassphrase {
		return Manifest{}, ErrPassphrase
	}
	c, err := collect(dir, db, version)
	if err != nil {
		return Manifest{}, fmt.Errorf("backup: %w", err)
	}
	if err := c.seal(w, passphrase, workFactor); err != nil {
		return Manifest{}, fmt.Errorf("backup: %w", err)
	}
	return c.manifest, nil
}

// seal writes the backup, encrypted.
func (c *content) seal(w io.Writer, passphrase string, workFactor int) error {
	to, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		return err
	}
	to.SetWorkFactor(workFactor)
	sealed, err := age.Encrypt(w, to)
	if err != nil {
		return err
	}
	return errors.Join(c.write(sealed), sealed.Close())
}

// collect reads what a backup holds.
func collect(dir string, db Store, version string) (*content, error) {
	id, err := identity.Load(dir)
	if err != nil {
		return nil, err
	}
	c := &content{files: make(map[string][]byte)}
	for _, name := range files {
		data, err := os.ReadFile(filepath.Join(dir, name))
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return nil, err
		case len(data) > maxFile:
			return nil, fmt.Errorf("%s is larger than %d octets", name, maxFile)
		default:
			c.files[name] = data
		}
	}
	err = db.Load(func(r overlay.Record) error {
		c.records = append(c.records, r)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if c.calls, err = db.Calls(storage.MaxCalls); err != nil {
		return nil, err
	}
	slices.Reverse(c.calls)
	c.manifest = Manifest{
		Format: format, Version: version, Office: id.Office(), Extension: id.Extension(), Node: id.ID().String(),
		Taken: time.Now().UTC(), Newest: newest(c.records, id.ID()), Records: len(c.records), Calls: len(c.calls),
	}
	return c, nil
}

// newest is the newest version of what node has signed.
func newest(records []overlay.Record, node overlay.ID) (v overlay.Version) {
	for _, r := range records {
		if r.Owner == node {
			v = max(v, r.Version)
		}
	}
	return v
}
