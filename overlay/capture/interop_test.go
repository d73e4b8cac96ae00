//go:build interop

package capture_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"chordophone/overlay/capture"
	"chordophone/overlay/reload"
)

// TestLife has programs that others wrote judge what an office says in its life:
// tshark reads the capture, openssl verifies certificates and signatures.
func TestLife(t *testing.T) {
	x := &life{t: t}
	var file bytes.Buffer
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	var sum capture.Summary
	go func() {
		var err error
		sum, err = x.hub.Run(ctx, &file)
		ended <- err
	}()
	x.eventually("capture", func() bool { return x.hub.Running() == 1 })
	x.live()
	for _, p := range x.phones {
		p.off()
	}
	for _, p := range x.phones {
		p.pull()
		for why, n := range p.link.Stats().Dropped {
			switch why {
			case "broken", "unasked": // under way when a phone was switched off
			case "wrong-config": // while not all had the new one
			default:
				t.Errorf("phone %d dropped %d messages as %s", p.member.Extension(), n, why)
			}
		}
	}
	stop()
	if err := <-ended; err != nil || sum.Lost > 0 || int(sum.Frames) != len(x.frames) {
		t.Fatalf("%v of %d, %v", sum, len(x.frames), err)
	}
	messages := x.messages()
	t.Logf("%d frames, %d messages, %d octets of capture", len(x.frames), len(messages), file.Len())
	t.Run("methods", func(t *testing.T) { checkMethods(t, messages) })
	t.Run("tshark", func(t *testing.T) { checkDissection(t, x, messages, file.Bytes()) })
	t.Run("pathtrack", func(t *testing.T) { checkPathTrack(t, messages) })
	t.Run("openssl", func(t *testing.T) { checkSignatures(t, x, messages) })
}

// message is a captured message, as this project reads it.
type message struct {
	reload.Message
	frame  int // its number, from 0
	seq    uint32
	octets []byte
}

func (x *life) messages() (out []message) {
	for i, f := range x.frames {
		head, n, err := reload.ParseFrame(f)
		if err != nil || n+head.Length != len(f) {
			x.t.Fatalf("frame %d: %+v, %v", i, head, err)
		}
		if head.Ack {
			continue
		}
		m, err := reload.Parse(f[n:])
		if err != nil {
			x.t.Fatalf("frame %d: %v", i, err)
		}
		out = append(out, message{m, i, head.Sequence, f[n:]})
	}
	return out
}

// checkMethods sees to it that the life was a full one.
func checkMethods(t *testing.T, messages []message) {
	seen := make(map[reload.Code]int)
	for _, m := range messages {
		seen[m.Code]++
	}
	t.Log(seen)
	for code := reload.CodeProbeReq; code <= reload.CodePathTrackAns; code++ {
		if _, err := reload.ParseBody(code, nil); strings.Contains(fmt.Sprint(err), reload.ErrUnknownCode.Error()) {
			continue
		}
		if seen[code] == 0 && code != reload.CodeAppAttachAns { // it is always refused
			t.Errorf("no message with code %#x", code)
		}
	}
	if seen[reload.CodeError] == 0 {
		t.Error("no error")
	}
}

// checkSignatures has openssl accept the chain of each phone, taken from what it
// sent, and one signature of each phone for each method.
func checkSignatures(t *testing.T, x *life, messages []message) {
	dir := t.TempDir()
	certs := make(map[string][]byte) // by hash
	for _, m := range messages {
		for _, c := range m.Certificates {
			sum := sha256.Sum256(c.Data)
			certs[string(sum[:])] = c.Data
		}
	}
	root := filepath.Join(dir, "root.pem")
	write(t, root, pemOf(x.phones[0].member.Root()))
	keys := make(map[string]string) // file by hash
	for i, p := range x.phones {
		chain := p.member.Chain()
		sum := sha256.Sum256(chain[0])
		leaf, above := filepath.Join(dir, fmt.Sprint("leaf", i)), filepath.Join(dir, fmt.Sprint("above", i))
		write(t, leaf, pemOf(certs[string(sum[:])]))
		args := []string{"verify", "-x509_strict", "-CAfile", root}
		if len(chain) > 1 {
			write(t, above, pemOf(chain[1:]...))
			args = append(args, "-untrusted", above)
		}
		if out, err := openssl(append(args, leaf)...); err != nil || !strings.Contains(out, ": OK") {
			t.Errorf("phone %d: %v: %s", p.member.Extension(), err, out)
		}
		key := filepath.Join(dir, fmt.Sprint("key", i))
		if out, err := openssl("x509", "-in", leaf, "-noout", "-pubkey", "-out", key); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		keys[string(sum[:])] = key
	}
	if out, err := openssl("verify", "-CAfile", root, filepath.Join(dir, "key0")); err == nil {
		t.Errorf("openssl accepts what is no certificate: %s", out)
	}
	done := make(map[string]bool)
	for _, m := range messages {
		signer := string(m.Signature.Signer.Sum)
		if what := fmt.Sprint(m.Code, signer); done[what] {
			continue
		} else {
			done[what] = true
		}
		if keys[signer] == "" {
			t.Errorf("frame %d: signed by nobody", m.frame)
			continue
		}
		contents, err := m.Contents.Append(nil)
		if err != nil {
			t.Fatal(err)
		}
		input, err := reload.AppendSigned(nil, m.Overlay, m.Tx, contents, m.Signature.Signer)
		if err != nil {
			t.Fatal(err)
		}
		good, bad, sig := filepath.Join(dir, "good"), filepath.Join(dir, "bad"), filepath.Join(dir, "sig")
		write(t, good, input)
		write(t, sig, m.Signature.Value)
		if out, err := openssl("dgst", "-sha256", "-verify", keys[signer], "-signature", sig, good); err != nil || !strings.Contains(out, "Verified OK") {
			t.Errorf("frame %d, code %#x: %v: %s", m.frame, m.Code, err, out)
		}
		if len(done) == 1 {
			input[len(input)/2] ^= 1
			write(t, bad, input)
			if out, err := openssl("dgst", "-sha256", "-verify", keys[signer], "-signature", sig, bad); err == nil {
				t.Errorf("openssl accepts the signature of another text: %s", out)
			}
		}
	}
	t.Logf("%d signatures, %d certificates", len(done), len(certs))
}

func openssl(args ...string) (string, error) {
	out, err := exec.Command("openssl", args...).CombinedOutput()
	return string(out), err
}

func pemOf(certs ...[]byte) (out []byte) {
	for _, c := range certs {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c})...)
	}
	return out
}

func write(t *testing.T, name string, b []byte) {
	t.Helper()
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
}
