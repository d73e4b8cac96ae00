//go:build interop

package identity

import (
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// OpenSSL accepts the chains, sees in them what RFC 6940 wants, and reads the key
// out of the identity file.
func TestOpenSSL(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, certs ...[]byte) string {
		var b []byte
		for _, c := range certs {
			b = append(b, pem.EncodeToMemory(&pem.Block{Type: certBlock, Bytes: c})...)
		}
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	run := func(args ...string) string {
		t.Helper()
		out, err := exec.Command("openssl", args...).CombinedOutput()
		if err != nil {
			t.Fatalf("openssl %v: %v\n%s", args, err, out)
		}
		return string(out)
	}
	id := found(t, "acme")
	root := write("root.pem", id.Root())
	for ext := 102; ext < 105; ext++ {
		id = enrolled(t, id, ext)
		leaf := write("leaf.pem", id.chain[0])
		above := write("above.pem", id.chain[1:]...)
		args := []string{"verify", "-x509_strict", "-CAfile", root}
		if len(id.chain) > 1 {
			args = append(args, "-untrusted", above)
		}
		for _, purpose := range []string{"sslserver", "sslclient"} {
			if out := run(append(args, "-purpose", purpose, leaf)...); !strings.Contains(out, ": OK") {
				t.Error(out)
			}
		}
		text := run("x509", "-in", leaf, "-noout", "-subject", "-ext", "subjectAltName")
		for _, want := range []string{"subject=\n", "email:" + id.User(), "URI:reload://0110" + id.ID().String() + "@acme/"} {
			if !strings.Contains(text, want) {
				t.Errorf("no %q in\n%s", want, text)
			}
		}
	}
	if err := id.Save(dir); err != nil {
		t.Fatal(err)
	}
	run("pkey", "-in", filepath.Join(dir, File), "-noout", "-check")
}
