package threats

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

// keyring is somebody who manages phones.
type keyring struct {
	t   testing.TB
	key ssh.Signer
}

func newKeyring(t testing.TB) *keyring {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return &keyring{t, signer}
}

// manages lets the keyring into a phone.
func (k *keyring) manages(p *phone, options string) {
	k.t.Helper()
	line := options + string(ssh.MarshalAuthorizedKey(k.key.PublicKey()))
	if err := os.WriteFile(filepath.Join(p.dir, "authorized_keys"), []byte(line), 0o600); err != nil {
		k.t.Fatal(err)
	}
}

// tries gives a command at a phone.
func (k *keyring) tries(p *phone, in io.Reader, line string) (out, errOut string, status int) {
	k.t.Helper()
	client, err := ssh.Dial("tcp", net.JoinHostPort(p.ip, "2222"), &ssh.ClientConfig{
		User: "admin", Auth: []ssh.AuthMethod{ssh.PublicKeys(k.key)}, HostKeyCallback: ssh.InsecureIgnoreHostKey(), Timeout: soon,
	})
	if err != nil {
		k.t.Fatal(err)
	}
	defer client.Close()
	session, err := client.NewSession()
	if err != nil {
		k.t.Fatal(err)
	}
	var o, e bytes.Buffer
	session.Stdin, session.Stdout, session.Stderr = in, &o, &e
	err = session.Run(line)
	var exit *ssh.ExitError
	if errors.As(err, &exit) {
		status = exit.ExitStatus()
	} else if err != nil {
		k.t.Fatalf("%s: %v", line, err)
	}
	return o.String(), e.String(), status
}

// does gives a command that must succeed.
func (k *keyring) does(p *phone, in io.Reader, line string) string {
	k.t.Helper()
	out, errOut, status := k.tries(p, in, line)
	if status != 0 {
		k.t.Fatalf("%s: %s", line, errOut)
	}
	return out
}

// calls lifts the handset and dials.
func (p *phone) calls(number string) { p.do("off", "keys "+number+"#") }

// reaches reports whether a call from a rings at b; it ends it.
func reaches(t testing.TB, a, b *phone, number string) bool {
	t.Helper()
	a.seen(callEnded)
	b.seen(rings)
	a.calls(number)
	rang := false
	a.expect("ringing or the end of a call", func(e event) bool {
		if e.Event == "display" && slices.Contains(e.Lines, "not connected") {
			return true // it does not even try
		}
		if e.Event != "call" {
			return false
		}
		rang = rang || e.State == "ringing"
		return e.State == "ringing" || e.State == "ended"
	})
	a.do("on")
	if rang {
		b.expect("a bell", rings)
		a.expect("the end of the call", callEnded)
		b.expect("the end of the call", callEnded)
	}
	return rang
}

// crowd is an office of three: 101 founds it, and 102 and 103 join.
func crowd(t testing.TB, host int, accounts ...string) (dir string, phones [3]*phone) {
	t.Helper()
	dir = t.TempDir()
	phones[0] = start(t, dir, host, foundArgs("office", accounts...)...)
	for i := 1; i < 3; i++ {
		phones[i] = start(t, dir, host+i, "--join", "314159", "--peer", phones[0].ip)
	}
	return dir, phones
}

// clone copies a data directory, as somebody who took the card does.
func clone(t testing.TB, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

// finds reports in which files below a directory a secret can be read.
func finds(t testing.TB, dir, secret string) (files []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		if strings.Contains(string(text), secret) {
			files = append(files, filepath.Base(path))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
