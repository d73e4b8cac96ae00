package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"chordophone/firmware/config"
	"chordophone/firmware/update/release"
	"chordophone/firmware/update/slot"
	"chordophone/storage/fat"
)

//go:embed text/README.txt
var readmeText string

// selector is the content of the first partition: what starts before a slot is chosen,
// the choice, and what people may edit on any computer.
func selector(s *sources, p *phone, licences string, size int64) (fat.Volume, error) {
	boot, err := s.Boot.read("bootcode.bin")
	if err != nil {
		return fat.Volume{}, err
	}
	v := fat.Volume{Size: size, Label: "CHORDOPHONE", ID: selectorID, Files: []fat.File{
		fat.Bytes("bootcode.bin", boot),
		fat.Bytes("autoboot.txt", slot.Selecting(slot.A).Text()),
		fat.Bytes("README.txt", readmeText),
		fat.Bytes("phone.toml", p.settings),
		fat.Bytes("phone.board", p.board),
		fat.Bytes("LICENCES.txt", licences),
	}}
	if p.keys != "" {
		v.Files = append(v.Files, fat.Bytes("authorized_keys", p.keys))
	}
	if p.releases != "" {
		v.Files = append(v.Files, fat.Bytes(release.KeyFile, p.releases))
	}
	v.Files = append(v.Files, p.wireless...)
	return v, nil
}

// setting is a key of the configuration file with its value.
type setting struct{ key, value string }

const settingsHead = `# Settings of this telephone. It takes this file over when it is switched on and the
# file has changed. A line that begins with # does nothing: take the # away to use it.
# What is wired where stands in phone.board, beside this file.
`

// settingLine is a key of the configuration file, used or not.
var settingLine = regexp.MustCompile(`^#?([a-z-]+) = `)

// settings is the annotated configuration file with some of its keys set.
func settings(set []setting) (string, error) {
	var b bytes.Buffer
	if err := config.Print(&b); err != nil {
		return "", err
	}
	_, keys, _ := strings.Cut(b.String(), "\n\n") // behind the file's own head
	var text strings.Builder
	text.WriteString(settingsHead + "\n")
	unknown := slices.Clone(set)
	for line := range strings.Lines(keys) {
		if m := settingLine.FindStringSubmatch(line); m != nil {
			if i := slices.IndexFunc(unknown, func(s setting) bool { return s.key == m[1] }); i >= 0 {
				line = fmt.Sprintf("%s = %q\n", m[1], unknown[i].value)
				unknown = slices.Delete(unknown, i, i+1)
			}
		}
		text.WriteString(line)
	}
	if len(unknown) > 0 {
		return "", fmt.Errorf("BUG: %s is no key of the configuration file", unknown[0].key)
	}
	return text.String(), checkSettings(text.String())
}

// checkSettings lets the telephone's own reader look at a configuration file.
func checkSettings(text string) error {
	dir, err := os.MkdirTemp("", "chordophone-image-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "phone.toml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return err
	}
	return config.CheckFile(file)
}
