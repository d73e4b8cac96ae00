package release

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Version orders releases: major, minor, patch, and the number of commits since.
// Releases have 0 for the last, what developers build may have more.
type Version [4]uint32

// ParseVersion reads "1.4.0", as releases are numbered.
func ParseVersion(s string) (Version, error) {
	var v Version
	parts := strings.Split(s, ".")
	if len(parts) != 3 {
		return Version{}, fmt.Errorf("release: version %.40q: want three numbers, 1.4.0", s)
	}
	for i, p := range parts {
		n, err := strconv.ParseUint(p, 10, 32)
		if err != nil || strconv.FormatUint(n, 10) != p {
			return Version{}, fmt.Errorf("release: version %.40q: want three numbers, 1.4.0", s)
		}
		v[i] = uint32(n)
	}
	return v, nil
}

// VersionOf is the version of a program that says "v1.4.0" or, as git describe
// does, "v1.4.0-12-gabcdef0-dirty" of itself. Whoever says neither, a build from
// nowhere, is 0.0.0: every release is newer.
func VersionOf(program string) Version {
	parts := strings.Split(strings.TrimPrefix(program, "v"), "-")
	v, err := ParseVersion(parts[0])
	if err != nil {
		return Version{}
	}
	if len(parts) > 2 && strings.HasPrefix(parts[2], "g") {
		if n, err := strconv.ParseUint(parts[1], 10, 32); err == nil {
			v[3] = uint32(n)
		}
	}
	return v
}

// Compare is below, at or above 0 for v older than, the same as, newer than w.
func (v Version) Compare(w Version) int {
	return slices.CompareFunc(v[:], w[:], cmp.Compare[uint32])
}

// String is "1.4.0", or "1.4.0+12" between releases.
func (v Version) String() string {
	s := fmt.Sprintf("%d.%d.%d", v[0], v[1], v[2])
	if v[3] > 0 {
		s += fmt.Sprintf("+%d", v[3])
	}
	return s
}

// MarshalText is String.
func (v Version) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText reads what String wrote.
func (v *Version) UnmarshalText(b []byte) error {
	first, since, between := strings.Cut(string(b), "+")
	out, err := ParseVersion(first)
	if err == nil && between {
		var n uint64
		n, err = strconv.ParseUint(since, 10, 32)
		out[3] = uint32(n)
	}
	if err != nil {
		return err
	}
	*v = out
	return nil
}
