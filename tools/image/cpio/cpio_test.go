package cpio

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func sample() []Entry {
	return []Entry{
		{Name: "dev/console", Mode: Device, Major: 5, Minor: 1},
		{Name: "dev/null", Mode: Device, Major: 1, Minor: 3},
		{Name: "init", Mode: Program, Data: []byte("hello")},
		{Name: "lib/modules/x/a.ko", Mode: Regular, Data: []byte("four")},
	}
}

func archived(t testing.TB, entries []Entry) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, entries); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// What is written is read again; folders stand before what is in them, once, and
// every entry begins at a multiple of four octets.
func TestRoundTrip(t *testing.T) {
	b := archived(t, sample())
	all, err := Read(b)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range all {
		got = append(got, fmt.Sprintf("%s %o %d,%d %s", e.Name, e.Mode, e.Major, e.Minor, e.Data))
	}
	want := []string{
		"dev 40755 0,0 ", "dev/console 20600 5,1 ", "dev/null 20600 1,3 ", "init 100755 0,0 hello",
		"lib 40755 0,0 ", "lib/modules 40755 0,0 ", "lib/modules/x 40755 0,0 ", "lib/modules/x/a.ko 100644 0,0 four",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	for at := 0; at < len(b); at++ {
		if bytes.HasPrefix(b[at:], []byte(magic)) && at%4 != 0 {
			t.Errorf("an entry at %d", at)
		}
	}
	if !bytes.Equal(b, archived(t, sample())) {
		t.Error("the same entries make two archives")
	}
}

// An archive that was cut anywhere is none.
func TestTruncated(t *testing.T) {
	b := archived(t, sample())
	end := bytes.LastIndex(b, []byte(trailer)) + len(trailer) + 1
	for n := range end {
		if _, err := Read(b[:n]); !errors.Is(err, ErrFormat) {
			t.Fatalf("%d octets of %d: %v", n, len(b), err)
		}
	}
}

func TestBadNames(t *testing.T) {
	for _, name := range []string{"/init", "a/../b", "", strings.Repeat("x", 5000)} {
		if err := Write(new(bytes.Buffer), []Entry{{Name: name, Mode: Regular}}); !errors.Is(err, ErrFormat) {
			t.Errorf("%.10q: %v", name, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(archived(f, sample()))
	f.Fuzz(func(t *testing.T, b []byte) {
		all, err := Read(b)
		if err != nil && !errors.Is(err, ErrFormat) {
			t.Error(err)
		}
		for _, e := range all {
			if len(e.Data) > len(b) {
				t.Error("more than there is")
			}
		}
	})
}
