package manage

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"
)

func TestHostKeyStays(t *testing.T) {
	c := start(t, new(fakePhone))
	first := c.Fingerprint()
	c.dial()
	c.stop()
	path := filepath.Join(c.dir, HostKeyFile)
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o600 {
		t.Fatalf("%v, %v", info.Mode(), err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	c.run(new(fakePhone))
	c.dial()
	if c.Fingerprint() != first {
		t.Error("another host key after a restart")
	}
	after, _ := os.ReadFile(path)
	if info, err = os.Stat(path); err != nil || info.Mode() != 0o600 || !bytes.Equal(before, after) {
		t.Errorf("the file changed: %v, %v", info.Mode(), err)
	}
	if left, _ := filepath.Glob(path + ".*"); left != nil {
		t.Errorf("left over: %v", left)
	}

	c.stop()
	rsaKey, _ := rsa.GenerateKey(rand.Reader, 2048)
	block, _ := ssh.MarshalPrivateKey(rsaKey, "")
	for name, content := range map[string][]byte{"empty": nil, "damaged": before[:len(before)/2], "an RSA key": block.Bytes} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := New(Config{Listen: netip.MustParseAddrPort("127.0.0.1:0"), Dir: c.dir, Phone: new(fakePhone), Log: discard})
		if !errors.Is(err, ErrHostKey) || !errors.As(err, new(hinted)) {
			t.Errorf("%s: %v", name, err)
		}
		if now, _ := os.ReadFile(path); !bytes.Equal(now, content) {
			t.Errorf("%s: overwritten", name)
		}
	}
}

// Two processes that make the key at the same time agree.
func TestHostKeyIsMadeOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), HostKeyFile)
	prints := make(chan string, 8)
	var all sync.WaitGroup
	for range cap(prints) {
		all.Go(func() {
			s, err := hostKey(path, discard)
			if err != nil {
				t.Error(err)
				return
			}
			prints <- ssh.FingerprintSHA256(s.PublicKey())
		})
	}
	all.Wait()
	close(prints)
	first := <-prints
	for p := range prints {
		if p != first {
			t.Errorf("%s and %s", first, p)
		}
	}
}
