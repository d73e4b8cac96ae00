package identity

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// File is the name of the identity in the data directory.
const File = "identity.pem"

// maxFile bounds what is read: key, office key and MaxChain+2 certificates in
// PEM are well below.
const maxFile = 64 << 10

const (
	keyBlock  = "PRIVATE KEY"
	certBlock = "CERTIFICATE"
)

// Load reads the identity kept in dir. The error is ErrNone when there is none,
// and ErrDamaged when the file is not whole and consistent.
func Load(dir string) (*Identity, error) {
	path := filepath.Join(dir, File)
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", path, ErrNone)
	}
	if err != nil {
		return nil, fmt.Errorf("identity: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("identity: %w", err)
	}
	id, err := parseFile(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", path, ErrDamaged, err)
	}
	return id, nil
}

// Save keeps the identity in dir, which it makes if need be; it is durable when
// Save returns. The error is ErrExists when dir holds one already: nothing is
// ever overwritten.
func (id *Identity) Save(dir string) error {
	data, err := id.file()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("identity: %w", err)
	}
	path := filepath.Join(dir, File)
	if err := WriteFile(path, data, os.Link); errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s: %w", path, ErrExists)
	} else if err != nil {
		return fmt.Errorf("identity: %w", err)
	}
	return nil
}

// WriteFile makes a file of mode 0600 that appears whole or not at all, and is
// durable when WriteFile returns. put gives it its name: os.Rename in place of
// what is there, os.Link only where there is nothing.
func WriteFile(path string, data []byte, put func(temp, path string) error) (err error) {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, filepath.Base(path)+".new-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(data)
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		return err
	}
	if err := put(f.Name(), path); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// file is the file's text: the phone's key, the office key on the founding phone,
// the leaf, the enroller certificates of the phone and of those above it, the
// root.
func (id *Identity) file() ([]byte, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "Identity of phone %s, node %s.\nWho reads the keys below can be this phone: keep them secret.\n\n", id.User(), id.ID())
	for _, k := range []*ecdsa.PrivateKey{id.key, id.rootKey} {
		if k == nil {
			continue
		}
		der, err := x509.MarshalPKCS8PrivateKey(k)
		if err != nil {
			return nil, fmt.Errorf("identity: %w", err)
		}
		pem.Encode(&b, &pem.Block{Type: keyBlock, Bytes: der})
	}
	certs := append([][]byte{id.chain[0]}, id.enroller...)
	for _, c := range append(certs, id.root.Raw) {
		pem.Encode(&b, &pem.Block{Type: certBlock, Bytes: c})
	}
	return b.Bytes(), nil
}

// parseFile reads what file wrote.
func parseFile(data []byte) (*Identity, error) {
	if len(data) > maxFile {
		return nil, errors.New("file is too long")
	}
	var keys []*ecdsa.PrivateKey
	var certs [][]byte
	for {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			break
		}
		switch {
		case block.Type == keyBlock && len(certs) == 0 && len(keys) < 2:
			k, err := x509.ParsePKCS8PrivateKey(block.Bytes)
			if err != nil {
				return nil, err
			}
			key, ok := k.(*ecdsa.PrivateKey)
			if !ok {
				return nil, errors.New("key is not ECDSA")
			}
			keys = append(keys, key)
		case block.Type == certBlock && len(keys) > 0:
			certs = append(certs, block.Bytes)
		default:
			return nil, fmt.Errorf("%s block where none belongs", block.Type)
		}
	}
	if len(bytes.TrimSpace(data)) != 0 {
		return nil, errors.New("text after the last block")
	}
	n := len(certs)
	if len(keys) == 0 || n < 3 {
		return nil, fmt.Errorf("%d keys and %d certificates", len(keys), n)
	}
	var rootKey *ecdsa.PrivateKey
	if len(keys) == 2 {
		rootKey = keys[1]
	}
	root, err := x509.ParseCertificate(certs[n-1])
	if err != nil {
		return nil, err
	}
	enroller := certs[1 : n-1]
	chain := append([][]byte{certs[0]}, enroller[1:]...)
	return assemble(keys[0], rootKey, root, chain, enroller)
}
