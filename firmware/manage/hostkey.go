package manage

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"golang.org/x/crypto/ssh"
)

// ErrHostKey is the error for a host key that cannot be used. It is not replaced:
// clients would warn of an attack.
var ErrHostKey = errors.New("manage: host key cannot be used")

// hostKey reads the host key at path, or makes it.
func hostKey(path string, log *slog.Logger) (ssh.Signer, error) {
	signer, err := readHostKey(path, log)
	if !errors.Is(err, fs.ErrNotExist) {
		return signer, err
	}
	if err := makeHostKey(path); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("make the host key: %w", err)
	}
	signer, err = readHostKey(path, log)
	if err != nil {
		return nil, err
	}
	log.Info("console: host key made", "fingerprint", ssh.FingerprintSHA256(signer.PublicKey()))
	return signer, nil
}

func readHostKey(path string, log *slog.Logger) (ssh.Signer, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	unusable := func(why any) error {
		return hinted{
			fmt.Errorf("%w: %s: %v", ErrHostKey, path, why),
			"move the file away and restart: a new key is made, and each client must be told to forget the old one (ssh-keygen -R)",
		}
	}
	key, err := ssh.ParseRawPrivateKey(text)
	if err != nil {
		return nil, unusable(err)
	}
	if _, ok := key.(*ed25519.PrivateKey); !ok {
		return nil, unusable("not an Ed25519 key")
	}
	if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o077 != 0 {
		log.Warn("console: others could read the host key; made private", "file", path, "mode", info.Mode().Perm())
		if err := os.Chmod(path, 0o600); err != nil {
			return nil, fmt.Errorf("host key: %w", err)
		}
	}
	return ssh.NewSignerFromKey(key)
}

// makeHostKey makes the file whole or not at all, and never in place of another.
func makeHostKey(path string) error {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	block, err := ssh.MarshalPrivateKey(key, "chordophone")
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), HostKeyFile+".*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(pem.EncodeToMemory(block))
	err = errors.Join(err, tmp.Sync(), tmp.Close())
	if err != nil {
		return err
	}
	if err := os.Link(tmp.Name(), path); err != nil { // unlike Rename it replaces nothing
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
