package release

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"aead.dev/minisign"
)

// KeyFile is the name of the file in the data directory that has the keys whose
// releases this phone installs.
const KeyFile = "release.pub"

// maxKeys is how many keys a file may have, in lines of at most maxKeyFile octets
// in all.
const (
	maxKeys    = 8
	maxKeyFile = 16 << 10
)

// ErrNoKeys means that this phone trusts nobody's releases.
var ErrNoKeys error = hinted{"this phone has no key to check releases with",
	"put the public key of whoever makes your releases, made by chordophone release keygen, as " + KeyFile + " beside authorized_keys"}

// hinted is an error for people, with what to do about it.
type hinted struct{ text, hint string }

func (e hinted) Error() string { return e.text }

// Hint is what to do about it.
func (e hinted) Hint() string { return e.hint }

// Key is a public key that signs releases.
type Key = minisign.PublicKey

// ParseKeys reads a file of public keys as minisign writes them: lines of base64,
// comments between them ("untrusted comment: ...", "# ..."). A file without a key is
// ErrNoKeys.
func ParseKeys(r io.Reader) ([]Key, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxKeyFile+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxKeyFile {
		return nil, fmt.Errorf("more than %d octets of keys", maxKeyFile)
	}
	var keys []Key
	lines := bufio.NewScanner(bytes.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") || strings.HasPrefix(line, "untrusted comment:") {
			continue
		}
		var key Key
		if err := key.UnmarshalText([]byte(line)); err != nil {
			return nil, fmt.Errorf("line %d is no minisign public key", n)
		}
		if keys = append(keys, key); len(keys) > maxKeys {
			return nil, fmt.Errorf("more than %d keys", maxKeys)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if len(keys) == 0 {
		return nil, ErrNoKeys
	}
	return keys, nil
}

// ReadKeys is ParseKeys of a file; one that does not exist has no keys.
func ReadKeys(file string) ([]Key, error) {
	f, err := os.Open(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil, ErrNoKeys
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	keys, err := ParseKeys(f)
	if err != nil && !errors.Is(err, ErrNoKeys) {
		err = fmt.Errorf("%s: %w", file, err)
	}
	return keys, err
}
