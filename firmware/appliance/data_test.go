package appliance

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"chordophone/firmware/appliance/beat"
	"chordophone/overlay/identity"
)

// card is a data partition for tests: its content is a folder.
type card struct {
	dir       string
	empty     bool
	mountErr  error // of a file system that nobody has made anew
	roErr     error
	formatErr error
	worn      bool // it cannot be written
	errors    int
	vault     []byte
	did       []string
}

func (c *card) do(what string) { c.did = append(c.did, what) }

func (c *card) Empty() (bool, error) { return c.empty, nil }
func (c *card) Grow() error          { c.do("grow"); return nil }
func (c *card) Unmount() error       { c.do("unmount"); return nil }
func (c *card) Errors() int          { return c.errors }

func (c *card) Format() error {
	c.do("format")
	if c.formatErr != nil {
		return c.formatErr
	}
	c.mountErr, c.errors = nil, 0
	return errors.Join(os.RemoveAll(c.dir), os.MkdirAll(c.dir, 0o700))
}

func (c *card) Mount(readOnly bool) (string, error) {
	if readOnly {
		c.do("mount read-only")
		if c.roErr != nil {
			return "", c.roErr
		}
		return c.dir, nil
	}
	c.do("mount")
	if c.mountErr != nil {
		return "", c.mountErr
	}
	if c.worn { // root may write everywhere but into a file
		return filepath.Join(c.dir, identity.File), nil
	}
	return c.dir, nil
}

func (c *card) Vault() ([]byte, error) {
	if c.vault == nil {
		return nil, errors.New("nothing in the vault")
	}
	return c.vault, nil
}

// used is a card with some data.
func used(t *testing.T) *card {
	t.Helper()
	c := &card{dir: filepath.Join(t.TempDir(), "data")}
	for name, text := range map[string]string{identity.File: "me", "chordophone.db": "all", "log/telephone": "old", "voice/1": "hello"} {
		path := filepath.Join(c.dir, name)
		os.MkdirAll(filepath.Dir(path), 0o700)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// vault is one with an identity.
func vault(t *testing.T, text string) []byte {
	t.Helper()
	dir := t.TempDir()
	os.WriteFile(filepath.Join(dir, identity.File), []byte(text), 0o600)
	b, err := pack(dir)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Whatever the card is like, there is a place for the data, what could be read is in
// it, and people are told.
func TestSettle(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(c *card)
		did    string
		memory bool
		faults []beat.Fault
		has    string // files in the place
	}{
		{"a good card", func(c *card) {}, "mount", false, nil, "chordophone.db identity.pem log/telephone voice/1"},
		{"a new card", func(c *card) { c.empty = true }, "grow, format, mount", false, nil, ""},
		{"a new card that is worn", func(c *card) { c.empty, c.formatErr = true, unix.EIO }, "grow, format", true, []beat.Fault{faultWorn}, ""},
		{"errors were seen", func(c *card) { c.errors = 3 }, "mount, unmount, format, mount", false, []beat.Fault{faultRemade}, "chordophone.db identity.pem voice/1"},
		{"damaged, but to be read", func(c *card) { c.mountErr = unix.EUCLEAN }, "mount, mount read-only, unmount, format, mount", false, []beat.Fault{faultRemade}, "chordophone.db identity.pem voice/1"},
		{"damaged beyond that", func(c *card) { c.mountErr, c.roErr, c.vault = unix.EINVAL, unix.EINVAL, vault(t, "me") },
			"mount, mount read-only, format, mount", false, []beat.Fault{faultRemade}, "identity.pem"},
		{"all is lost", func(c *card) { c.mountErr, c.roErr = unix.EINVAL, unix.EINVAL },
			"mount, mount read-only, format, mount", false, []beat.Fault{faultNewcome, faultRemade}, ""},
		{"damaged and worn", func(c *card) {
			c.mountErr, c.roErr, c.formatErr, c.vault = unix.EUCLEAN, unix.EIO, unix.EIO, vault(t, "me")
		}, "mount, mount read-only, format", true, []beat.Fault{faultWorn}, "identity.pem"},
		{"not damaged, only out of reach", func(c *card) { c.mountErr, c.vault = unix.EIO, vault(t, "me") }, "mount", true, []beat.Fault{faultWorn}, "identity.pem"},
		{"mounted and not to be written", func(c *card) { c.worn, c.vault = true, vault(t, "me") }, "mount, unmount", true, []beat.Fault{faultWorn}, "identity.pem"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := used(t)
			tc.change(c)
			if c.empty {
				os.RemoveAll(c.dir)
			}
			memory := filepath.Join(t.TempDir(), "memory")
			p, err := settle(c, memory)
			if err != nil {
				t.Fatal(err)
			}
			if did := strings.Join(c.did, ", "); did != tc.did {
				t.Errorf("it did: %s\nwant:   %s\n%q", did, tc.did, p.notes)
			}
			if c.roErr != nil && !strings.Contains(strings.Join(p.notes, "\n"), "only to be read: "+c.roErr.Error()) {
				t.Errorf("why it cannot be read either is not said: %q", p.notes)
			}
			if !slices.Equal(p.faults, tc.faults) || p.memory != tc.memory || p.memory != (p.dir == memory) {
				t.Errorf("%+v", p)
			}
			if got := files(t, p.dir); got != tc.has {
				t.Errorf("in the place: %s\nwant:         %s", got, tc.has)
			}
			if strings.Contains(tc.has, identity.File) {
				if b, _ := os.ReadFile(filepath.Join(p.dir, identity.File)); string(b) != "me" {
					t.Errorf("the identity is %q", b)
				}
			}
			if err := os.WriteFile(filepath.Join(p.dir, "x"), nil, 0o600); err != nil {
				t.Error(err)
			}
		})
	}
	p, err := settle(nil, filepath.Join(t.TempDir(), "memory"))
	if err != nil || !p.memory || !slices.Equal(p.faults, []beat.Fault{faultNoCard}) {
		t.Error(p, err)
	}
}

func files(t *testing.T, dir string) string {
	t.Helper()
	var all []string
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err == nil && info.Mode().IsRegular() {
			name, _ := filepath.Rel(dir, path)
			all = append(all, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

// What was saved is not written over by what the vault has from before.
func TestVaultIsOlder(t *testing.T) {
	dir := t.TempDir()
	os.WriteFile(filepath.Join(dir, identity.File), []byte("new"), 0o600)
	if err := unpack(dir, vault(t, "old")); err != nil {
		t.Fatal(err)
	}
	if b, _ := os.ReadFile(filepath.Join(dir, identity.File)); string(b) != "new" {
		t.Errorf("%q", b)
	}
	if unpack(dir, []byte("{")) == nil {
		t.Error("nonsense was unpacked")
	}
	if err := unpack(dir, []byte(`{"../escape":"eA=="}`)); err != nil || files(t, filepath.Dir(dir)) == "" {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(dir), "escape")); err == nil {
		t.Error("a file outside of the folder")
	}
	if _, err := pack(t.TempDir()); err == nil {
		t.Error("a folder with no identity is worth keeping")
	}
}

// A file of partition 1 is taken once for each change; what the console changes after
// that stays.
func TestProvision(t *testing.T) {
	selector, data := t.TempDir(), t.TempDir()
	put := func(dir, name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want := func(name, text string) {
		t.Helper()
		if b, err := os.ReadFile(filepath.Join(data, name)); string(b) != text {
			t.Errorf("%s is %q, want %q: %v", name, b, text, err)
		}
	}
	take := func(n int) {
		t.Helper()
		if notes, err := provision(selector, data); err != nil || len(notes) != n {
			t.Errorf("%q, %v", notes, err)
		}
	}
	take(0)
	put(selector, "phone.toml", "a")
	put(selector, "authorized_keys", "k")
	take(2)
	want("config.toml", "a")
	want("authorized_keys", "k")
	put(data, "config.toml", "console")
	take(0)
	want("config.toml", "console")
	put(selector, "phone.toml", "b")
	take(1)
	want("config.toml", "b")
	put(data, takenFile, "damaged")
	take(2)
	put(selector, "phone.board", strings.Repeat("x", maxProvision+1))
	if _, err := provision(selector, data); err == nil || !strings.Contains(err.Error(), "phone.board") {
		t.Error(err)
	}
}

// Modules are loaded in the order of the list; one that fails keeps none from loading.
func TestModules(t *testing.T) {
	dir := t.TempDir()
	if err := loadModules(dir, nil); err != nil {
		t.Error(err)
	}
	os.WriteFile(filepath.Join(dir, "order"), []byte("b.ko\nmissing.ko\na.ko\nc.ko\n"), 0o600)
	for _, name := range []string{"a.ko", "b.ko", "c.ko"} {
		os.WriteFile(filepath.Join(dir, name), nil, 0o600)
	}
	var order []string
	err := loadModules(dir, func(f *os.File) error {
		order = append(order, filepath.Base(f.Name()))
		switch len(order) {
		case 1:
			return unix.EEXIST
		case 2:
			return unix.ENODEV
		}
		return nil
	})
	if !slices.Equal(order, []string{"b.ko", "a.ko", "c.ko"}) {
		t.Error(order)
	}
	if !errors.Is(err, unix.ENODEV) || !strings.Contains(err.Error(), "missing.ko") || strings.Contains(err.Error(), "b.ko") {
		t.Error(err)
	}
}
