package appliance

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"chordophone/firmware/manage"
	"chordophone/overlay/identity"
)

// boardFile is a board of the owner's making.
const boardFile = "phone.board"

// provisions are the files that people put on partition 1, and what they are called in
// the data folder.
var provisions = []struct{ from, to string }{
	{"phone.toml", "config.toml"},
	{boardFile, boardFile},
	{"authorized_keys", manage.AuthorizedKeysFile},
	{"release.pub", "release.pub"},
}

const (
	takenFile    = "provisioned.json" // which provisions were taken: name to SHA-256
	maxProvision = 64 << 10           // octets
)

// provision copies the files in selector to the data folder, each once for every change
// of it. All is tried; the errors are joined.
func provision(selector, data string) (notes []string, all error) {
	taken := map[string]string{}
	if b, err := os.ReadFile(filepath.Join(data, takenFile)); err == nil {
		json.Unmarshal(b, &taken) // damaged: everything is taken again
	}
	changed := false
	for _, p := range provisions {
		content, err := readSome(filepath.Join(selector, p.from), maxProvision)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			sum := sha256.Sum256(content)
			if text := hex.EncodeToString(sum[:]); taken[p.from] != text {
				err = identity.WriteFile(filepath.Join(data, p.to), content, os.Rename)
				if err == nil {
					taken[p.from], changed = text, true
					notes = append(notes, p.from+" was taken from the card's first partition")
				}
			}
		}
		if err != nil {
			all = errors.Join(all, fmt.Errorf("%s of the card's first partition: %w", p.from, err))
		}
	}
	if changed {
		b, err := json.Marshal(taken)
		if err == nil {
			err = identity.WriteFile(filepath.Join(data, takenFile), b, os.Rename)
		}
		all = errors.Join(all, err)
	}
	return notes, all
}

// readSome reads a file of so many octets at most.
func readSome(path string, most int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil {
		return nil, err
	}
	if int64(len(b)) > most {
		return nil, fmt.Errorf("%s: more than %d octets", path, most)
	}
	return b, nil
}
