package publish

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// run is the command; what it writes to both outputs comes back.
func run(args ...string) (code int, out string) {
	var b bytes.Buffer
	code = Command(args, strings.NewReader(""), &b, &b)
	return code, b.String()
}

func must(t *testing.T, args ...string) string {
	t.Helper()
	code, out := run(args...)
	if code != 0 {
		t.Fatalf("%q: exit code %d: %s", args, code, out)
	}
	return out
}

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestPublish(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	slot := write(t, at("a.slot"), strings.Repeat("all of a system ", 50_000))

	if out := must(t, "keygen", "--out", at("key")); !strings.Contains(out, "key.pub") {
		t.Error(out)
	}
	if info, err := os.Stat(at("key")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the secret key: %v, %v", info, err)
	}
	if code, _ := run("keygen", "--out", at("key")); code != 1 {
		t.Error("a key was overwritten")
	}
	must(t, "keygen", "--out", at("other"))
	for _, command := range []string{"keygen", "make", "verify", "manifest"} {
		if out := must(t, command, "--help"); out != usage {
			t.Errorf("%s --help: %s", command, out)
		}
	}

	make := func(args ...string) []string {
		return append([]string{"make", "--product", "arm64", "--slot", slot, "--out", at("r")}, args...)
	}
	must(t, make("--key", at("key"), "--version", "v1.4.0", "--from", "1.2.0")...)
	out := must(t, "verify", "--keys", at("key.pub"), at("r"))
	if !strings.HasPrefix(out, "product arm64, version 1.4.0, from 1.2.0 on; 802816 octets in 4 chunks; release ") {
		t.Error(out)
	}
	if out := must(t, "manifest", at("r")); !strings.HasPrefix(out, "chordophone release 1\nproduct arm64\nversion 1.4.0\n") {
		t.Error(out)
	}
	if out := must(t, "manifest", "--signature", at("r")); !strings.Contains(out, "trusted comment: chordophone arm64 1.4.0\n") {
		t.Error(out)
	}

	good, err := os.ReadFile(at("r"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, at("torn"), string(good[:len(good)-1]))
	for _, tc := range []struct {
		want string
		code int
		args []string
	}{
		{"nobody this phone trusts", 1, []string{"verify", "--keys", at("other.pub"), at("r")}},
		{"hint: ", 1, []string{"verify", "--keys", at("nothing"), at("r")}},
		{"does not match", 1, []string{"verify", "--keys", at("key.pub"), at("torn")}},
		{"malformed", 1, []string{"verify", "--keys", at("key.pub"), "-"}},
		{"--password-file is missing", 2, make("--key", "testdata/encrypted.key", "--version", "1.4.0")},
		{"no minisign secret key", 1, make("--key", slot, "--version", "1.4.0")},
		{"three numbers", 2, make("--key", at("other"), "--version", "1.4")},
		{"three numbers", 2, make("--key", at("other"), "--version", "1.4.0", "--from", "x")},
		{"the newer", 1, make("--key", at("other"), "--version", "1.4.0", "--from", "2.0.0")},
		{"--key is missing", 2, make("--version", "1.4.0")},
		{"no command", 2, []string{"sell"}},
		{"usage", 2, nil},
		{"usage", 0, []string{"--help"}},
		{"want 1 arguments", 2, []string{"verify", "--keys", at("key.pub")}},
		{"not defined", 2, []string{"verify", "--loud"}},
	} {
		if code, out := run(tc.args...); code != tc.code || !strings.Contains(out, tc.want) {
			t.Errorf("%q: exit code %d, want %d, with %q: %s", tc.args, code, tc.code, tc.want, out)
		}
	}
	if again, err := os.ReadFile(at("r")); err != nil || !bytes.Equal(again, good) {
		t.Error("a release that failed to be made has spoilt one that was")
	}
}
