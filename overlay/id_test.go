package overlay

import (
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

func point(n byte) (x ID) { x[15] = n; return x }

func TestBetween(t *testing.T) {
	for _, c := range []struct {
		a, x, b byte
		want    bool
	}{
		{1, 2, 3, true},
		{1, 1, 3, false}, // open at both ends
		{1, 3, 3, false},
		{3, 4, 1, true}, // across zero
		{3, 0, 1, true},
		{3, 2, 1, false},
		{5, 6, 5, true}, // the whole circle but 5
		{5, 4, 5, true},
		{5, 5, 5, false},
	} {
		if got := point(c.x).Between(point(c.a), point(c.b)); got != c.want {
			t.Errorf("%d between %d and %d: %v, want %v", c.x, c.a, c.b, got, c.want)
		}
	}
}

// RFC 6940, section 10.2: "The hash algorithm is SHA-1" and the first 16 octets
// are used. The digest of "abc" is in FIPS 180.
func TestResourceID(t *testing.T) {
	if got, want := ResourceID("abc").String(), "a9993e364706816aba3e25717850c26c"; got != want {
		t.Errorf("ResourceID(abc) = %s, want %s", got, want)
	}
}

func anyID(t *rapid.T, label string) ID {
	return ID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, label))
}

// The arithmetic agrees with that of big integers modulo 2^128.
func TestArithmetic(t *testing.T) {
	circle := new(big.Int).Lsh(big.NewInt(1), 128)
	number := func(x ID) *big.Int { return new(big.Int).SetBytes(x[:]) }
	rapid.Check(t, func(t *rapid.T) {
		x, y := anyID(t, "x"), anyID(t, "y")
		power := rapid.UintRange(0, 127).Draw(t, "power")

		sum := new(big.Int).Add(number(x), new(big.Int).Lsh(big.NewInt(1), power))
		if sum.Mod(sum, circle).Cmp(number(x.Plus(power))) != 0 {
			t.Fatalf("%s + 2^%d = %s", x, power, x.Plus(power))
		}
		diff := new(big.Int).Sub(number(y), number(x))
		if diff.Mod(diff, circle).Cmp(number(x.Distance(y))) != 0 {
			t.Fatalf("from %s to %s: %s", x, y, x.Distance(y))
		}
		a, b := anyID(t, "a"), anyID(t, "b")
		if a != b && x != a && x != b && x.Between(a, b) == x.Between(b, a) {
			t.Fatalf("%s lies on both or neither of the arcs between %s and %s", x, a, b)
		}
		if got, err := ParseID(x.String()); err != nil || got != x {
			t.Fatalf("ParseID(%s) = %s, %v", x, got, err)
		}
	})
}

func TestParseIDRefuses(t *testing.T) {
	for _, s := range []string{"", "12", "zz993e364706816aba3e25717850c26c", "a9993e364706816aba3e25717850c26c00"} {
		if x, err := ParseID(s); err == nil {
			t.Errorf("ParseID(%q) = %s, want an error", s, x)
		}
	}
}
