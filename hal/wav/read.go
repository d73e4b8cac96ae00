package wav

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"

	"chordophone/hal/pcm"
)

var (
	// ErrNotWAV means that the file does not begin as a WAV file does.
	ErrNotWAV = errors.New("not a WAV file")
	// ErrFormat means a WAV file with sound in a form that is not supported.
	ErrFormat = errors.New("unsupported WAV format (use 16-bit PCM, 8 to 48 kHz, mono or stereo)")
)

const (
	formatPCM        = 1
	formatExtensible = 0xfffe // the true format stands in a later field

	minRate = 8000
	maxRate = 48000

	// maxSeconds bounds what Read holds in memory.
	maxSeconds = 300
)

// Sound is the contents of a WAV file, mixed to one channel.
type Sound struct {
	Rate int // samples a second
	PCM  []int16
}

// At returns the sound resampled to rate samples a second.
func (s Sound) At(rate int) []int16 {
	if len(s.PCM) == 0 {
		return nil
	}
	return pcm.Resample(s.PCM, s.Rate, rate)
}

// ReadFile reads the WAV file at path.
func ReadFile(path string) (Sound, error) {
	f, err := os.Open(path)
	if err != nil {
		return Sound{}, err
	}
	defer f.Close()
	s, err := Read(f)
	if err != nil {
		return Sound{}, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

// Read reads a WAV file of at most five minutes; what is longer is cut.
func Read(r io.Reader) (Sound, error) {
	br := bufio.NewReader(r)
	var head [12]byte
	if _, err := io.ReadFull(br, head[:]); err != nil || string(head[:4]) != "RIFF" || string(head[8:]) != "WAVE" {
		return Sound{}, ErrNotWAV
	}
	var f format
	for {
		var chunk [8]byte
		if _, err := io.ReadFull(br, chunk[:]); err != nil {
			return Sound{}, fmt.Errorf("%w: it ends before its sound", ErrNotWAV)
		}
		size := int64(binary.LittleEndian.Uint32(chunk[4:]))
		switch string(chunk[:4]) {
		case "fmt ":
			if err := f.read(br, size); err != nil {
				return Sound{}, err
			}
		case "data":
			if f.channels == 0 {
				return Sound{}, fmt.Errorf("%w: sound before its format", ErrNotWAV)
			}
			return f.sound(br, size)
		default:
			if _, err := io.CopyN(io.Discard, br, size+size&1); err != nil {
				return Sound{}, fmt.Errorf("%w: it ends before its sound", ErrNotWAV)
			}
		}
	}
}

// format is the part of a fmt chunk that matters.
type format struct {
	channels, rate int
}

func (f *format) read(r io.Reader, size int64) error {
	if size < 16 || size > 1024 {
		return fmt.Errorf("%w: format of %d bytes", ErrNotWAV, size)
	}
	b := make([]byte, size+size&1)
	if _, err := io.ReadFull(r, b); err != nil {
		return fmt.Errorf("%w: it ends before its sound", ErrNotWAV)
	}
	kind := binary.LittleEndian.Uint16(b)
	if kind == formatExtensible && size >= 26 {
		kind = binary.LittleEndian.Uint16(b[24:])
	}
	f.channels = int(binary.LittleEndian.Uint16(b[2:]))
	f.rate = int(binary.LittleEndian.Uint32(b[4:]))
	bits := binary.LittleEndian.Uint16(b[14:])
	if kind != formatPCM || bits != 16 || f.channels < 1 || f.channels > 2 || f.rate < minRate || f.rate > maxRate {
		return fmt.Errorf("%w: format %d, %d bits, %d Hz, %d channels", ErrFormat, kind, bits, f.rate, f.channels)
	}
	return nil
}

func (f *format) sound(r io.Reader, size int64) (Sound, error) {
	if size == 0 {
		size = math.MaxInt64 // a writer that was killed
	}
	frame := int64(2 * f.channels)
	b, err := io.ReadAll(io.LimitReader(r, min(size, maxSeconds*int64(f.rate)*frame)))
	if err != nil {
		return Sound{}, err
	}
	b = b[:int64(len(b))/frame*frame]
	samples := pcm.ParseS16LE(make([]int16, 0, len(b)/2), b)
	if f.channels > 1 {
		samples = pcm.Mono(samples[:0], samples, f.channels)
	}
	return Sound{Rate: f.rate, PCM: samples}, nil
}
