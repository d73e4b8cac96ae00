package firmware

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"chordophone/overlay"
	"chordophone/overlay/identity"
	"chordophone/overlay/reload"
	"chordophone/overlay/reload/config"
)

// configurationFile is the office's configuration document in the data directory.
const configurationFile = "office.xml"

// noSequence is the sequence number of a phone without a document, as link has it:
// that of an office's first one.
const noSequence = 1

// configuration is the office's configuration document on this phone
// (RFC 6940, section 11.1); it is a link.Configuration. It comes from the founder,
// by hand of whoever enrolled this phone or of any other member, so the first one
// must be signed with the office's key; each later one, by a configuration-signer
// of the one before it. A phone without a document is like one with the first.
type configuration struct {
	path   string
	member *identity.Identity
	log    *slog.Logger

	first   sync.Mutex                     // held while current changes from nil
	current atomic.Pointer[config.Current] // nil: none
}

// openConfiguration opens the document that is kept in dir. Where there is none,
// the founder makes it, and a phone enrolled just now takes what it was handed. A
// telephone works without, so nothing that goes wrong here is more than a warning.
func openConfiguration(dir string, member *identity.Identity, log *slog.Logger) *configuration {
	c := &configuration{path: filepath.Join(dir, configurationFile), member: member, log: log}
	if err := c.load(); err != nil {
		aside := c.path + ".damaged"
		log.Warn("the office's configuration cannot be used and is set aside", "err", err, "to", aside)
		if err := os.Rename(c.path, aside); err != nil {
			log.Warn("configuration not set aside", "err", err)
		}
	}
	switch handed := member.Configuration(); {
	case handed != nil:
		err := c.Update(overlay.ID{}, reload.ConfigUpdateReq{Type: reload.ConfigDocument, Document: handed})
		if err != nil && !errors.Is(err, config.ErrSequence) {
			log.Warn("the configuration that came with enrolment is not used", "err", err)
		}
	case member.Founder() && c.current.Load() == nil:
		if err := c.found(); err != nil {
			log.Warn("no configuration made for the office", "err", err)
		}
	}
	return c
}

// load reads the file, if there is one.
func (c *configuration) load() error {
	f, err := os.Open(c.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	octets, err := io.ReadAll(io.LimitReader(f, config.MaxDocument+1))
	if err != nil {
		return err
	}
	current, err := config.Open(octets, c.member.Office(), c.member.Verify)
	if err != nil {
		return err
	}
	c.use(current)
	return nil
}

// found makes the office's first document.
func (c *configuration) found() error {
	key, err := c.member.OfficeKey()
	if err != nil {
		return err
	}
	octets, err := config.New(c.member.Office(), key.ID(), c.member.Root()).Sign(key)
	if err != nil {
		return err
	}
	return c.take(octets)
}

// take takes a first document over.
func (c *configuration) take(octets []byte) error {
	current, err := firstConfiguration(octets, c.member)
	if err != nil {
		return err
	}
	c.keep(current.Get(), octets)
	c.use(current)
	return nil
}

func (c *configuration) use(current *config.Current) {
	current.OnChange(c.keep)
	c.current.Store(current)
}

// keep writes a document that comes into force to the file.
func (c *configuration) keep(d *config.Document, octets []byte) {
	if err := identity.WriteFile(c.path, octets, os.Rename); err != nil {
		c.log.Warn("the office's configuration is in force but not kept", "sequence", d.Sequence, "err", err)
		return
	}
	c.log.Info("configuration of the office", "sequence", d.Sequence)
}

// Sequence is the document's sequence number.
func (c *configuration) Sequence() uint16 {
	if current := c.current.Load(); current != nil {
		return current.Sequence()
	}
	return noSequence
}

// Document is the document; nil: none.
func (c *configuration) Document() []byte {
	if current := c.current.Load(); current != nil {
		return current.Document()
	}
	return nil
}

// Update takes over what another phone sends, if it is good.
func (c *configuration) Update(from overlay.ID, req reload.ConfigUpdateReq) error {
	c.first.Lock()
	current := c.current.Load()
	if current != nil {
		c.first.Unlock()
		return current.Update(from, req)
	}
	defer c.first.Unlock()
	if req.Type != reload.ConfigDocument {
		return errors.New("there is no document yet for these Kinds")
	}
	return c.take(req.Document)
}

// firstConfiguration opens the first document that a phone is given: it is the
// office's if the office's key signed it.
func firstConfiguration(octets []byte, member *identity.Identity) (*config.Current, error) {
	d, err := config.Parse(octets, member.Office())
	if err != nil {
		return nil, err
	}
	if err := d.Verify(member.VerifyOffice, nil); err != nil {
		return nil, err
	}
	if reload.ConfigOlder(d.Sequence, noSequence) {
		return nil, fmt.Errorf("%w: %d", config.ErrSequence, d.Sequence)
	}
	return config.Open(octets, member.Office(), member.Verify)
}

// checkHanded says whether the document that the enroller handed over, if it did,
// is the office's.
func checkHanded(member *identity.Identity) error {
	octets := member.Configuration()
	if octets == nil {
		return nil
	}
	if _, err := firstConfiguration(octets, member); err != nil {
		return fmt.Errorf("configuration document: %w: %w", identity.ErrForeign, err)
	}
	return nil
}
