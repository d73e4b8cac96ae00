package backup

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"filippo.io/age"

	"chordophone/overlay"
	"chordophone/overlay/identity"
)

// Options say what a restore may do that it otherwise refuses.
type Options struct {
	Older   bool // go back behind what this telephone has
	Replace bool // become another telephone of the same office

	// Online says whether a node is in the ring now; nil: nobody can say, because
	// this telephone does not run.
	Online func(overlay.ID) bool
}

// Restored is what a restore has done.
type Restored struct {
	Manifest
	Files   []string `json:"files"`   // written into the data directory
	Applied int      `json:"applied"` // records that were missing or older
	Refused int      `json:"refused"` // records that the office would not take
}

// Restore brings a backup back into the data directory dir, which exists, and its
// database db. Errors are those of this package, and then nothing was changed, or
// others (a full card), and then it is to be repeated. In the end the program must
// be started again.
func Restore(r io.Reader, passphrase, dir string, db Store, o Options) (Restored, error) {
	c, err := open(r, passphrase)
	if err != nil {
		return Restored{}, err
	}
	stage, err := os.MkdirTemp(dir, "restore-")
	if err != nil {
		return Restored{}, fmt.Errorf("restore: %w", err)
	}
	defer os.RemoveAll(stage)
	id, err := c.identity(stage)
	if err != nil {
		return Restored{}, err
	}
	fresh, err := c.admit(id, dir, db, o)
	if err != nil {
		return Restored{}, err
	}
	done := Restored{Manifest: c.manifest}
	if err := c.apply(id, db, &done); err != nil {
		return done, fmt.Errorf("restore: %w", err)
	}
	if err := c.place(dir, fresh, &done); err != nil {
		return done, fmt.Errorf("restore: %w", err)
	}
	return done, nil
}

// open decrypts and reads a backup whole.
func open(r io.Reader, passphrase string) (*content, error) {
	key, err := age.NewScryptIdentity(passphrase)
	if err != nil {
		return nil, ErrWrong
	}
	key.SetMaxWorkFactor(workFactor)
	clear, err := age.Decrypt(r, key)
	var wrong *age.NoIdentityMatchError
	switch {
	case errors.As(err, &wrong):
		return nil, ErrWrong
	case err != nil:
		return nil, fmt.Errorf("%w (%w)", ErrNoBackup, err)
	}
	c, err := read(clear)
	if err != nil {
		return nil, fmt.Errorf("%w (%w)", ErrDamaged, err)
	}
	if c.manifest.Format != format {
		return nil, ErrNewer
	}
	return c, nil
}

// identity is the one in the backup, read by way of the directory stage.
func (c *content) identity(stage string) (*identity.Identity, error) {
	path := filepath.Join(stage, identity.File)
	if err := os.WriteFile(path, c.files[identity.File], 0o600); err != nil {
		return nil, fmt.Errorf("restore: %w", err)
	}
	id, err := identity.Load(stage)
	if err != nil {
		return nil, fmt.Errorf("%w (%w)", ErrDamaged, err)
	}
	if id.ID().String() != c.manifest.Node || id.Office() != c.manifest.Office {
		return nil, fmt.Errorf("%w (the manifest is of another telephone)", ErrDamaged)
	}
	return id, nil
}

// admit says whether the backup may be brought back here. fresh is whether its
// identity is new here.
func (c *content) admit(id *identity.Identity, dir string, db Store, o Options) (fresh bool, err error) {
	var here []overlay.Record
	if err := db.Load(func(r overlay.Record) error { here = append(here, r); return nil }); err != nil {
		return false, fmt.Errorf("restore: %w", err)
	}
	barred := id.Judge(append(here, c.records...))
	id.Refuse(barred)
	for _, one := range barred {
		if one.Node == id.ID() {
			return false, ErrRevoked
		}
	}
	present, err := identity.Load(dir)
	switch {
	case errors.Is(err, identity.ErrNone):
		return true, nil
	case err != nil:
		return false, err // ErrDamaged: its hint says what to do
	case !bytes.Equal(present.Root(), id.Root()):
		return false, ErrOffice
	case present.ID() == id.ID():
		if newest(here, id.ID()) > c.manifest.Newest && !o.Older {
			return false, ErrOlder
		}
		return false, nil
	case !o.Replace:
		return false, ErrTelephone
	case o.Online != nil && o.Online(id.ID()):
		return false, ErrAlive
	}
	return true, nil
}

// apply brings back what is in the database: what the office accepts and does not
// have as new. This telephone will count on from where the backup's did.
func (c *content) apply(id *identity.Identity, db Store, done *Restored) error {
	have := make(map[overlay.Slot]overlay.Record)
	if err := db.Load(func(r overlay.Record) error { have[r.Slot()] = r; return nil }); err != nil {
		return err
	}
	var save []overlay.Record
	for _, r := range c.records {
		old, ok := have[r.Slot()]
		switch {
		case ok && !r.Supersedes(old):
		case id.VerifyRecord(r) != nil:
			done.Refused++
		default:
			save = append(save, r)
		}
	}
	if err := db.Apply(save, nil); err != nil {
		return err
	}
	done.Applied = len(save)
	if _, err := db.RaiseEpoch(c.manifest.Newest.Epoch() + 1); err != nil {
		return err
	}
	if list, err := db.Calls(1); err != nil || len(list) > 0 {
		return err // there is a call log already
	}
	for _, call := range c.calls {
		if err := db.AppendCall(call); err != nil {
			return err
		}
	}
	return nil
}

// kept are files that a restore leaves alone where they are: they say who may
// enter this telephone, and by what its visitors know it.
var kept = map[string]bool{"authorized_keys": true, "ssh_host_key": true}

// place writes the files, the identity last: until then the telephone is what it
// was.
func (c *content) place(dir string, fresh bool, done *Restored) error {
	order := append(files[1:len(files):len(files)], identity.File)
	for _, name := range order {
		data, ok := c.files[name]
		path := filepath.Join(dir, name)
		was, err := os.ReadFile(path)
		if !ok || kept[name] && err == nil || err == nil && bytes.Equal(was, data) {
			continue
		}
		if name == identity.File && err == nil && fresh {
			aside := path + ".replaced"
			os.Remove(aside)
			if err := os.Link(path, aside); err != nil {
				return err
			}
		}
		if err := identity.WriteFile(path, data, os.Rename); err != nil {
			return err
		}
		done.Files = append(done.Files, name)
	}
	return nil
}
