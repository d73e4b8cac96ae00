package wire

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// PlainText is what a stranger sent, fit for a display and a log: printable, at
// most limit runes.
func PlainText(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r == utf8.RuneError {
			return -1
		}
		return r
	}, s)
	if utf8.RuneCountInString(s) > limit {
		s = string([]rune(s)[:limit])
	}
	return strings.TrimSpace(s)
}
