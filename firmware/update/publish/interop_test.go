//go:build interop

package publish

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// tool is a program of Debian's package minisign.
func tool(t *testing.T, args ...string) (string, error) {
	t.Helper()
	out, err := exec.Command("minisign", args...).CombinedOutput()
	return string(out), err
}

// minisign itself verifies our releases, and we sign with the keys that it makes.
func TestMinisign(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	slot := write(t, at("a.slot"), strings.Repeat("all of a system ", 50_000))

	must(t, "keygen", "--out", at("ours"))
	if out, err := tool(t, "-G", "-W", "-p", at("theirs.pub"), "-s", at("theirs")); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, key := range []string{"ours", "theirs"} {
		must(t, "make", "--key", at(key), "--product", "arm64", "--version", "1.4.0", "--slot", slot, "--out", at("r"))
		manifest := must(t, "manifest", at("r"))
		write(t, at("m"), manifest)
		write(t, at("m.minisig"), must(t, "manifest", "--signature", at("r")))
		out, err := tool(t, "-V", "-p", at(key+".pub"), "-m", at("m"))
		if err != nil || !strings.Contains(out, "Trusted comment: chordophone arm64 1.4.0") {
			t.Errorf("%s: %v: %s", key, err, out)
		}
		must(t, "verify", "--keys", at(key+".pub"), at("r"))
		write(t, at("m"), strings.Replace(manifest, "1.4.0", "1.4.1", 1))
		if out, err := tool(t, "-V", "-p", at(key+".pub"), "-m", at("m")); err == nil {
			t.Errorf("%s: another version is signed, too: %s", key, out)
		}
	}
	if _, err := os.Stat(at("theirs.pub")); err != nil {
		t.Error(err)
	}
}

// A password costs a gigabyte and seconds, as minisign has it.
func TestPassword(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	slot := write(t, at("a.slot"), "all of a system")
	word := write(t, at("password"), "tuesday\n")
	must(t, "keygen", "--out", at("key"), "--password-file", word)
	args := []string{"make", "--key", at("key"), "--product", "arm64", "--version", "1.4.0", "--slot", slot, "--out", at("r"), "--password-file"}
	must(t, append(args, word)...)
	must(t, "verify", "--keys", at("key.pub"), at("r"))
	if code, out := run(append(args, slot)...); code != 1 || !strings.Contains(out, "wrong password") {
		t.Errorf("exit code %d: %s", code, out)
	}
}
