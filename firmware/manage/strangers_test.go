package manage

import (
	"crypto/rand"
	"crypto/rsa"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

func TestStrangersAreRefused(t *testing.T) {
	c := start(t, new(fakePhone))
	good := ssh.PublicKeys(c.key)
	small, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	oldRSA, err := ssh.NewSignerFromKey(small)
	if err != nil {
		t.Fatal(err)
	}
	c.authorize(authorizedLine(c.key), authorizedLine(oldRSA))
	sha1, err := ssh.NewSignerWithAlgorithms(oldRSA.(ssh.AlgorithmSigner), []string{ssh.KeyAlgoRSA})
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*ssh.ClientConfig){
		"unknown key":       func(f *ssh.ClientConfig) { f.Auth = []ssh.AuthMethod{ssh.PublicKeys(newKey(t))} },
		"no authentication": func(f *ssh.ClientConfig) { f.Auth = nil },
		"password":          func(f *ssh.ClientConfig) { f.Auth = []ssh.AuthMethod{ssh.Password("")} },
		"keyboard": func(f *ssh.ClientConfig) {
			f.Auth = []ssh.AuthMethod{ssh.KeyboardInteractive(func(_, _ string, q []string, _ []bool) ([]string, error) { return make([]string, len(q)), nil })}
		},
		"RSA with SHA-1":        func(f *ssh.ClientConfig) { f.Auth = []ssh.AuthMethod{ssh.PublicKeys(sha1)} },
		"root":                  func(f *ssh.ClientConfig) { f.User = "root" },
		"no user":               func(f *ssh.ClientConfig) { f.User = "" },
		"NIST curve":            func(f *ssh.ClientConfig) { f.KeyExchanges = []string{ssh.KeyExchangeECDHP256} },
		"Diffie-Hellman":        func(f *ssh.ClientConfig) { f.KeyExchanges = []string{ssh.KeyExchangeDH14SHA256} },
		"counter mode":          func(f *ssh.ClientConfig) { f.Ciphers = []string{ssh.CipherAES256CTR} },
		"CBC":                   func(f *ssh.ClientConfig) { f.Ciphers = []string{ssh.InsecureCipherAES128CBC} },
		"RSA or ECDSA host key": func(f *ssh.ClientConfig) { f.HostKeyAlgorithms = []string{ssh.KeyAlgoRSASHA256, ssh.KeyAlgoECDSA256} },
	} {
		cfg := c.config(good)
		change(cfg)
		t.Log(name, ":", c.refused(cfg))
	}
	if n := c.logs.count(`msg="console: let in"`); n != 0 {
		t.Errorf("%d let in", n)
	}
	if n := c.logs.count(`err="manage: key is not in authorized_keys"`); n != 1 {
		t.Errorf("the unknown key is logged %d times", n)
	}
	// The same, but right.
	for _, kex := range []string{ssh.KeyExchangeMLKEM768X25519, ssh.KeyExchangeCurve25519} {
		for _, cipher := range []string{ssh.CipherChaCha20Poly1305, ssh.CipherAES256GCM, ssh.CipherAES128GCM} {
			cfg := c.config(ssh.PublicKeys(oldRSA))
			cfg.KeyExchanges, cfg.Ciphers = []string{kex}, []string{cipher}
			client, err := ssh.Dial("tcp", c.Addr().String(), cfg)
			if err != nil {
				t.Errorf("%s, %s: %v", kex, cipher, err)
				continue
			}
			client.Close()
		}
	}
}

func TestNothingIsForwarded(t *testing.T) {
	c := start(t, new(fakePhone))
	client := c.dial()
	if conn, err := client.Dial("tcp", c.Addr().String()); err == nil {
		conn.Close()
		t.Error("direct-tcpip: granted")
	}
	if conn, err := client.Dial("unix", "/tmp/x"); err == nil {
		conn.Close()
		t.Error("direct-streamlocal: granted")
	}
	if l, err := client.Listen("tcp", "127.0.0.1:0"); err == nil {
		l.Close()
		t.Error("tcpip-forward: granted")
	}
	for _, kind := range []string{"x11", "auth-agent@openssh.com", "tun@openssh.com", ""} {
		if _, _, err := client.OpenChannel(kind, nil); err == nil {
			t.Errorf("channel %q: granted", kind)
		}
	}
	session, err := client.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	for _, request := range []string{"auth-agent-req@openssh.com", "x11-req", "env", "subsystem", "break", "pty-req", "exec", ""} {
		// Their payload is wrong, too; pty-req and exec are refused for that.
		if ok, err := session.SendRequest(request, true, []byte{0, 0, 0, 99}); ok || err != nil {
			t.Errorf("request %q: %v, %v", request, ok, err)
		}
	}
	if err := session.RequestSubsystem("sftp"); err == nil {
		t.Error("sftp: granted")
	}
	for name, value := range map[string]string{"LD_PRELOAD": "x", "LANG": strings.Repeat("x", 1000), "LC_ALLX": "C", "": ""} {
		if err := session.Setenv(name, value); err == nil {
			t.Errorf("environment %q: granted", name)
		}
	}
	// The session is none the worse for it.
	out, err := session.Output("version")
	if err != nil || !strings.HasPrefix(string(out), "chordophone 1.2.3") {
		t.Errorf("%q, %v", out, err)
	}
	if err := session.Start("version"); err == nil {
		t.Error("a second command in one session")
	}
}
