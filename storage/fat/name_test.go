package fat

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"testing"
)

// Short names keep their case in two bits, as others write and read them.
func TestShortNames(t *testing.T) {
	for _, c := range []struct {
		name  string
		short string
		marks byte
		ok    bool
	}{
		{"README.TXT", "README  TXT", 0, true},
		{"README.txt", "README  TXT", lowerExt, true},
		{"kernel8.img", "KERNEL8 IMG", lowerBase | lowerExt, true},
		{"config", "CONFIG     ", lowerBase, true},
		{"Config.txt", "", 0, false},
		{"phone.toml", "", 0, false},
		{"a.b.c", "", 0, false},
		{"ä.txt", "", 0, false},
		{".rc", "", 0, false},
	} {
		s, marks, ok := short(c.name)
		if ok != c.ok || ok && (string(s[:]) != c.short || marks != c.marks || s.text(marks) != c.name) {
			t.Errorf("%s: %q %#x %t", c.name, s[:], marks, ok)
		}
	}
	a := aliases{map[shortName]bool{}, map[string]int{}}
	var last string
	for i := range 12 {
		s := a.of(fmt.Sprintf("bcm2710-rpi-%d.dtb", i))
		a.taken[s] = true
		last = s.text(0)
	}
	if len(a.taken) != 12 || last != "BCM27~12.DTB" {
		t.Errorf("%d aliases, the last %s", len(a.taken), last)
	}
}

// No two files have one short name, whoever came first.
func TestAliasIsFree(t *testing.T) {
	d, _ := written(t, 34*mib, Bytes("PHONE~1.TOM", "first"), Bytes("phone.toml", "second"), Bytes("phone.tom", "third"), Bytes("PHONE~3.TOM", "fourth"))
	f := opened(t, d)
	seen := map[string]bool{}
	for e := range slices.Chunk(d[f.offset(2):f.offset(3)], entrySize) {
		if e[0] != 0 && e[11] != attrLong {
			seen[string(e[:11])] = true
		}
	}
	if len(seen) != 5 { // and the label
		t.Errorf("short names: %v", seen)
	}
}

// A program that knows short names only leaves the long name of a file that it renamed
// or replaced; such a name is nobody's.
func TestOrphanedLongName(t *testing.T) {
	d, _ := written(t, 34*mib, Bytes("phone.toml", "x"))
	copy(d[bytes.Index(d, []byte("PHONE~1 TOM")):], "OTHER   TOM")
	f := opened(t, d)
	if b, err := fs.ReadFile(f, "OTHER.TOM"); err != nil || string(b) != "x" {
		t.Errorf("%q, %v", b, err)
	}
	if _, err := f.Stat("phone.toml"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the orphaned name: %v", err)
	}
}
