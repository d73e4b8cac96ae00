package appliance

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"chordophone/firmware/manage"
	"chordophone/overlay/identity"
)

// essentials are the files that nobody else has: they go into the vault.
var essentials = []string{
	identity.File, manage.HostKeyFile, manage.AuthorizedKeysFile, "config.toml", boardFile, takenFile,
}

// pack is the essentials of a data folder, those that are there and readable.
func pack(dir string) ([]byte, error) {
	files := map[string][]byte{}
	for _, name := range essentials {
		if b, err := readSome(filepath.Join(dir, name), maxProvision); err == nil {
			files[name] = b
		}
	}
	if len(files[identity.File]) == 0 {
		return nil, fmt.Errorf("%s: %w", identity.File, fs.ErrNotExist)
	}
	return json.Marshal(files)
}

// unpack puts essentials into a data folder, those that it does not have.
func unpack(dir string, content []byte) error {
	files := map[string][]byte{}
	if err := json.Unmarshal(content, &files); err != nil {
		return fmt.Errorf("vault: %w", err)
	}
	for _, name := range essentials {
		b, ok := files[name]
		if !ok {
			continue
		}
		path := filepath.Join(dir, name)
		if _, err := os.Lstat(path); err == nil {
			continue
		}
		if err := identity.WriteFile(path, b, os.Rename); err != nil {
			return err
		}
	}
	return nil
}

// maxSalvage is how many octets of files fit beside the telephone in memory.
const maxSalvage = 48 << 20

// salvage copies the files of a data folder, but for the log, as far as they can be
// read and there is room: the essentials first. It returns how many could not be.
func salvage(from, to string) (lost int) {
	room := int64(maxSalvage)
	done := map[string]bool{}
	copyOne := func(path string) {
		name, err := filepath.Rel(from, path)
		if err != nil || done[name] {
			return
		}
		done[name] = true
		b, err := readSome(path, room)
		if err == nil {
			os.MkdirAll(filepath.Dir(filepath.Join(to, name)), 0o700)
			err = identity.WriteFile(filepath.Join(to, name), b, os.Rename)
		}
		if err != nil {
			lost++
			return
		}
		room -= int64(len(b))
	}
	for _, name := range essentials {
		if path := filepath.Join(from, name); regular(path) {
			copyOne(path)
		}
	}
	filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			lost++
			if d != nil && d.IsDir() {
				return fs.SkipDir
			}
		case d.IsDir() && (d.Name() == "log" || d.Name() == "lost+found"):
			return fs.SkipDir
		case d.Type().IsRegular():
			copyOne(path)
		}
		return nil
	})
	return lost
}

func regular(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.Mode().IsRegular()
}
