package wav

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"chordophone/hal/pcm"
)

func ramp(n int) []int16 {
	s := make([]int16, n)
	for i := range s {
		s[i] = int16(i*37 - 9000)
	}
	return s
}

func file(rate int, samples []int16) []byte {
	return pcm.AppendS16LE(appendHeader(nil, rate, uint32(2*len(samples))), samples)
}

func TestRoundTrip(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.wav")
	want := ramp(1000)
	if err := WriteFile(path, 8000, want); err != nil {
		t.Fatal(err)
	}
	got, err := ReadFile(path)
	if err != nil || got.Rate != 8000 || !slices.Equal(got.PCM, want) {
		t.Fatalf("%d samples at %d, %v", len(got.PCM), got.Rate, err)
	}
	if n := len(got.At(16000)); n != 2000 {
		t.Errorf("%d samples at twice the rate", n)
	}
}

// Each header field lies where the format says.
func TestHeader(t *testing.T) {
	got := appendHeader(nil, 16000, 0x01020304)
	want := "RIFF\x28\x03\x02\x01WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00" +
		"\x80\x3e\x00\x00\x00\x7d\x00\x00\x02\x00\x10\x00data\x04\x03\x02\x01"
	if string(got) != want {
		t.Errorf("%q", got)
	}
}

func TestReadForms(t *testing.T) {
	plain := file(16000, []int16{1, 2, 3, 4})
	stereo := bytes.Clone(plain)
	stereo[22] = 2
	zero := bytes.Clone(plain)
	copy(zero[40:], []byte{0, 0, 0, 0})
	ones := bytes.Clone(plain)
	copy(ones[40:], []byte{0xff, 0xff, 0xff, 0xff})
	list := slices.Concat(plain[:36], []byte("LIST\x03\x00\x00\x00abc\x00"), plain[36:])
	extensible := slices.Concat(plain[:16], []byte{40, 0, 0, 0, 0xfe, 0xff}, plain[22:36],
		[]byte{22, 0, 16, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71}, plain[36:])
	for _, c := range []struct {
		name string
		in   []byte
		want []int16
	}{
		{"plain", plain, []int16{1, 2, 3, 4}},
		{"stereo is mixed", stereo, []int16{1, 3}},
		{"size zero: to the end", zero, []int16{1, 2, 3, 4}},
		{"size all ones: to the end", ones, []int16{1, 2, 3, 4}},
		{"half a sample at the end", plain[:len(plain)-1], []int16{1, 2, 3}},
		{"chunk of odd size before the sound", list, []int16{1, 2, 3, 4}},
		{"extensible", extensible, []int16{1, 2, 3, 4}},
		{"trailing chunk", append(bytes.Clone(plain), "LIST\x00\x00\x00\x00"...), []int16{1, 2, 3, 4}},
	} {
		if got, err := Read(bytes.NewReader(c.in)); err != nil || !slices.Equal(got.PCM, c.want) {
			t.Errorf("%s: %v, %v", c.name, got.PCM, err)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	good := file(16000, ramp(10))
	with := func(at int, b ...byte) []byte {
		f := bytes.Clone(good)
		copy(f[at:], b)
		return f
	}
	for _, c := range []struct {
		name string
		in   []byte
		want error
	}{
		{"empty", nil, ErrNotWAV},
		{"text", []byte("This is not a sound at all.\n"), ErrNotWAV},
		{"8 bits", with(34, 8), ErrFormat},
		{"float", with(20, 3), ErrFormat},
		{"96 kHz", with(24, 0x00, 0x77, 0x01, 0x00), ErrFormat},
		{"no channel", with(22, 0), ErrFormat},
		{"six channels", with(22, 6), ErrFormat},
		{"no format", slices.Concat(good[:12], good[36:]), ErrNotWAV},
		{"huge format", with(16, 0xff, 0xff), ErrNotWAV},
	} {
		if _, err := Read(bytes.NewReader(c.in)); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	for n := range headerSize {
		if _, err := Read(bytes.NewReader(good[:n])); !errors.Is(err, ErrNotWAV) {
			t.Errorf("cut after %d bytes: %v", n, err)
		}
	}
}

// A process killed at any time leaves a file that can be played and lacks less
// than a second.
func TestRecorderKilled(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.wav")
	r, err := Create(path, 16000)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for i := range 175 { // 3.5 s
		if err := r.Write(ramp(320)); err != nil {
			t.Fatal(err)
		}
		s, err := ReadFile(path)
		if lost := (i+1)*320 - len(s.PCM); err != nil || lost < 0 || lost >= 16000 {
			t.Fatalf("frame %d: %d samples missing, %v", i, lost, err)
		}
	}
	if err := r.Flush(); err != nil {
		t.Fatal(err)
	}
	if s, err := ReadFile(path); err != nil || len(s.PCM) != 175*320 {
		t.Errorf("after Flush: %d samples, %v", len(s.PCM), err)
	}
}

func TestCreateKeepsForeignFiles(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{"notes.txt": "Ring Alice, then Bob.", "short": "x"} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Create(path, 16000); !errors.Is(err, ErrNotWAV) {
			t.Errorf("%s: %v", name, err)
		}
		if b, _ := os.ReadFile(path); string(b) != content {
			t.Errorf("%s was changed to %q", name, b)
		}
	}
	path := filepath.Join(dir, "old.wav")
	if err := WriteFile(path, 16000, ramp(5000)); err != nil {
		t.Fatal(err)
	}
	r, err := Create(path, 16000)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(r.Write([]int16{7}), r.Close()); err != nil {
		t.Fatal(err)
	}
	if s, err := ReadFile(path); err != nil || !slices.Equal(s.PCM, []int16{7}) {
		t.Errorf("old recording not replaced: %d samples, %v", len(s.PCM), err)
	}
}

// A recording that meets an error says so at the end and keeps what it has.
func TestRecorderFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.wav")
	r, err := Create(path, 16000)
	if err != nil {
		t.Fatal(err)
	}
	r.data = maxData - 100
	if err := r.Write(ramp(320)); err == nil {
		t.Error("a file of 4 GB grew")
	}
	if err := r.Write(nil); err == nil {
		t.Error("the failure was forgotten")
	}
	if err := r.Close(); err == nil {
		t.Error("Close is silent about it")
	}
}

func FuzzRead(f *testing.F) {
	f.Add(file(16000, ramp(20)))
	f.Add(file(44100, nil))
	f.Add([]byte("RIFF\x00\x00\x00\x00WAVELIST\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := Read(bytes.NewReader(b))
		if err == nil && (s.Rate < minRate || s.Rate > maxRate || len(s.PCM) > len(b)/2) {
			t.Errorf("%d samples at %d out of %d bytes", len(s.PCM), s.Rate, len(b))
		}
	})
}
