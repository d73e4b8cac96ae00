package main

import (
	"bytes"
	"debug/buildinfo"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
)

// sources is what an image is made of beside the telephone's own program.
type sources struct {
	Kernel  module
	Boot    module
	Project fs.FS    // this project's own folder, for its licence
	Linked  []module // that the telephone's program was built from, and Go itself
}

// module is one that others built, with its version.
type module struct {
	fs.FS
	Name string // path@version
}

// The modules that pins names.
const (
	kernelModule = "github.com/gokrazy/kernel.rpi"
	bootModule   = "github.com/gokrazy/firmware"
)

// fetch finds the modules in the cache, or fetches them; the go command checks their
// sums. Those that a program was linked from are there since it was built.
func fetch(root string, program []byte) (*sources, error) {
	s := &sources{Project: os.DirFS(root)}
	pinned, err := download(filepath.Join(root, "tools/image/pins"))
	if err != nil {
		return nil, fmt.Errorf("fetch kernel and boot firmware: %w (hint: this needs the module proxy once, 77 MB)", err)
	}
	for _, m := range pinned {
		switch path, _, _ := strings.Cut(m.Name, "@"); path {
		case kernelModule:
			s.Kernel = m
		case bootModule:
			s.Boot = m
		}
	}
	if s.Kernel.FS == nil || s.Boot.FS == nil {
		return nil, fmt.Errorf("tools/image/pins does not name %s and %s", kernelModule, bootModule)
	}
	info, err := buildinfo.Read(bytes.NewReader(program))
	if err != nil {
		return nil, fmt.Errorf("what the program was built from: %w", err)
	}
	var linked []string
	for _, d := range info.Deps {
		linked = append(linked, d.Path+"@"+d.Version)
	}
	if len(linked) > 0 {
		if s.Linked, err = download(root, linked...); err != nil {
			return nil, fmt.Errorf("what the program was built from: %w (hint: build it in this folder)", err)
		}
	}
	goroot, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return nil, err
	}
	s.Linked = append([]module{{os.DirFS(strings.TrimSpace(string(goroot))), "Go " + info.GoVersion}}, s.Linked...)
	return s, nil
}

// download has the go command fetch modules, or all that dir's go.mod names.
func download(dir string, modules ...string) (all []module, err error) {
	cmd := exec.Command("go", append([]string{"mod", "download", "-json"}, modules...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off")
	cmd.Stderr = os.Stderr
	out, failed := cmd.Output()
	for d := json.NewDecoder(bytes.NewReader(out)); d.More(); {
		var m struct{ Path, Version, Dir, Error string }
		if err := d.Decode(&m); err != nil {
			return nil, fmt.Errorf("go mod download: %w", err)
		}
		if m.Error != "" {
			return nil, fmt.Errorf("go mod download: %s: %s", m.Path, m.Error)
		}
		all = append(all, module{os.DirFS(m.Dir), m.Path + "@" + m.Version})
	}
	if failed != nil {
		return nil, fmt.Errorf("go mod download: %w", failed)
	}
	return all, nil
}

// root is the folder of this project.
func root() (string, error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "chordophone").Output()
	if err != nil {
		return "", fmt.Errorf("this project's folder: %w (hint: run it in there)", err)
	}
	return strings.TrimSpace(string(out)), nil
}

// read reads one file of a module, which must be there.
func (m module) read(name string) ([]byte, error) {
	b, err := fs.ReadFile(m, name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", m.Name, err)
	}
	return b, nil
}

// match lists the files of a pattern, of which there must be one.
func (m module) match(pattern string) ([]string, error) {
	names, err := fs.Glob(m, pattern)
	if err == nil && len(names) == 0 {
		err = fmt.Errorf("%s: nothing like %s: %w", m.Name, pattern, fs.ErrNotExist)
	}
	return names, err
}

// drivers returns the paths of the kernel's modules of these names and of those that
// they need, each after what it needs.
func (m module) drivers(names ...string) ([]string, error) {
	tables, err := m.match("lib/modules/*/modules.dep")
	if err != nil {
		return nil, err
	}
	text, err := m.read(tables[0])
	if err != nil {
		return nil, err
	}
	needs := map[string][]string{} // by path below the table's folder
	paths := map[string]string{}   // by name
	for line := range strings.Lines(string(text)) {
		file, rest, ok := strings.Cut(line, ":")
		if !ok {
			continue
		}
		needs[file] = strings.Fields(rest)
		paths[strings.TrimSuffix(path.Base(file), ".ko")] = file
	}
	var order []string
	seen := map[string]bool{}
	var add func(file string)
	add = func(file string) {
		if seen[file] {
			return
		}
		seen[file] = true
		for _, n := range needs[file] {
			add(n)
		}
		order = append(order, path.Join(path.Dir(tables[0]), file))
	}
	for _, name := range names {
		file, ok := paths[name]
		if !ok {
			return nil, fmt.Errorf("%s: no driver %s", m.Name, name)
		}
		add(file)
	}
	return order, nil
}
