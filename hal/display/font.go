package display

import (
	_ "embed"
	"encoding/hex"
	"strconv"
	"strings"
)

//go:embed font.hex
var fontText string

// The size of a character in dots.
const (
	glyphWidth  = 6
	glyphHeight = 13
)

// glyph is the dots of a character: a row in each, the left one in the highest bit.
type glyph [glyphHeight]byte

// font is a set of characters.
type font map[rune]glyph

// unknown stands for what the font lacks.
const unknown = '\uFFFD'

func newFont() font {
	f := font{}
	for line := range strings.Lines(fontText) {
		code, dots, _ := strings.Cut(strings.TrimSpace(line), ":")
		n, err := strconv.ParseUint(code, 16, 32)
		b, bad := hex.DecodeString(dots)
		if err != nil || bad != nil || len(b) != glyphHeight {
			panic("BUG: display: font: " + line)
		}
		f[rune(n)] = glyph(b)
	}
	return f
}

func (f font) glyph(r rune) glyph {
	if g, ok := f[r]; ok {
		return g
	}
	return f[unknown]
}
