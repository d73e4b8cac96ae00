package threats

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// T10: a stolen telephone is revoked at any telephone of the office, and all others
// refuse it within seconds: it calls nobody, and its calls ring nowhere. T11: so is a copy of
// its card, also one that was not there when it was revoked.
func TestStolenPhone(t *testing.T) {
	t.Parallel()
	_, phones := crowd(t, 201)
	reception, workshop, stolen := phones[0], phones[1], phones[2]
	admin := newKeyring(t)
	admin.manages(workshop, "")
	trainee := newKeyring(t)
	trainee.manages(reception, `environment="ROLE=viewer" `)

	// The negative control: it is one of them, until it is revoked.
	if !reaches(t, stolen, reception, "101") || !reaches(t, workshop, stolen, "103") {
		t.Fatal("the telephones do not reach each other at first")
	}
	card := filepath.Join(t.TempDir(), "204")
	clone(t, stolen.dir, card)
	if _, errOut, status := trainee.tries(reception, nil, "revoke 103"); status == 0 || !strings.Contains(errOut, "may only look") {
		t.Errorf("somebody who may only look revokes: %d, %q", status, errOut)
	}

	began := time.Now()
	admin.does(workshop, nil, "revoke 103")
	for deadline := time.Now().Add(soon); !revoked(t, trainee.does(reception, nil, "members --json"), "103"); {
		if time.Now().After(deadline) {
			t.Fatal("another telephone does not know that it is revoked")
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Logf("known to others after %v", time.Since(began))
	for range 3 {
		if reaches(t, stolen, reception, "101") || reaches(t, stolen, workshop, "102") {
			t.Error("a stolen telephone calls")
		}
	}
	if reaches(t, workshop, stolen, "103") {
		t.Error("a stolen telephone is called")
	}

	// A copy of its card in other hardware, which has not heard of it.
	stolen.stop()
	reception.seen(rings)
	workshop.seen(rings)
	copied := launch(t, filepath.Dir(card), 204, "--peer", reception.ip)
	for range 5 { // as soon as it runs, and later
		copied.do("off", "keys 101#", "on", "off", "keys 102#", "on")
		time.Sleep(time.Second)
	}
	if !reaches(t, reception, workshop, "102") { // all that is under way comes before it
		t.Error("the others do not reach each other any more")
	}
	if n := reception.seen(rings) + workshop.seen(rings); n != 0 {
		t.Errorf("calls of a copied card rang %d times", n)
	}
}

// revoked reads members --json: who was revoked is marked, and soon not there any more.
func revoked(t testing.TB, text, extension string) bool {
	t.Helper()
	var members []struct {
		Extension string
		Revoked   bool
	}
	if err := json.Unmarshal([]byte(text), &members); err != nil {
		t.Fatal(err)
	}
	for _, m := range members {
		if m.Extension == extension && !m.Revoked {
			return false
		}
	}
	return len(members) > 0
}

// T11: what somebody can read who takes the card out of a telephone. Neither the
// passwords of clients nor the messages of others are there; the telephone's own key
// is, which is why it is to be revoked (the negative control of the search).
func TestStolenCard(t *testing.T) {
	t.Parallel()
	_, phones := crowd(t, 211, "alice", "bob")
	admin := newKeyring(t)
	for _, p := range phones {
		admin.manages(p, "")
	}
	const text = "the safe opens with left right left"
	// bob is nowhere: his message waits in the ring, sealed.
	alice := phones[1].udp(214, 0, "alice").register()
	if m := alice.ask("MESSAGE", "sip:bob@office", "<sip:bob@office>", "Content-Type: text/plain", text); m.status() != 202 {
		t.Fatalf("the message is not kept: %s", m.start)
	}

	for i, p := range phones {
		for _, secret := range []string{"secret-alice", "secret-bob", text} {
			if files := finds(t, p.dir, secret); files != nil {
				t.Errorf("%q can be read on the card of %d in %v", secret, 101+i, files)
			}
		}
		if files := finds(t, p.dir, "PRIVATE KEY"); !slices.Contains(files, "identity.pem") {
			t.Errorf("the search finds nothing: %v", files)
		}
		for _, name := range []string{"identity.pem", "chordophone.db", "ssh_host_key"} {
			if info, err := os.Stat(filepath.Join(p.dir, name)); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%s: %v, %v", name, info.Mode(), err)
			}
		}
	}
}
