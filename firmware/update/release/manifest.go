package release

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Sizes in octets.
const (
	ChunkSize    = 256 << 10 // of the content; the last chunk may be shorter
	Align        = 4096      // the content is a multiple of this
	MaxContent   = 128 << 20 // a slot's partition
	MaxManifest  = 64 << 10
	MaxSignature = 1024

	maxProduct = 32
)

// ErrMalformed is the error for what is not a release.
var ErrMalformed = errors.New("malformed release")

// ID names a release: the SHA-256 of its manifest.
type ID [sha256.Size]byte

// String is hexadecimal.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// MarshalText is String.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (id *ID) UnmarshalText(text []byte) error {
	b, err := hex.DecodeString(string(text))
	if err != nil || len(b) != len(id) {
		return fmt.Errorf("release: %.80q is no name of a release", text)
	}
	copy(id[:], b)
	return nil
}

// IsZero reports whether id names nothing.
func (id ID) IsZero() bool { return id == ID{} }

// Manifest says what a release is. As text:
//
//	chordophone release 1
//	product arm64
//	version 1.4.0
//	from 1.2.0
//	length 26214400
//	SHA-256 of a chunk, in hexadecimal, one a line
//
// There is just one text for each manifest: what ends or spells a line otherwise is
// refused.
type Manifest struct {
	Product string  // what it is for: lower case letters, digits and hyphens
	Version Version // of the release, the last number 0
	From    Version // the oldest version that can be updated to it
	Length  int64   // of the content, unpacked
	Chunks  [][sha256.Size]byte
}

const headline = "chordophone release 1"

// MarshalText is the text of m. The error wraps ErrMalformed.
func (m Manifest) MarshalText() ([]byte, error) {
	if err := m.check(); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s\nproduct %s\nversion %s\nfrom %s\nlength %d\n", headline, m.Product, m.Version, m.From, m.Length)
	for _, c := range m.Chunks {
		fmt.Fprintf(&b, "%x\n", c)
	}
	return b.Bytes(), nil
}

// UnmarshalText reads what MarshalText wrote, and nothing else.
func (m *Manifest) UnmarshalText(text []byte) error {
	if len(text) > MaxManifest {
		return fmt.Errorf("%w: manifest of %d octets", ErrMalformed, len(text))
	}
	var out Manifest
	lines := strings.Split(string(text), "\n")
	if len(lines) < 7 || lines[0] != headline || lines[len(lines)-1] != "" {
		return fmt.Errorf("%w: no manifest of format 1", ErrMalformed)
	}
	var version, from, length string
	for i, f := range []struct {
		name string
		to   *string
	}{{"product ", &out.Product}, {"version ", &version}, {"from ", &from}, {"length ", &length}} {
		var ok bool
		if *f.to, ok = strings.CutPrefix(lines[1+i], f.name); !ok {
			return fmt.Errorf("%w: manifest has no %s", ErrMalformed, strings.TrimSpace(f.name))
		}
	}
	var errs [3]error
	out.Version, errs[0] = ParseVersion(version)
	out.From, errs[1] = ParseVersion(from)
	out.Length, errs[2] = strconv.ParseInt(length, 10, 64)
	if err := errors.Join(errs[:]...); err != nil {
		return fmt.Errorf("%w: manifest: %w", ErrMalformed, err)
	}
	for _, line := range lines[5 : len(lines)-1] {
		var sum [sha256.Size]byte
		if len(line) != 2*len(sum) {
			return fmt.Errorf("%w: manifest: hash of %d characters", ErrMalformed, len(line))
		}
		if _, err := hex.Decode(sum[:], []byte(line)); err != nil {
			return fmt.Errorf("%w: manifest: %w", ErrMalformed, err)
		}
		out.Chunks = append(out.Chunks, sum)
	}
	again, err := out.MarshalText()
	if err != nil {
		return err
	}
	if !bytes.Equal(again, text) {
		return fmt.Errorf("%w: manifest is not spelt as it must be", ErrMalformed)
	}
	*m = out
	return nil
}

func (m Manifest) check() error {
	switch {
	case m.Product == "" || len(m.Product) > maxProduct || strings.Trim(m.Product, "abcdefghijklmnopqrstuvwxyz0123456789-") != "":
		return fmt.Errorf("%w: product %.40q: want lower case letters, digits and hyphens", ErrMalformed, m.Product)
	case m.Version[3] != 0 || m.From[3] != 0:
		return fmt.Errorf("%w: version %v from %v: a release has three numbers", ErrMalformed, m.Version, m.From)
	case m.From.Compare(m.Version) > 0:
		return fmt.Errorf("%w: version %v from the newer %v", ErrMalformed, m.Version, m.From)
	case m.Length <= 0 || m.Length > MaxContent || m.Length%Align != 0:
		return fmt.Errorf("%w: content of %d octets: want up to %d, a multiple of %d", ErrMalformed, m.Length, MaxContent, Align)
	case len(m.Chunks) != chunks(m.Length):
		return fmt.Errorf("%w: %d hashes for %d chunks", ErrMalformed, len(m.Chunks), chunks(m.Length))
	}
	return nil
}

func chunks(length int64) int { return int((length + ChunkSize - 1) / ChunkSize) }

// ChunkLen is the length of chunk i.
func (m Manifest) ChunkLen(i int) int {
	return int(min(ChunkSize, m.Length-int64(i)*ChunkSize))
}

// IsChunk reports whether data is chunk i.
func (m Manifest) IsChunk(i int, data []byte) bool {
	return len(data) == m.ChunkLen(i) && sha256.Sum256(data) == m.Chunks[i]
}
