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

	mu      sync.Mutex            // guards what follows
	version int                   // of the file, counted from 1
	content []byte                // nil: cannot be read
	keys    map[string]authorized // by wire form
}

// authorized is what the file says of a key.
type authorized struct {
	comment string
	role    role
}

// has reports whether a key may enter, and what the file says of it.
func (a *authorizedKeys) has(key ssh.PublicKey) (one authorized, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	one, ok = a.keys[string(key.Marshal())]
	return one, ok
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
// not make authorizes nobody. A key in two lines has the lesser role of both.
func parseAuthorizedKeys(content []byte) (keys map[string]authorized, bad []error) {
	keys = make(map[string]authorized)
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
		as, err := granted(options)
		if err != nil {
			refuse("%w", err)
			continue
		}
		if err := strong(key); err != nil {
			refuse("%w", err)
			continue
		}
		wire := string(key.Marshal())
		if other, twice := keys[wire]; twice {
			as = min(as, other.role)
		}
		keys[wire] = authorized{comment, as}
	}
	return keys, bad
}

// granted is the role that the options of a line grant. One that this server does
// not keep is an error; what it never allows anyway may be forbidden again.
func granted(options []string) (role, error) {
	as := admin
	for _, o := range options {
		name, value, _ := strings.Cut(o, "=")
		switch strings.ToLower(name) {
		case "restrict", "no-agent-forwarding", "no-port-forwarding", "no-user-rc", "no-x11-forwarding", "pty":
		case roleOption:
			r, err := parseRole(value)
			if err != nil {
				return viewer, err
			}
			as = min(as, r)
		default:
			return viewer, fmt.Errorf("option %s is not known here", name)
		}
	}
	return as, nil
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
