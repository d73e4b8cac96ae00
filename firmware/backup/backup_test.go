package backup

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"chordophone/overlay"
	"chordophone/overlay/identity"
)

// Onto a new telephone: it is the old one, with all that it knew, and what it
// writes from now on is newer than what the old one wrote.
func TestNewTelephone(t *testing.T) {
	old := reception(t)
	var b bytes.Buffer
	if m, err := Make(&b, passphrase, old.dir, old.db, "1.2.3"); err != nil || m.Version != "1.2.3" || m.Records != 2 {
		t.Fatalf("%+v, %v", m, err)
	}
	file := b.Bytes()
	for _, secret := range []string{"Workshop", "acme", "PRIVATE KEY", "Reception"} {
		if bytes.Contains(file, []byte(secret)) {
			t.Errorf("%q is there to be read", secret)
		}
	}
	p := empty(t)
	done, err := p.restore(file, Options{})
	if err != nil || done.Office != "acme" || done.Extension != 101 || done.Applied != 2 || done.Refused != 0 || done.Calls != 3 {
		t.Fatalf("%+v, %v", done, err)
	}
	id, err := identity.Load(p.dir)
	if err != nil || id.ID() != old.id.ID() || !id.Founder() {
		t.Fatalf("%v", err)
	}
	if got := p.values(); !slices.Equal(got, old.values()) {
		t.Errorf("%q", got)
	}
	for _, name := range []string{"config.toml", "authorized_keys", identity.File} {
		if p.reads(name) != old.reads(name) {
			t.Errorf("%s differs", name)
		}
	}
	calls, _ := p.db.Calls(10)
	were, _ := old.db.Calls(10)
	if !slices.Equal(calls, were) {
		t.Errorf("%v", calls)
	}
	if epoch, err := p.db.Epoch(); err != nil || epoch < 9 {
		t.Errorf("counts on from epoch %d, %v", epoch, err)
	}
	// Once more changes nothing, and says so.
	if done, err := p.restore(file, Options{}); err != nil || done.Applied != 0 || done.Files != nil {
		t.Errorf("%+v, %v", done, err)
	}
	if calls, _ := p.db.Calls(10); len(calls) != 3 {
		t.Errorf("%d calls", len(calls))
	}
}

// Onto the same telephone: what it has written since stays.
func TestSameTelephone(t *testing.T) {
	p := reception(t)
	file := p.backup()
	p.stores("102", "Workshop, new", 8)
	p.writes("config.toml", "name = \"Front desk\"\n")
	p.writes("authorized_keys", "ssh-ed25519 BBBB bob\n")
	if _, err := p.restore(file, Options{}); !errors.Is(err, ErrOlder) || p.reads("config.toml") != "name = \"Front desk\"\n" {
		t.Errorf("%v", err)
	}
	done, err := p.restore(file, Options{Older: true})
	if err != nil || !slices.Equal(done.Files, []string{"config.toml"}) || done.Applied != 0 {
		t.Errorf("%+v, %v", done, err)
	}
	if got := p.values(); !slices.Equal(got, []string{"102=Workshop, new", "103=Store"}) {
		t.Errorf("%q", got)
	}
	if got := p.reads("authorized_keys"); got != "ssh-ed25519 BBBB bob\n" {
		t.Errorf("who was shut out may enter again: %q", got)
	}
	// A telephone that lost its database gets it back.
	if err := p.db.Apply(nil, []overlay.Slot{{Resource: overlay.ResourceID("contacts:101@acme"), Kind: overlay.Contacts, Key: "102"}}); err != nil {
		t.Fatal(err)
	}
	if done, err := p.restore(file, Options{}); err != nil || done.Applied != 1 {
		t.Errorf("%+v, %v", done, err)
	}
}

func TestRefusals(t *testing.T) {
	old := reception(t)
	file := old.backup()
	second := owned(t, enrolled(t, old.id))
	for name, c := range map[string]struct {
		on   *telephone
		file []byte
		o    Options
		want error
	}{
		"another office":      {on: owned(t, found(t, "other")), file: file, want: ErrOffice},
		"same name, new root": {on: owned(t, found(t, "acme")), file: file, o: Options{Older: true, Replace: true}, want: ErrOffice},
		"another telephone":   {on: second, file: file, want: ErrTelephone},
		"it is alive":         {on: second, file: file, o: Options{Replace: true, Online: func(n overlay.ID) bool { return n == old.id.ID() }}, want: ErrAlive},
		"nothing":             {on: empty(t), file: nil, want: ErrNoBackup},
		"something else":      {on: empty(t), file: []byte("hello"), want: ErrNoBackup},
		"cut short":           {on: empty(t), file: file[:len(file)-1], want: ErrDamaged},
		"one bit":             {on: empty(t), file: flipped(file, len(file)-20), want: ErrDamaged},
		"more behind":         {on: empty(t), file: append(slices.Clone(file), 'x'), want: ErrDamaged},
	} {
		before, values := c.on.reads(identity.File), c.on.values()
		_, err := c.on.restore(c.file, c.o)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
		var hinted interface{ Hint() string }
		if !errors.As(err, &hinted) || hinted.Hint() == "" {
			t.Errorf("%s: no hint", name)
		}
		if c.on.reads(identity.File) != before || !slices.Equal(c.on.values(), values) {
			t.Errorf("%s: something was changed", name)
		}
	}
	p := empty(t)
	if _, err := Restore(bytes.NewReader(file), passphrase+"x", p.dir, p.db, Options{}); !errors.Is(err, ErrWrong) {
		t.Error(err)
	}
	if _, err := Restore(bytes.NewReader(file), "", p.dir, p.db, Options{}); !errors.Is(err, ErrWrong) {
		t.Error(err)
	}
	if _, err := Make(new(bytes.Buffer), "too short", old.dir, old.db, ""); !errors.Is(err, ErrPassphrase) {
		t.Error(err)
	}
	if _, err := Make(new(bytes.Buffer), passphrase, p.dir, p.db, ""); !errors.Is(err, identity.ErrNone) {
		t.Error(err)
	}
	// The negative control: the same file is good, and replaces a telephone that
	// is away. The identity that was here is kept aside.
	was := second.reads(identity.File)
	done, err := second.restore(file, Options{Replace: true, Online: func(overlay.ID) bool { return false }})
	if err != nil || !slices.Contains(done.Files, identity.File) || second.reads(identity.File+".replaced") != was {
		t.Errorf("%+v, %v", done, err)
	}
}

// A record that nobody of the office signed is not taken in.
func TestForgedRecord(t *testing.T) {
	old := reception(t)
	evil := owned(t, found(t, "acme"))
	evil.stores("102", "Evil", 99)
	if err := evil.db.Load(func(r overlay.Record) error { return old.db.Apply([]overlay.Record{r}, nil) }); err != nil {
		t.Fatal(err)
	}
	p := empty(t)
	done, err := p.restore(old.backup(), Options{})
	if err != nil || done.Refused != 1 || slices.Contains(p.values(), "102=Evil") {
		t.Errorf("%+v, %v, %q", done, err, p.values())
	}
}

func flipped(b []byte, at int) []byte {
	b = slices.Clone(b)
	b[at] ^= 1
	return b
}

// No archive makes it panic or take more than its bounds.
func FuzzRead(f *testing.F) {
	c := &content{manifest: Manifest{Format: format}, files: map[string][]byte{identity.File: []byte("x")}}
	var b bytes.Buffer
	if err := c.write(&b); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		read(bytes.NewReader(data))
		parseRecords(data)
	})
}
