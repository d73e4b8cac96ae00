package manage

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/crypto/ssh"
)

func TestAuthorizedKeysAreReadAgain(t *testing.T) {
	c := start(t, new(fakePhone))
	path := filepath.Join(c.dir, AuthorizedKeysFile)
	c.dial()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	c.refused(c.config(ssh.PublicKeys(c.key)))
	c.refused(c.config(ssh.PublicKeys(c.key)))
	if n := c.logs.count("put the public key"); n != 1 {
		t.Errorf("where to put a key is said %d times", n)
	}
	if n := c.logs.count(path); n == 0 {
		t.Error("the path is not named")
	}
	other := newKey(t)
	c.authorize(authorizedLine(other))
	c.refused(c.config(ssh.PublicKeys(c.key)))
	c.key = other
	c.dial()
}

// A phone without authorized_keys serves, and says what to do.
func TestNoAuthorizedKeys(t *testing.T) {
	c := &console{t: t, dir: t.TempDir(), key: newKey(t), logs: new(logs)}
	c.run(new(fakePhone))
	c.refused(c.config(ssh.PublicKeys(c.key)))
	if n := c.logs.count("put the public key"); n != 1 {
		t.Errorf("said %d times", n)
	}
	c.authorize(authorizedLine(c.key))
	c.dial()
}
