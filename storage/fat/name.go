package fat

import (
	"encoding/binary"
	"fmt"
	"path"
	"strings"
	"unicode/utf16"
)

// Every entry of a directory has a short name of 8+3 capitals. A name that is more
// than that stands before it, in pieces, as a long name.

const (
	attrReadOnly  = 0x01
	attrHidden    = 0x02
	attrSystem    = 0x04
	attrLabel     = 0x08
	attrDirectory = 0x10
	attrArchive   = 0x20
	attrLong      = attrReadOnly | attrHidden | attrSystem | attrLabel

	lowerBase = 0x08 // the short name is meant in small letters
	lowerExt  = 0x10

	longLast = 0x40 // of the pieces of a long name, which stand in reverse order
	unitsPer = 13   // UTF-16 code units in one piece
	maxUnits = 255
)

// units are the offsets of a long name's code units in its entry.
var units = [unitsPer]int{1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30}

const (
	forbidden  = `"*/:<>?\|`        // in any name
	shortMarks = "!#$%&'()-@^_`{}~" // in short names, beside capitals and digits
)

type shortName [11]byte

// checkName says whether FAT can hold a file of that name.
func checkName(name string) error {
	switch n := len(utf16.Encode([]rune(name))); {
	case name == "" || n > maxUnits:
		return fmt.Errorf("%w: %d characters", ErrName, n)
	case strings.HasSuffix(name, ".") || strings.HasSuffix(name, " ") || strings.HasPrefix(name, " "):
		return fmt.Errorf("%w: %q begins or ends with a blank, or ends with a dot", ErrName, name)
	case strings.ContainsAny(name, forbidden) || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\ufffd' }):
		return fmt.Errorf("%w: a character of %q", ErrName, name)
	}
	return nil
}

// short is the name as a short one with the marks of its case, if it is one.
func short(name string) (s shortName, marks byte, ok bool) {
	base, ext, dotted := strings.Cut(name, ".")
	if base == "" || len(base) > 8 || len(ext) > 3 || dotted && ext == "" {
		return s, 0, false
	}
	for i := range s {
		s[i] = ' '
	}
	for _, part := range []struct {
		text string
		at   int
		mark byte
	}{{base, 0, lowerBase}, {ext, 8, lowerExt}} {
		upper := strings.ToUpper(part.text)
		switch {
		case !shortForm(upper):
			return s, 0, false
		case part.text == upper:
		case part.text == strings.ToLower(part.text):
			marks |= part.mark
		default:
			return s, 0, false
		}
		copy(s[part.at:], upper)
	}
	return s, marks, true
}

func shortForm(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune(shortMarks, r))
	})
}

// aliases makes the short names of one folder.
type aliases struct {
	taken map[shortName]bool
	last  map[string]int // number given to this beginning and extension
}

// of is the short name that stands behind a long one: NAME~1.EXT, with a number
// that is free.
func (a aliases) of(name string) shortName {
	clean := func(text string, most int) string {
		var b strings.Builder
		for _, r := range strings.ToUpper(text) {
			switch {
			case b.Len() == most:
				return b.String()
			case strings.ContainsRune(". ", r):
			case shortForm(string(r)):
				b.WriteRune(r)
			default:
				b.WriteByte('_')
			}
		}
		return b.String()
	}
	ext := path.Ext(name)
	base := clean(strings.TrimSuffix(name, ext), 8)
	ext = clean(ext, 3)
	for n := a.last[base+"."+ext] + 1; ; n++ {
		tail := fmt.Sprintf("~%d", n)
		var s shortName
		copy(s[:], fmt.Sprintf("%-8s%-3s", base[:min(len(base), 8-len(tail))]+tail, ext))
		if !a.taken[s] {
			a.last[base+"."+ext] = n
			return s
		}
	}
}

// checksum ties the pieces of a long name to the short one.
func (s shortName) checksum() (sum byte) {
	for _, c := range s {
		sum = sum>>1 | sum<<7
		sum += c
	}
	return sum
}

// text is the short name as people write it.
func (s shortName) text(marks byte) string {
	base, ext := strings.TrimRight(string(s[:8]), " "), strings.TrimRight(string(s[8:]), " ")
	if base != "" && base[0] == 0x05 { // stands for 0xe5, which means deleted
		base = "\xe5" + base[1:]
	}
	if marks&lowerBase != 0 {
		base = strings.ToLower(base)
	}
	if marks&lowerExt != 0 {
		ext = strings.ToLower(ext)
	}
	if ext != "" {
		base += "." + ext
	}
	return latin(base)
}

// latin reads octets of no known code page as Latin-1, so that a name is text.
func latin(s string) string {
	var b strings.Builder
	for i := range len(s) {
		b.WriteRune(rune(s[i]))
	}
	return b.String()
}

// longEntries are the pieces of a long name, as they stand before its short one.
func longEntries(name string, s shortName) []byte {
	u := utf16.Encode([]rune(name))
	n := (len(u) + unitsPer - 1) / unitsPer
	b := make([]byte, n*entrySize)
	for i := range n {
		e := b[(n-1-i)*entrySize:][:entrySize]
		e[0] = byte(i + 1)
		if i == n-1 {
			e[0] |= longLast
		}
		e[11] = attrLong
		e[13] = s.checksum()
		for j, at := range units {
			c := uint16(0xffff)
			if k := i*unitsPer + j; k < len(u) {
				c = u[k]
			} else if k == len(u) {
				c = 0
			}
			binary.LittleEndian.PutUint16(e[at:], c)
		}
	}
	return b
}

// longName gathers the pieces of a long name while a directory is read.
type longName struct {
	units []uint16
	next  int // the piece that must come next, 0: none
	sum   byte
}

// piece takes an entry that is part of a long name.
func (l *longName) piece(e []byte) {
	n := int(e[0] &^ longLast)
	if e[0]&longLast != 0 {
		*l = longName{units: make([]uint16, n*unitsPer), next: n, sum: e[13]}
	}
	if n == 0 || n > (maxUnits+unitsPer-1)/unitsPer || n != l.next || e[13] != l.sum {
		*l = longName{}
		return
	}
	for j, at := range units {
		l.units[(n-1)*unitsPer+j] = binary.LittleEndian.Uint16(e[at:])
	}
	l.next--
}

// take is the long name of the short one that follows, or nothing.
func (l *longName) take(s shortName) string {
	defer func() { *l = longName{} }()
	if l.next != 0 || len(l.units) == 0 || l.sum != s.checksum() {
		return ""
	}
	n := 0
	for n < len(l.units) && l.units[n] != 0 {
		n++
	}
	return string(utf16.Decode(l.units[:n]))
}
