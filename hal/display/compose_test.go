package display

import (
	"slices"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"
)

var noon = time.Date(2026, 11, 22, 12, 34, 50, 0, time.UTC)

func TestCompose(t *testing.T) {
	menu := []string{"menu", " volume", ">contacts", " calls"}
	call := []string{"call from", "102", "Alice"}
	for _, c := range []struct {
		what          string
		lines         []string
		rows, columns int
		at            time.Time
		want          []string
		next          time.Duration // 0: never
	}{
		{"the time of day stands behind the first line", []string{"101 demo", "ready"}, 4, 20, noon,
			[]string{"101 demo       12:34", "ready", "", ""}, 10 * time.Second},
		{"not without room", []string{"101 an office far away"}, 2, 20, noon, []string{"101 an office far aw", ""}, 0},
		{"nor before the telephone was told it", []string{"101 demo"}, 1, 20, time.Unix(1e9, 0).UTC(), []string{"101 demo"}, 0},
		{"with nothing to say it is a clock", nil, 2, 16, noon, []string{"           12:34", ""}, 10 * time.Second},
		{"too many lines take turns", call, 2, 16, noon, []string{"call from  12:34", "102"}, time.Second},
		{"one after the other", call, 2, 16, noon.Add(time.Second), []string{"call from  12:34", "Alice"}, 3 * time.Second},
		{"on one row all of them", call, 1, 16, noon.Add(time.Second), []string{"102        12:34"}, 3 * time.Second},
		{"but what is marked stays", menu, 2, 16, noon, []string{"menu       12:34", ">contacts"}, 10 * time.Second},
		{"on one row alone", menu, 1, 16, noon, []string{">contacts  12:34"}, 10 * time.Second},
		{"unless it is the first, which stays", []string{">", "101", "102"}, 2, 16, noon, []string{">          12:34", "101"}, time.Second},
		{"with what follows it", menu, 3, 16, noon, []string{"menu       12:34", ">contacts", " calls"}, 10 * time.Second},
	} {
		got := Compose(c.lines, c.rows, c.columns, c.at)
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.what, got, c.want)
		}
		next := Next(c.lines, c.rows, c.columns, c.at)
		if c.next == 0 != next.IsZero() || c.next != 0 && next.Sub(c.at) != c.next {
			t.Errorf("%s: next %v, want in %v", c.what, next, c.next)
		}
	}
}

// There are always as many rows as the glass has, none longer than it is wide, and
// nothing changes before Next.
func TestComposeProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		line := rapid.OneOf(rapid.StringN(0, 30, -1), rapid.StringMatching(">[a-z]{0,9}"))
		lines := rapid.SliceOfN(line, 0, 6).Draw(t, "lines")
		rows, columns := rapid.IntRange(1, 4).Draw(t, "rows"), rapid.IntRange(8, 40).Draw(t, "columns")
		now := noon.Add(time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "now")))
		got := Compose(lines, rows, columns, now)
		if len(got) != rows {
			t.Fatalf("%d rows", len(got))
		}
		for _, r := range got {
			if utf8.RuneCountInString(r) > columns {
				t.Fatalf("%q", r)
			}
		}
		before := now.Add(time.Hour)
		if next := Next(lines, rows, columns, now); !next.IsZero() {
			before = next.Add(-1)
			if !next.After(now) {
				t.Fatal("next is not later")
			}
		}
		if same := Compose(lines, rows, columns, before); !slices.Equal(got, same) {
			t.Fatalf("%q, and unannounced %q", got, same)
		}
	})
}

// The font has what names and texts in Western and Central Europe need.
func TestFont(t *testing.T) {
	f := newFont()
	for _, r := range "AZaz09*#+-äöüÄÖÜßéèçñåøæłšžőğı€–…" {
		if _, ok := f[r]; !ok {
			t.Errorf("no %c", r)
		}
	}
	if f.glyph('日') != f[unknown] || f.glyph('日') == (glyph{}) {
		t.Error("what the font lacks is not marked")
	}
}
