//go:build interop

package manage

import (
	"bytes"
	"encoding/json"
	"encoding/pem"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// openSSH is OpenSSH's client, its key made by its own ssh-keygen.
type openSSH struct {
	t       *testing.T
	c       *console
	options []string
	term    string
}

func newOpenSSH(t *testing.T, phone Phone) *openSSH {
	c := start(t, phone)
	dir := t.TempDir()
	key, hosts := filepath.Join(dir, "id"), filepath.Join(dir, "known_hosts")
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key).CombinedOutput(); err != nil {
		t.Fatalf("ssh-keygen: %v: %s", err, out)
	}
	line, err := os.ReadFile(key + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	c.authorize(string(line))
	known := knownhosts.Line([]string{knownhosts.Normalize(c.Addr().String())}, c.Server.key)
	if err := os.WriteFile(hosts, []byte(known+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, port, _ := strings.Cut(c.Addr().String(), ":")
	return &openSSH{t, c, []string{
		"-F", "none", "-p", port, "-i", key, "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes",
		"-o", "StrictHostKeyChecking=yes", "-o", "UserKnownHostsFile=" + hosts, "-o", "LogLevel=INFO", "-o", "SendEnv=LANG",
	}, "dumb"}
}

// run is what a person types, besides where to.
func (s *openSSH) run(stdin string, options []string, command ...string) (out, errOut string, status int) {
	s.t.Helper()
	args := append(append(append([]string{}, s.options...), options...), "admin@127.0.0.1")
	cmd := exec.Command("ssh", append(args, command...)...)
	var o, e bytes.Buffer
	cmd.Env = append(os.Environ(), "TERM="+s.term, "LANG=C.UTF-8")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &o, &e
	err := cmd.Run()
	if err != nil && !errors.As(err, new(*exec.ExitError)) {
		s.t.Fatal(err)
	}
	return o.String(), e.String(), cmd.ProcessState.ExitCode()
}

func TestOpenSSH(t *testing.T) {
	s := newOpenSSH(t, &fakePhone{packets: 3})

	out, errOut, status := s.run("", nil, "status --json")
	var st Status
	if err := json.Unmarshal([]byte(out), &st); err != nil || status != 0 || errOut != "" || st.Ring.Size != 4 {
		t.Errorf("%v, %d, %q, %+v", err, status, errOut, st)
	}
	if out, _, status = s.run("", []string{"-n"}, "lookup", "102"); status != 0 || !strings.Contains(out, "1 hop") {
		t.Errorf("%d, %q", status, out)
	}
	if _, errOut, status = s.run("", nil, "lookup 999"); status != 1 || !strings.Contains(errOut, "(hint: ") {
		t.Errorf("%d, %q", status, errOut)
	}
	if _, _, status = s.run("", nil, "make coffee"); status != 2 {
		t.Errorf("%d", status)
	}
	if out, _, status = s.run("version\nexit\n", []string{"-tt"}); status != 0 || !strings.Contains(out, "101@acme> ") || !strings.Contains(out, "chordophone 1.2.3") {
		t.Errorf("%d, %q", status, out)
	}

	s.term = "xterm-256color"
	if out, _, status = s.run("\t:version\rq", []string{"-tt"}); status != 0 || !strings.HasPrefix(out, "\x1b[?1049h") || !strings.HasSuffix(out, "\x1b[?1049l") || !strings.Contains(out, "─ ring ─") || !strings.Contains(out, "─ version ─") {
		t.Errorf("%d, %q", status, out)
	}
	if out, errOut, status = s.run("correct horse battery staple\n", nil, "backup"); status != 0 || out != "sealed with correct horse battery staple" {
		t.Errorf("%d, %q, %q", status, out, errOut)
	}
	if _, errOut, status = s.run("correct horse battery staple\n"+out, nil, "restore", "--older"); status != 0 {
		t.Errorf("%d, %q", status, errOut)
	}

	file := filepath.Join(t.TempDir(), "ring.pcap")
	out, errOut, status = s.run("", nil, "capture --for 200ms")
	if status != 0 || errOut != "captured 3.1 kB\n" {
		t.Errorf("%d, %q", status, errOut)
	}
	if err := os.WriteFile(file, []byte(out), 0o600); err != nil {
		t.Fatal(err)
	}
	frames, err := exec.Command("tshark", "-r", file, "-T", "fields", "-e", "frame.len").Output()
	if err != nil || string(frames) != "1000\n1000\n1000\n" {
		t.Errorf("tshark: %v, %q", err, frames)
	}

	// What it would like, and does not get.
	if _, errOut, status = s.run("", []string{"-o", "ExitOnForwardFailure=yes", "-R", "0:127.0.0.1:1"}, "version"); status != 255 {
		t.Errorf("-R: %d, %q", status, errOut)
	}
	if _, errOut, status = s.run("", []string{"-W", "127.0.0.1:1"}); status != 255 || !strings.Contains(errOut, "prohibited") {
		t.Errorf("-W: %d, %q", status, errOut)
	}
	if _, errOut, status = s.run("", []string{"-s"}, "sftp"); status != 255 {
		t.Errorf("sftp: %d, %q", status, errOut)
	}
	s.c.authorize()
	if _, errOut, status = s.run("", nil, "version"); status != 255 || !strings.Contains(errOut, "Permission denied (publickey)") {
		t.Errorf("without key: %d, %q", status, errOut)
	}
}

// OpenSSH's tools read a file with roles.
func TestOpenSSHReadsRoles(t *testing.T) {
	path := filepath.Join(t.TempDir(), AuthorizedKeysFile)
	key := newKey(t)
	if err := os.WriteFile(path, []byte(`environment="ROLE=viewer" `+authorizedLine(key)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("ssh-keygen", "-l", "-f", path).CombinedOutput()
	if err != nil || !strings.Contains(string(out), ssh.FingerprintSHA256(key.PublicKey())) {
		t.Errorf("%v: %s", err, out)
	}
}

// What capture writes is read by Wireshark as it comes.
func TestTsharkReadsTheStream(t *testing.T) {
	s := newOpenSSH(t, &fakePhone{packets: 3})
	ssh := exec.Command("ssh", append(s.options, "admin@127.0.0.1", "capture --for 1s")...)
	shark := exec.Command("tshark", "-i", "-", "-c", "3", "-T", "fields", "-e", "frame.len")
	var err error
	if shark.Stdin, err = ssh.StdoutPipe(); err != nil {
		t.Fatal(err)
	}
	if err := ssh.Start(); err != nil {
		t.Fatal(err)
	}
	if out, err := shark.Output(); err != nil || string(out) != "1000\n1000\n1000\n" {
		t.Errorf("%v, %q", err, out)
	}
	ssh.Wait() // its reader may have gone before it
}

// OpenSSH reads the host key as its own.
func TestOpenSSHReadsHostKey(t *testing.T) {
	c := start(t, new(fakePhone))
	path := filepath.Join(c.dir, HostKeyFile)
	out, err := exec.Command("ssh-keygen", "-y", "-f", path).Output()
	if err != nil {
		t.Fatal(err)
	}
	if key, _, _, _, err := ssh.ParseAuthorizedKey(out); err != nil || ssh.FingerprintSHA256(key) != c.Fingerprint() {
		t.Errorf("%v: %s", err, out)
	}
	text, _ := os.ReadFile(path)
	if block, rest := pem.Decode(text); block == nil || block.Type != "OPENSSH PRIVATE KEY" || len(rest) > 0 {
		t.Errorf("%q", text)
	}
}

// ssh-audit finds nothing to fail or to warn of, but that it does not know what is
// newer than itself.
func TestSSHAudit(t *testing.T) {
	c := start(t, new(fakePhone))
	out, err := exec.Command("ssh-audit", "-n", c.Addr().String()).Output()
	if len(out) == 0 {
		t.Fatal(err)
	}
	if !strings.Contains(string(out), "(key) ssh-ed25519") {
		t.Errorf("not an audit: %s", out)
	}
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, "[fail]") || strings.Contains(line, "[warn]") && !strings.Contains(line, "unknown algorithm") {
			t.Error(line)
		}
	}
}
