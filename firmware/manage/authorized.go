package manage

import (
	"bytes"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"sync"

	"golang.org/x/crypto/ssh"
)

// authorizedKeys are the keys that may enter.
type authorizedKeys struct {
	path string
	log  *slog.Logger

	mu      sync.Mutex        // guards what follows
	version int               // of the file, counted from 1
	content []byte            // nil: cannot be read
	keys    map[string]string // wire form to comment
}

// has reports whether a key may enter, and its comment.
func (a *authorizedKeys) has(key ssh.PublicKey) (comment string, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	comment, ok = a.keys[string(key.Marshal())]
	return comment, ok
}

// refresh reads the file and returns which version of it that is. The file is
// small: reading it is cheaper than being wrong about when it changed.
func (a *authorizedKeys) refresh() (version int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	content, err := readKeyFile(a.path)
	same := (content == nil) == (a.content == nil) && bytes.Equal(content, a.content)
	if a.version > 0 && same {
		return a.version
	}
	a.version++
	a.content = content
	var bad []error
	a.keys, bad = parseAuthorizedKeys(content)
	for _, why := range bad {
		a.log.Warn("console: line of "+AuthorizedKeysFile+" ignored", "err", why)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist) || err == nil && len(a.keys) == 0:
		a.log.Warn("console: closed to everybody, no key is authorized",
			"hint", "put the public key of the person who manages this phone (a line like ssh-ed25519 AAAA... name) into "+a.path)
	case err != nil:
		a.log.Error("console: closed to everybody", "err", err)
	default:
		a.log.Info("console: keys authorized", "keys", len(a.keys))
	}
	return a.version
}

// readKeyFile returns nil only with an error.
func readKeyFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxKeyFile+1))
	if err != nil {
		return nil, err
	}
	if len(content) > maxKeyFile {
		return nil, fmt.Errorf("%s is larger than %d octets", path, maxKeyFile)
	}
	if content == nil {
		content = []byte{}
	}
	return content, nil
}

// parseAuthorizedKeys reads OpenSSH's format, see sshd(8). A person may have
// written it on any PC. A line that asks for a restriction that this server does
// not make authorizes nobody.
func parseAuthorizedKeys(content []byte) (keys map[string]string, bad []error) {
	keys = make(map[string]string)
	content = bytes.TrimPrefix(content, []byte("\ufeff"))
	for i, line := range strings.Split(string(content), "\n") {
		line = strings.TrimSpace(line) // of the \r, too
		if line == "" || line[0] == '#' {
			continue
		}
		refuse := func(format string, args ...any) {
			bad = append(bad, fmt.Errorf("line %d: "+format, append([]any{i + 1}, args...)...))
		}
		key, comment, options, _, err := ssh.ParseAuthorizedKey([]byte(line))
		if err != nil {
			refuse("not a public key in OpenSSH's format")
			continue
		}
		if o, ok := unkept(options); ok {
			refuse("option %s is not known here", o)
			continue
		}
		if err := strong(key); err != nil {
			refuse("%w", err)
			continue
		}
		keys[string(key.Marshal())] = comment
	}
	return keys, bad
}

// unkept returns an option that this server does not keep. What it never allows
// anyway may be forbidden again.
func unkept(options []string) (string, bool) {
	for _, o := range options {
		switch strings.ToLower(o) {
		case "restrict", "no-agent-forwarding", "no-port-forwarding", "no-user-rc", "no-x11-forwarding", "pty":
		default:
			name, _, _ := strings.Cut(o, "=")
			return name, true
		}
	}
	return "", false
}

// minRSA is the least length of an RSA key, in bits.
const minRSA = 2048

func strong(key ssh.PublicKey) error {
	switch key.Type() {
	case ssh.KeyAlgoED25519, ssh.KeyAlgoSKED25519, ssh.KeyAlgoSKECDSA256,
		ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521:
		return nil
	case ssh.KeyAlgoRSA:
		if k, ok := key.(ssh.CryptoPublicKey).CryptoPublicKey().(*rsa.PublicKey); ok && k.N.BitLen() >= minRSA {
			return nil
		}
		return fmt.Errorf("RSA key of less than %d bits: make an Ed25519 key (ssh-keygen -t ed25519)", minRSA)
	}
	return fmt.Errorf("key type %s is not accepted: make an Ed25519 key (ssh-keygen -t ed25519)", key.Type())
}
