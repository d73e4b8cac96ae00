package identity

import (
	"bytes"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

func TestSaveAndLoad(t *testing.T) {
	founder := found(t, "acme")
	second := enrolled(t, founder, 102)
	for _, id := range []*Identity{founder, second, enrolled(t, second, 103)} {
		dir := filepath.Join(t.TempDir(), "not there yet")
		_, err := Load(dir)
		wantErr(t, "nothing there", err, ErrNone)
		if err := id.Save(dir); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(filepath.Join(dir, File))
		if err != nil || info.Mode() != 0o600 {
			t.Errorf("mode %v, %v", info.Mode(), err)
		}
		if names, _ := os.ReadDir(dir); len(names) != 1 {
			t.Errorf("%d files, want one", len(names))
		}
		got, err := Load(dir)
		if err != nil {
			t.Fatal(err)
		}
		if got.ID() != id.ID() || got.User() != id.User() || got.Founder() != id.Founder() || !got.key.Equal(id.key) {
			t.Errorf("loaded %s, saved %s", got.User(), id.User())
		}
		enrolled(t, got, 104) // it can still enrol

		wantErr(t, "save again", founder.Save(dir), ErrExists)
		if again, err := Load(dir); err != nil || again.ID() != id.ID() {
			t.Error("an identity was overwritten")
		}
	}
}

func TestDamagedFileIsLeftAlone(t *testing.T) {
	founder := found(t, "acme")
	second := enrolled(t, enrolled(t, founder, 102), 103)
	good, err := second.file()
	if err != nil {
		t.Fatal(err)
	}
	founders, err := founder.file()
	if err != nil {
		t.Fatal(err)
	}
	other, err := enrolled(t, found(t, "acme"), 103).file()
	if err != nil {
		t.Fatal(err)
	}
	blocks := func(file []byte) (all []*pem.Block) {
		for b, rest := pem.Decode(file); b != nil; b, rest = pem.Decode(rest) {
			all = append(all, b)
		}
		return all
	}
	join := func(all ...*pem.Block) (file []byte) {
		for _, b := range all {
			file = append(file, pem.EncodeToMemory(b)...)
		}
		return file
	}
	g, f, o := blocks(good), blocks(founders), blocks(other)
	broken := *g[1]
	broken.Bytes = bytes.Clone(broken.Bytes)
	broken.Bytes[len(broken.Bytes)-1] ^= 1
	files := map[string][]byte{
		"empty":            {},
		"text":             []byte("my notes\n"),
		"binary":           bytes.Repeat([]byte{0xFF, 0}, 999),
		"long":             append(bytes.Clone(good), make([]byte, maxFile)...),
		"text after":       append(bytes.Clone(good), "my notes\n"...),
		"no key":           join(g[1:]...),
		"another's key":    join(append([]*pem.Block{o[0]}, g[1:]...)...),
		"another's leaf":   join(append([]*pem.Block{g[0], o[1]}, g[2:]...)...),
		"another's root":   join(append(append([]*pem.Block{}, g[:len(g)-1]...), o[len(o)-1])...),
		"broken leaf":      join(append([]*pem.Block{g[0], &broken}, g[2:]...)...),
		"foreign root key": join(f[0], o[0], f[2], f[3], f[4]),
		"key last":         join(append(append([]*pem.Block{}, g[1:]...), g[0])...),
		"other block":      join(append(append([]*pem.Block{}, g...), &pem.Block{Type: "NOTE"})...),
	}
	for i := range g[1:] {
		files[fmt.Sprint("without certificate ", i)] = join(append(append([]*pem.Block{}, g[:i+1]...), g[i+2:]...)...)
	}
	for i := 0; i < len(good)-1; i += len(good) / 20 {
		files[fmt.Sprint("cut at ", i)] = good[:i]
	}
	for name, file := range files {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, File)
			if err := os.WriteFile(path, file, 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := Load(dir)
			wantErr(t, "load", err, ErrDamaged)
			wantErr(t, "save", second.Save(dir), ErrExists)
			if after, _ := os.ReadFile(path); !bytes.Equal(after, file) {
				t.Error("the file was changed")
			}
		})
	}
}

func FuzzParseFile(f *testing.F) {
	id := enrolled(f, found(f, "acme"), 102)
	good, _ := id.file()
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Fuzz(func(t *testing.T, data []byte) {
		if id, err := parseFile(data); err == nil {
			again, err := id.file()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := parseFile(again); err != nil {
				t.Fatal(err)
			}
		}
	})
}
