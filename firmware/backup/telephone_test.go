package backup

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"chordophone/overlay"
	"chordophone/overlay/identity"
	"chordophone/storage"
)

const passphrase = "correct horse battery staple"

// telephone is a data directory with its database.
type telephone struct {
	t   *testing.T
	dir string
	id  *identity.Identity // nil: not enrolled yet
	db  *storage.DB
	at  uint32
}

func empty(t *testing.T) *telephone {
	t.Helper()
	dir := t.TempDir()
	db, err := storage.Open(filepath.Join(dir, storage.File), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return &telephone{t: t, dir: dir, db: db}
}

// owned is a telephone with an identity.
func owned(t *testing.T, id *identity.Identity) *telephone {
	p := empty(t)
	p.id = id
	if err := id.Save(p.dir); err != nil {
		t.Fatal(err)
	}
	return p
}

func found(t *testing.T, office string) *identity.Identity {
	t.Helper()
	id, err := identity.Found(office, 0)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// enrolled is a further member.
func enrolled(t *testing.T, by *identity.Identity) *identity.Identity {
	t.Helper()
	e := identity.NewEnroller(by, func(_ context.Context, n identity.Newcomer) (int, error) {
		_, err := n.Issue(102)
		return 102, err
	}, slog.New(slog.DiscardHandler))
	if err := e.Open("123456", 0); err != nil {
		t.Fatal(err)
	}
	near, far := net.Pipe()
	served := make(chan error, 1)
	go func() {
		conn := tls.Server(far, by.ServerTLS())
		if err := conn.HandshakeContext(t.Context()); err != nil {
			served <- err
			return
		}
		served <- e.Serve(t.Context(), conn)
	}()
	id, _, err := identity.EnrolOver(t.Context(), near, "123456", 0)
	if err := errors.Join(err, <-served); err != nil {
		t.Fatal(err)
	}
	return id
}

// stores puts a record of the telephone into its database.
func (p *telephone) stores(key, value string, epoch uint32) {
	p.t.Helper()
	p.at++
	r := overlay.Record{
		Resource: overlay.ResourceID("contacts:" + p.id.User()), Kind: overlay.Contacts, Key: []byte(key),
		Version: overlay.MakeVersion(epoch, p.at), Lifetime: time.Hour, Value: []byte(value),
	}
	if err := p.id.SignRecord(&r); err != nil {
		p.t.Fatal(err)
	}
	if err := p.db.Apply([]overlay.Record{r}, nil); err != nil {
		p.t.Fatal(err)
	}
}

func (p *telephone) values() (all []string) {
	p.t.Helper()
	if err := p.db.Load(func(r overlay.Record) error { all = append(all, string(r.Key)+"="+string(r.Value)); return nil }); err != nil {
		p.t.Fatal(err)
	}
	slices.Sort(all)
	return all
}

func (p *telephone) writes(name, text string) {
	p.t.Helper()
	if err := os.WriteFile(filepath.Join(p.dir, name), []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

func (p *telephone) reads(name string) string {
	data, _ := os.ReadFile(filepath.Join(p.dir, name))
	return string(data)
}

// backup is what Make makes, but quicker to open.
func (p *telephone) backup() []byte {
	p.t.Helper()
	c, err := collect(p.dir, p.db, "1.2.3")
	if err != nil {
		p.t.Fatal(err)
	}
	var b bytes.Buffer
	if err := c.seal(&b, passphrase, 10); err != nil {
		p.t.Fatal(err)
	}
	return b.Bytes()
}

func (p *telephone) restore(file []byte, o Options) (Restored, error) {
	p.t.Helper()
	done, err := Restore(bytes.NewReader(file), passphrase, p.dir, p.db, o)
	if left, _ := filepath.Glob(filepath.Join(p.dir, "restore-*")); left != nil {
		p.t.Errorf("left over: %v", left)
	}
	return done, err
}

// reception is a telephone that has been in use.
func reception(t *testing.T) *telephone {
	p := owned(t, found(t, "acme"))
	p.writes("config.toml", "name = \"Reception\"\n")
	p.writes("authorized_keys", "ssh-ed25519 AAAA anna\n")
	p.stores("102", "Workshop", 7)
	p.stores("103", "Store", 7)
	for i := range 3 {
		err := p.db.AppendCall(storage.Call{Start: time.Unix(int64(1e9+i), 0).UTC(), Number: "102", Duration: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
	}
	return p
}
