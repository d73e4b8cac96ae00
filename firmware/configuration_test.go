package firmware

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"chordophone/overlay"
	"chordophone/overlay/chord"
	"chordophone/overlay/identity"
	"chordophone/overlay/link"
	"chordophone/overlay/reload"
	"chordophone/overlay/reload/config"
)

var _ link.Configuration = (*configuration)(nil)

func foundOffice(t *testing.T, office string) *identity.Identity {
	t.Helper()
	id, err := identity.Found(office, 0)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// enrolBy is a phone that another enrols, with the document that one hands over.
func enrolBy(t *testing.T, by *identity.Identity, ext int, document func() []byte) *identity.Identity {
	t.Helper()
	door := identity.NewEnroller(by, func(_ context.Context, n identity.Newcomer) (int, error) {
		_, err := n.Issue(ext)
		return ext, err
	}, slog.New(slog.DiscardHandler))
	door.Configuration = document
	if err := door.Open("123456", 0); err != nil {
		t.Fatal(err)
	}
	outside, inside := net.Pipe()
	var serving sync.WaitGroup
	defer serving.Wait()
	serving.Go(func() {
		if err := door.Serve(t.Context(), tls.Server(inside, by.ServerTLS())); err != nil {
			t.Error(err)
		}
	})
	id, _, err := identity.EnrolOver(t.Context(), outside, "123456", 0)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func open(dir string, id *identity.Identity) *configuration {
	return openConfiguration(dir, id, slog.New(slog.DiscardHandler))
}

// signedDocument is an office's document as the founder's firmware would write it, but
// for change.
func signedDocument(t *testing.T, founder *identity.Identity, change func(*config.Document)) []byte {
	t.Helper()
	key, err := founder.OfficeKey()
	if err != nil {
		t.Fatal(err)
	}
	d := config.New(founder.Office(), key.ID(), founder.Root())
	change(d)
	octets, err := d.Sign(key)
	if err != nil {
		t.Fatal(err)
	}
	return octets
}

func sequence(n uint16) func(*config.Document) { return func(d *config.Document) { d.Sequence = n } }

func update(c link.Configuration, octets []byte) error {
	return c.Update(overlay.ID{}, reload.ConfigUpdateReq{Type: reload.ConfigDocument, Document: octets})
}

// kept is what office.xml holds; nil: there is none.
func kept(t *testing.T, dir string) []byte {
	t.Helper()
	path := filepath.Join(dir, configurationFile)
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	octets, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return octets
}

// want compares what a phone has and keeps.
func want(t *testing.T, what, dir string, c *configuration, n uint16, octets []byte) {
	t.Helper()
	if c.Sequence() != n || !bytes.Equal(c.Document(), octets) {
		t.Errorf("%s: sequence %d with %d octets, want %d with %d", what, c.Sequence(), len(c.Document()), n, len(octets))
	}
	if got := kept(t, dir); !bytes.Equal(got, octets) {
		t.Errorf("%s: %d octets are kept, want %d", what, len(got), len(octets))
	}
}

func TestConfigurationFounded(t *testing.T) {
	dir, founder := t.TempDir(), foundOffice(t, "acme")
	octets := open(dir, founder).Document()
	if octets == nil {
		t.Fatal("no document")
	}
	want(t, "again", dir, open(dir, founder), 1, octets) // the same one
	for _, verify := range []config.VerifyFunc{founder.Verify, founder.VerifyOffice} {
		if _, err := config.Open(octets, "acme", verify); err != nil {
			t.Error(err)
		}
	}
	// Where it cannot be kept the phone has it all the same.
	if c := open(filepath.Join(dir, "none"), founder); c.Sequence() != 1 || c.Document() == nil {
		t.Error("no document without a directory for it")
	}
}

// TestConfigurationHanded: from the founder to the second, from that to the third.
func TestConfigurationHanded(t *testing.T) {
	founder := foundOffice(t, "acme")
	c := open(t.TempDir(), founder)
	if err := update(c, signedDocument(t, founder, sequence(2))); err != nil {
		t.Fatal(err)
	}
	octets := c.Document()
	by := founder
	for ext := 102; ext <= 103; ext++ {
		id := enrolBy(t, by, ext, c.Document)
		if err := checkHanded(id); err != nil {
			t.Error(err)
		}
		// What the directory holds from an earlier life makes way.
		dir, foreign := t.TempDir(), foundOffice(t, "acme")
		open(dir, foreign)
		c = open(dir, id)
		want(t, id.User(), dir, c, 2, octets)

		// Nor is it forgotten, or replaced by an older one.
		if err := id.Save(dir); err != nil {
			t.Fatal(err)
		}
		loaded, err := identity.Load(dir)
		if err != nil {
			t.Fatal(err)
		}
		want(t, id.User()+" restarted", dir, open(dir, loaded), 2, octets)
		older := enrolBy(t, founder, ext, func() []byte { return signedDocument(t, founder, sequence(1)) })
		want(t, id.User()+" enrolled again", dir, open(dir, older), 2, octets)
		by = id
	}
	none := enrolBy(t, by, 104, nil)
	if err := checkHanded(none); err != nil {
		t.Error(err)
	}
}

// TestConfigurationMissing: a phone without a document is like one with the first,
// and takes over what the office's key signed.
func TestConfigurationMissing(t *testing.T) {
	founder := foundOffice(t, "acme")
	member := enrolBy(t, founder, 102, nil)
	for _, n := range []uint16{1, 2, 30000} {
		dir := t.TempDir()
		c := open(dir, member)
		want(t, "none", dir, c, 1, nil)
		if err := c.Update(founder.ID(), reload.ConfigUpdateReq{Type: reload.ConfigKinds, Kinds: [][]byte{{}}}); err == nil {
			t.Error("Kinds without a document")
		}
		octets := signedDocument(t, founder, sequence(n))
		if err := update(c, octets); err != nil {
			t.Error(err)
		}
		want(t, "taken", dir, c, n, octets)
		want(t, "restarted", dir, open(dir, member), n, octets)
	}
}

// TestConfigurationRefused: what is not the office's document, or not newer,
// changes nothing, whichever way it comes in.
func TestConfigurationRefused(t *testing.T) {
	founder := foundOffice(t, "acme")
	member := enrolBy(t, founder, 102, nil)
	first, third := signedDocument(t, founder, sequence(1)), signedDocument(t, founder, sequence(3))
	by := func(id *identity.Identity) []byte {
		d := config.New("acme", id.ID(), founder.Root())
		d.Sequence = 4
		octets, err := d.Sign(id)
		if err != nil {
			t.Fatal(err)
		}
		return octets
	}
	good := signedDocument(t, founder, sequence(4))
	for _, bad := range []struct {
		name   string
		octets []byte
	}{
		{"tampered", bytes.Replace(good, []byte(`sequence="4"`), []byte(`sequence="5"`), 1)},
		{"cut off", good[:len(good)/2]},
		{"empty", []byte{}},
		{"of another office", signedDocument(t, foundOffice(t, "other"), sequence(4))},
		{"of another office of that name", signedDocument(t, foundOffice(t, "acme"), sequence(4))},
		{"by a member", by(member)},
		{"by the founder's phone", by(founder)},
		{"older", signedDocument(t, founder, sequence(0))},
		{"too long", append(bytes.Clone(good), bytes.Repeat([]byte(" "), config.MaxDocument)...)},
	} {
		dir := t.TempDir()
		c := open(dir, member)
		if err := update(c, bad.octets); err == nil {
			t.Errorf("%s: taken as the first", bad.name)
		}
		want(t, bad.name, dir, c, 1, nil)

		if err := update(c, third); err != nil {
			t.Fatal(err)
		}
		if err := update(c, bad.octets); !errors.As(err, new(reload.Refusal)) {
			t.Errorf("%s: %v after another", bad.name, err)
		}
		want(t, bad.name, dir, c, 3, third)

		if len(bad.octets) > 0 && len(bad.octets) < config.MaxDocument { // as the wire carries
			handed := enrolBy(t, founder, 103, func() []byte { return bad.octets })
			if err := checkHanded(handed); !errors.Is(err, identity.ErrForeign) {
				t.Errorf("%s: handed over: %v", bad.name, err)
			}
			want(t, bad.name, dir, open(dir, handed), 3, third)
			dir := t.TempDir()
			want(t, bad.name, dir, open(dir, handed), 1, nil)
		}
	}
	dir := t.TempDir()
	c := open(dir, member)
	if err := errors.Join(update(c, third), update(c, good)); err != nil {
		t.Fatal(err)
	}
	for _, octets := range [][]byte{first, third, good} {
		if err := update(c, octets); !errors.Is(err, config.ErrSequence) {
			t.Error(err)
		}
	}
	want(t, "newest", dir, c, 4, good)
}

// TestConfigurationDamaged: the file is set aside and the phone goes on.
func TestConfigurationDamaged(t *testing.T) {
	founder := foundOffice(t, "acme")
	member := enrolBy(t, founder, 102, nil)
	good := signedDocument(t, founder, sequence(2))
	for name, octets := range map[string][]byte{
		"empty":    {},
		"cut off":  good[:len(good)-100],
		"tampered": bytes.Replace(good, []byte(`sequence="2"`), []byte(`sequence="3"`), 1),
		"foreign":  signedDocument(t, foundOffice(t, "acme"), sequence(2)),
		"too long": bytes.Repeat([]byte(" "), config.MaxDocument+1),
	} {
		for _, id := range []*identity.Identity{member, founder} {
			dir := t.TempDir()
			path := filepath.Join(dir, configurationFile)
			if err := os.WriteFile(path, octets, 0o600); err != nil {
				t.Fatal(err)
			}
			c := open(dir, id)
			if aside, err := os.ReadFile(path + ".damaged"); err != nil || !bytes.Equal(aside, octets) {
				t.Errorf("%s: %d octets set aside, %v", name, len(aside), err)
			}
			if id == member {
				want(t, name, dir, c, 1, nil)
			} else if c.Document() == nil {
				t.Errorf("%s: the founder makes no other", name)
			}
			if err := update(c, good); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			want(t, name, dir, c, 2, good)
		}
	}
	// Not a file at all.
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, configurationFile), 0o700); err != nil {
		t.Fatal(err)
	}
	want(t, "directory", dir, open(dir, member), 1, nil)
}

// told tells of updates.
type told struct {
	*configuration
	updated chan error
}

func (c told) Update(from overlay.ID, req reload.ConfigUpdateReq) error {
	err := c.configuration.Update(from, req)
	c.updated <- err
	return err
}

// TestConfigurationSpreads: of three phones with real links the founder has the
// second document, the next the first and the last none. Each asks only its
// neighbour; both end with the second one.
func TestConfigurationSpreads(t *testing.T) {
	founder := foundOffice(t, "acme")
	second := enrolBy(t, founder, 102, func() []byte { return signedDocument(t, founder, sequence(1)) })
	third := enrolBy(t, second, 103, nil)
	newest := signedDocument(t, founder, sequence(2))
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	next := func(l *link.Link) chord.Event {
		t.Helper()
		select {
		case ev := <-l.Events():
			return ev
		case <-time.After(10 * time.Second):
			t.Fatal("no event")
			return nil
		}
	}
	var links []*link.Link
	var dirs []string
	var documents []told
	for i, id := range []*identity.Identity{founder, second, third} {
		dir := t.TempDir()
		c := told{open(dir, id), make(chan error, 8)}
		if i == 0 {
			if err := update(c.configuration, newest); err != nil {
				t.Fatal(err)
			}
		}
		l, err := link.Listen(link.Config{
			Self: overlay.Peer{ID: id.ID(), Addr: netip.MustParseAddrPort("127.0.0.1:0")}, Office: id.Office(),
			TLS: id.ClientTLS, ServerTLS: id.ServerTLS(), NodeOf: identity.NodeOf,
			Sign: id.Sign, Verify: id.Verify, VerifyRecord: id.VerifyRecord, Configuration: c,
		})
		if err != nil {
			t.Fatal(err)
		}
		running.Go(func() {
			if err := l.Run(ctx); err != nil {
				t.Error(err)
			}
		})
		links, dirs, documents = append(links, l), append(dirs, dir), append(documents, c)
	}
	tx := uint64(0)
	ping := func(from, to *link.Link) {
		tx++
		from.Send(to.Self(), chord.Message{Tx: tx, From: from.Self(), To: []chord.Dest{{ID: to.Self().ID}}, TTL: 100, Body: chord.Ping{}})
	}
	for i := 1; i < len(links); i++ {
		want(t, "before", dirs[i], documents[i].configuration, 1, documents[i].Document())
		ping(links[i], links[i-1])
		if got, ok := next(links[i]).(chord.Receive); !ok || got.Msg.Body != (chord.Error{Code: chord.ConfigTooOld, Info: "2"}) {
			t.Errorf("%#v", got)
		}
		select {
		case err := <-documents[i].updated:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(10 * time.Second):
			t.Fatal("no document came")
		}
		want(t, "after", dirs[i], documents[i].configuration, 2, newest)
	}
	for i, l := range links { // now they understand each other
		to := links[(i+1)%len(links)]
		ping(l, to)
		if got, ok := next(to).(chord.Receive); !ok || got.Msg.Body != (chord.Ping{}) {
			t.Errorf("%#v", got)
		}
	}
}
