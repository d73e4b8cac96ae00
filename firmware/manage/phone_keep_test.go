package manage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"chordophone/firmware/backup"
	"chordophone/firmware/config"
	"chordophone/firmware/phone/selftest"
)

func (f *fakePhone) Backup(_ context.Context, w io.Writer, passphrase string) (backup.Manifest, error) {
	if len(passphrase) < 10 {
		return backup.Manifest{}, backup.ErrPassphrase
	}
	_, err := fmt.Fprintf(w, "sealed with %s", passphrase)
	return backup.Manifest{Office: "acme", Extension: 101, Records: 17, Calls: 1}, err
}

func (f *fakePhone) Restore(_ context.Context, r io.Reader, passphrase string, o backup.Options) (backup.Restored, error) {
	text, err := io.ReadAll(r)
	if string(text) != "sealed with "+passphrase {
		return backup.Restored{}, backup.ErrWrong
	}
	if !o.Older {
		return backup.Restored{}, backup.ErrOlder
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.restored = string(text)
	taken := time.Date(2026, 3, 1, 9, 30, 0, 0, time.UTC)
	return backup.Restored{
		Manifest: backup.Manifest{Office: "acme", Extension: 101, Taken: taken, Records: 17, Calls: 1},
		Files:    []string{"config.toml", "identity.pem"}, Applied: 3, Refused: 1,
	}, err
}

// Settings are a few; the file changes name.
func (f *fakePhone) Settings(context.Context) (config.Report, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return config.Report{File: "data/config.toml", Settings: []config.Setting{
		{Key: "name", Values: []string{}, Source: config.FromDefault, Changed: len(f.name) > 0, Next: f.name},
		{Key: "extension", Values: []string{"101"}, Source: config.FromFlag},
		{Key: "peer", Values: []string{"192.0.2.2:6084", "192.0.2.3:6084"}, Source: config.FromFile},
		{Key: "wifi", Values: []string{"***"}, Source: config.FromFile, Changed: true},
	}}, nil
}

func (f *fakePhone) Configure(_ context.Context, key string, values []string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case key == "nome":
		return &config.Error{Where: key, Problem: "unknown key", Hint: "did you mean name?"}
	case key == "name":
		f.name = values
	}
	return nil
}

func (f *fakePhone) SelfTest(context.Context) ([]selftest.Result, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	lamp := selftest.Part{Kind: selftest.Lamp, Name: "message", Word: "lamp message line=GPIO24"}
	if !f.healthy {
		lamp.Problem = "no GPIO chip pinctrl-rp1"
	}
	return selftest.Check([]selftest.Part{lamp, {Kind: selftest.Sound, Word: "audio capture=hw:1 playback=hw:1"}}), nil
}

// fakeAppliance installs what is a release.
type fakeAppliance struct {
	mu       sync.Mutex
	rebooted int
	left     int
	next     string
}

func (f *fakeAppliance) Install(_ context.Context, r io.Reader, progress func(Progress)) error {
	text, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	version, ok := strings.CutPrefix(string(text), "release ")
	if !ok {
		return hinted{errors.New("not a release"), "give the file that make release wrote"}
	}
	n := int64(len(text))
	progress(Progress{"write", 1, n})
	progress(Progress{"write", n, n})
	progress(Progress{"read back", 0, n})
	f.mu.Lock()
	defer f.mu.Unlock()
	f.next = version
	return nil
}

func (f *fakeAppliance) Installed(context.Context) (Installed, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := Installed{Running: "1.2.3", Slot: "A", Phase: "idle", Next: f.next}
	if f.next != "" {
		i.Office, i.Earliest = f.next+": waiting", time.Date(2026, 11, 23, 2, 0, 0, 0, time.UTC)
	}
	return i, nil
}

func (f *fakeAppliance) Leave(context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.next == "" {
		return hinted{errors.New("no release is ready"), "give one"}
	}
	f.left++
	return nil
}

func (f *fakeAppliance) Reboot(context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rebooted++
	return nil
}
