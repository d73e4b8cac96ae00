package manage

import (
	"crypto/rand"
	"crypto/rsa"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

func TestParseAuthorizedKeys(t *testing.T) {
	key := newKey(t)
	line := authorizedLine(key)
	weak, _ := rsa.GenerateKey(rand.Reader, 1024)
	weakKey, err := ssh.NewPublicKey(&weak.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	ca := &ssh.Certificate{Key: key.PublicKey(), CertType: ssh.UserCert}
	if err := ca.SignCert(rand.Reader, key); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, text string
		keys, bad  int
	}{
		{"empty", "", 0, 0},
		{"plain", line, 1, 0},
		{"twice", line + "\n" + line + "\n", 1, 0},
		{"comments", "# anna\n\n  \t\n" + line + "\n", 1, 0},
		{"written on Windows", "\ufeff# anna\r\n" + line + "\r\n\r\n", 1, 0},
		{"no line end", "# anna\n" + line, 1, 0},
		{"restricted as everybody is", "restrict,pty,no-port-forwarding " + line, 1, 0},
		{"forced command", `command="status" ` + line, 0, 1},
		{"source address", `from="192.0.2.0/24" ` + line, 0, 1},
		{"certificate authority", "cert-authority " + line, 0, 1},
		{"expires", `expiry-time="20260101" ` + line, 0, 1},
		{"a private key", "-----BEGIN OPENSSH PRIVATE KEY-----", 0, 1},
		{"cut", line[:40], 0, 1},
		{"one of two bad", "ssh-ed25519 AAAA\n" + line, 1, 1},
		{"certificate", string(ssh.MarshalAuthorizedKey(ca)), 0, 1},
		{"short RSA", string(ssh.MarshalAuthorizedKey(weakKey)), 0, 1},
		{"viewer", `environment="ROLE=viewer",restrict ` + line, 1, 0},
		{"admin", `environment="ROLE=admin" ` + line, 1, 0},
		{"another role", `environment="ROLE=root" ` + line, 0, 1},
		{"no role", `environment="ROLE=" ` + line, 0, 1},
		{"another environment", `environment="LD_PRELOAD=x" ` + line, 0, 1},
		{"binary", "\x00\xff\n\x00", 0, 2},
	} {
		keys, bad := parseAuthorizedKeys([]byte(c.text))
		if len(keys) != c.keys || len(bad) != c.bad {
			t.Errorf("%s: %d keys, %v", c.name, len(keys), bad)
		}
		if _, ok := keys[string(key.PublicKey().Marshal())]; ok != (c.keys > 0) {
			t.Errorf("%s: the key is in: %v", c.name, ok)
		}
	}
	if keys, _ := parseAuthorizedKeys([]byte(line)); keys[string(key.PublicKey().Marshal())] != (authorized{"anna@desk", admin}) {
		t.Errorf("%v", keys)
	}
	if _, bad := parseAuthorizedKeys([]byte("\n\nnonsense")); !strings.HasPrefix(bad[0].Error(), "line 3: ") {
		t.Error(bad)
	}
}

func FuzzAuthorizedKeys(f *testing.F) {
	f.Add([]byte("restrict ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGK0wmN/Cr3JXqmLW7u+g9pTh+wyqDHpSQEIQczXkVx9 anna"))
	f.Add([]byte("\ufeffcommand=\"\\\"\" ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAAA=="))
	f.Fuzz(func(t *testing.T, content []byte) {
		keys, bad := parseAuthorizedKeys(content)
		if lines := strings.Count(string(content), "\n") + 1; len(keys)+len(bad) > lines {
			t.Errorf("%d keys and %d complaints from %d lines", len(keys), len(bad), lines)
		}
	})
}
