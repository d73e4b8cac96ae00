package release

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"aead.dev/minisign"
	"github.com/klauspost/compress/zstd"
)

func newKey(t testing.TB) (Key, minisign.PrivateKey) {
	t.Helper()
	public, secret, err := minisign.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return public, secret
}

// content is octets of which half can be packed.
func content(n int) []byte {
	b := make([]byte, n)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range b[:n/2] {
		b[i] = byte(rng.Uint32())
	}
	return b
}

func makeRelease(t testing.TB, m Manifest, data []byte, key minisign.PrivateKey) []byte {
	t.Helper()
	var b bytes.Buffer
	if _, err := Make(&b, m, bytes.NewReader(data), key); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

var v14 = Manifest{Product: "arm64", Version: Version{1, 4}, From: Version{1, 2}}

// readAll reads a release file to its end.
func readAll(r io.Reader, keys ...Key) (*Signed, []byte, error) {
	f, err := Open(r, keys)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	var all []byte
	buf := make([]byte, ChunkSize)
	for i := 0; ; i++ {
		n, data, err := f.Next(buf)
		if err == io.EOF {
			return f.Signed, all, nil
		}
		if err != nil {
			return nil, all, err
		}
		if n != i {
			return nil, all, errors.New("chunks out of order")
		}
		all = append(all, data...)
	}
}

func TestRoundTrip(t *testing.T) {
	public, secret := newKey(t)
	other, _ := newKey(t)
	for _, n := range []int{1, Align, ChunkSize - 1, ChunkSize, ChunkSize + 1, 3*ChunkSize + 5*Align + 7} {
		data := content(n)
		file := makeRelease(t, v14, data, secret)
		s, got, err := readAll(bytes.NewReader(file), other, public)
		if err != nil {
			t.Fatalf("%d octets: %v", n, err)
		}
		want := append(data, make([]byte, (Align-n%Align)%Align)...)
		if !bytes.Equal(got, want) || s.Length != int64(len(want)) || s.Product != "arm64" || s.Version != v14.Version || s.From != v14.From {
			t.Errorf("%d octets came back as %d: %+v", n, len(got), s.Manifest.Version)
		}
		again, err := ParseSigned(s.Head(), []Key{public})
		if err != nil || again.ID() != s.ID() || !bytes.HasPrefix(file, s.Head()) {
			t.Errorf("the head is another release by itself: %v", err)
		}
		if _, err := ParseSigned(append(slices.Clone(s.Head()), 0), []Key{public}); !errors.Is(err, ErrMalformed) {
			t.Errorf("an octet behind the head: %v", err)
		}
		if !bytes.Equal(file, makeRelease(t, v14, data, secret)) {
			t.Error("the same content makes another file")
		}
	}
}

// A file that ends too early is refused, wherever it ends.
func TestTruncated(t *testing.T) {
	public, secret := newKey(t)
	file := makeRelease(t, v14, content(Align), secret)
	for n := range file {
		if _, _, err := readAll(bytes.NewReader(file[:n]), public); !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrContent) && !errors.Is(err, ErrSignature) {
			t.Fatalf("%d of %d octets: %v", n, len(file), err)
		}
	}
	big := makeRelease(t, v14, content(2*ChunkSize), secret)
	for n := len(big) - 1; n > 0; n -= 5003 {
		if _, _, err := readAll(bytes.NewReader(big[:n]), public); err == nil {
			t.Fatalf("%d of %d octets are taken", n, len(big))
		}
	}
}

// A file of which one bit is another is refused, or it is the same release: what
// minisign does not sign (a comment) does not count.
func TestFlipped(t *testing.T) {
	public, secret := newKey(t)
	data := content(Align)
	file := makeRelease(t, v14, data, secret)
	for i := range file {
		bad := slices.Clone(file)
		bad[i] ^= 1 << (i % 8)
		s, got, err := readAll(bytes.NewReader(bad), public)
		if err == nil && (!bytes.Equal(got, data) || s.Version != v14.Version) {
			t.Fatalf("octet %d: another release is taken", i)
		}
	}
}

// The update attacker: what he cannot sign he cannot have installed, and what he sends
// costs little.
func TestEvil(t *testing.T) {
	public, secret := newKey(t)
	_, wrong := newKey(t)
	data := content(2 * ChunkSize)
	good := makeRelease(t, v14, data, secret)
	head := good[:headLen(good)]
	pack := func(b []byte) []byte {
		z, _ := zstd.NewWriter(nil)
		return z.EncodeAll(b, nil)
	}
	// A frame that asks for a window of a gigabyte. RFC 8878, section 3.1.1.1.2
	window := []byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, 20 << 3, 0x01, 0, 0}
	skip := binary.LittleEndian.AppendUint32([]byte{0x50, 0x2a, 0x4d, 0x18}, 1<<20) // section 3.1.2

	for _, tc := range []struct {
		name string
		file io.Reader
		want error
	}{
		{"wrong key", bytes.NewReader(makeRelease(t, v14, data, wrong)), ErrSignature},
		{"another content", io.MultiReader(bytes.NewReader(head), bytes.NewReader(pack(content(3 * ChunkSize)[ChunkSize:]))), ErrContent},
		{"content of another release", io.MultiReader(bytes.NewReader(head), bytes.NewReader(good[headLen(good)-1:])), ErrContent},
		{"content too long", io.MultiReader(bytes.NewReader(head), bytes.NewReader(pack(append(slices.Clone(data), 0)))), ErrContent},
		{"two contents", io.MultiReader(bytes.NewReader(good), bytes.NewReader(good[len(head):])), ErrContent},
		{"octets behind", io.MultiReader(bytes.NewReader(good), strings.NewReader("more")), ErrContent},
		{"bomb", io.MultiReader(bytes.NewReader(head), bytes.NewReader(bomb(t, 1<<30))), ErrContent},
		{"great window", io.MultiReader(bytes.NewReader(head), bytes.NewReader(window)), ErrContent},
		{"endless nothing", io.MultiReader(bytes.NewReader(head), &forever{append(skip, make([]byte, 1<<20)...), 0}), ErrContent},
		{"nothing behind", io.MultiReader(bytes.NewReader(good), &forever{append(skip, make([]byte, 1<<20)...), 0}), ErrContent},
		{"great manifest", io.MultiReader(strings.NewReader(magic+"\xff\xff\xff\xff\x00\x10"), zeros{}), ErrMalformed},
		{"not a release", zeros{}, ErrMalformed},
		{"nothing", strings.NewReader(""), ErrMalformed},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, got, err := readAll(tc.file, public)
			runtime.ReadMemStats(&after)
			if !errors.Is(err, tc.want) {
				t.Errorf("%v; want %v", err, tc.want)
			}
			if !bytes.HasPrefix(data, got) {
				t.Error("a chunk came through that is not of the release")
			}
			if used := after.TotalAlloc - before.TotalAlloc; used > 64<<20 {
				t.Errorf("it cost %d MB", used>>20)
			}
		})
	}
	if _, _, err := readAll(bytes.NewReader(good)); !errors.Is(err, ErrNoKeys) {
		t.Errorf("without keys: %v", err)
	}
}

func headLen(file []byte) int {
	return prefix + int(binary.BigEndian.Uint32(file[len(magic):])) + int(binary.BigEndian.Uint16(file[len(magic)+4:]))
}

// bomb is a little that unpacks to n zeros.
func bomb(t *testing.T, n int64) []byte {
	var b bytes.Buffer
	z, err := zstd.NewWriter(&b, zstd.WithWindowSize(1<<20), zstd.WithEncoderLevel(zstd.SpeedFastest))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(z, zeros{}, n); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// forever says the same again and again.
type forever struct {
	text []byte
	at   int
}

func (f *forever) Read(b []byte) (int, error) {
	n := copy(b, f.text[f.at:])
	f.at = (f.at + n) % len(f.text)
	return n, nil
}

// A manifest has one spelling.
func TestManifest(t *testing.T) {
	hash := strings.Repeat("ab", 32)
	good := "chordophone release 1\nproduct arm64\nversion 1.4.0\nfrom 1.2.0\nlength 4096\n" + hash + "\n"
	var m Manifest
	if err := m.UnmarshalText([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for what, bad := range map[string]string{
		"format":        strings.Replace(good, "release 1", "release 2", 1),
		"no product":    strings.Replace(good, "product arm64", "product ", 1),
		"product":       strings.Replace(good, "arm64", "Arm 64", 1),
		"order":         strings.Replace(good, "version 1.4.0\nfrom 1.2.0", "from 1.2.0\nversion 1.4.0", 1),
		"version":       strings.Replace(good, "1.4.0", "1.4", 1),
		"zero":          strings.Replace(good, "1.4.0", "1.04.0", 1),
		"commits":       strings.Replace(good, "1.4.0", "1.4.0+3", 1),
		"sign":          strings.Replace(good, "1.4.0", "+1.4.0", 1),
		"from newer":    strings.Replace(good, "from 1.2.0", "from 1.5.0", 1),
		"no length":     strings.Replace(good, "length 4096", "length 0", 1),
		"negative":      strings.Replace(good, "length 4096", "length -4096", 1),
		"not aligned":   strings.Replace(good, "length 4096", "length 4097", 1),
		"too long":      strings.Replace(good, "length 4096", "length 134221824", 1),
		"overflow":      strings.Replace(good, "length 4096", "length 99999999999999999999", 1),
		"missing hash":  strings.Replace(good, hash+"\n", "", 1),
		"second hash":   good + hash + "\n",
		"short hash":    strings.Replace(good, hash, hash[2:], 1),
		"upper case":    strings.Replace(good, hash, strings.ToUpper(hash), 1),
		"carriage":      strings.ReplaceAll(good, "\n", "\r\n"),
		"no line end":   strings.TrimSuffix(good, "\n"),
		"one more line": good + "\n",
		"empty":         "",
	} {
		if err := new(Manifest).UnmarshalText([]byte(bad)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestVersion(t *testing.T) {
	for program, want := range map[string]Version{
		"v1.4.0": {1, 4}, "1.4.2": {1, 4, 2}, "v1.4.0-12-gabcdef0": {1, 4, 0, 12}, "v1.4.0-12-gabcdef0-dirty": {1, 4, 0, 12},
		"v1.4.0-dirty": {1, 4}, "6b44cde": {}, "unknown": {}, "": {}, "v1.4.0-rc-1": {1, 4},
	} {
		if got := VersionOf(program); got != want {
			t.Errorf("%q is %v; want %v", program, got, want)
		}
	}
	order := []string{"0.0.0", "0.9.10", "1.0.0", "1.4.0", "1.4.0+1", "1.4.0+12", "1.4.1", "1.10.0", "2.0.0"}
	for i, a := range order {
		for j, b := range order {
			var v, w Version
			if err := errors.Join(v.UnmarshalText([]byte(a)), w.UnmarshalText([]byte(b))); err != nil {
				t.Fatal(err)
			}
			if got := v.Compare(w); got != min(1, max(-1, i-j)) {
				t.Errorf("%v compared to %v: %d", v, w, got)
			}
			if v.String() != a {
				t.Errorf("%q comes back as %v", a, v)
			}
		}
	}
}

func TestKeys(t *testing.T) {
	a, _ := newKey(t)
	b, _ := newKey(t)
	aText, _ := a.MarshalText()
	text := "# who makes our releases\n" + string(aText) + "\n\nuntrusted comment: the next one\r\n" + lastLine(b) + "\r\n"
	keys, err := ParseKeys(strings.NewReader(text))
	if err != nil || len(keys) != 2 || !keys[0].Equal(a) || !keys[1].Equal(b) {
		t.Errorf("%d keys, %v", len(keys), err)
	}
	if _, err := ParseKeys(strings.NewReader("# none\n")); !errors.Is(err, ErrNoKeys) {
		t.Errorf("no key: %v", err)
	}
	if _, err := ParseKeys(strings.NewReader(lastLine(a) + "\nRWQ\n")); err == nil || errors.Is(err, ErrNoKeys) || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("a broken line: %v", err)
	}
	if _, err := ParseKeys(strings.NewReader(strings.Repeat(lastLine(a)+"\n", maxKeys+1))); err == nil {
		t.Error("nine keys are taken")
	}
	if _, err := ParseKeys(zeros{}); err == nil {
		t.Error("a file without end is taken")
	}
	dir := t.TempDir()
	if _, err := ReadKeys(filepath.Join(dir, KeyFile)); !errors.Is(err, ErrNoKeys) {
		t.Errorf("no file: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, KeyFile), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if keys, err := ReadKeys(filepath.Join(dir, KeyFile)); err != nil || len(keys) != 2 {
		t.Errorf("%d keys, %v", len(keys), err)
	}
}

func lastLine(k Key) string {
	text, _ := k.MarshalText()
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return lines[len(lines)-1]
}

// FuzzSigned: whatever comes, nothing but what the key signed is taken, and it comes out
// as it went in.
func FuzzSigned(f *testing.F) {
	public, secret := newKey(f)
	file := makeRelease(f, v14, content(Align), secret)
	f.Add(file)
	f.Add(file[:headLen(file)])
	f.Fuzz(func(t *testing.T, b []byte) {
		s, data, err := readAll(bytes.NewReader(b), public)
		if err == nil && (s.Version != v14.Version || !bytes.Equal(data, content(Align))) {
			t.Error("what nobody signed is taken")
		}
		if s, err := ParseSigned(b, []Key{public}); err == nil && !bytes.Equal(s.Head(), b) {
			t.Error("the head is another one")
		}
	})
}

// FuzzManifest: what is read is written as it was.
func FuzzManifest(f *testing.F) {
	f.Add([]byte("chordophone release 1\nproduct arm64\nversion 1.4.0\nfrom 1.2.0\nlength 4096\n" + strings.Repeat("ab", 32) + "\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var m Manifest
		if m.UnmarshalText(b) != nil {
			return
		}
		if again, err := m.MarshalText(); err != nil || !bytes.Equal(again, b) {
			t.Errorf("%q comes back as %q, %v", b, again, err)
		}
	})
}
