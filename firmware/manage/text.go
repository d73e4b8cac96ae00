package manage

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// page is text for people. What is put on it is cleaned.
type page struct{ bytes.Buffer }

// line writes a line.
func (p *page) line(format string, args ...any) {
	p.WriteString(clean(fmt.Sprintf(format, args...)))
	p.WriteByte('\n')
}

// hint says what to do next.
func (p *page) hint(format string, args ...any) { p.line("hint: "+format, args...) }

// table writes rows below each other, the first of them being the heads; an empty
// column is left out.
func (p *page) table(rows ...[]string) {
	width := make([]int, len(rows[0]))
	used := make([]bool, len(rows[0]))
	for i, row := range rows {
		for j := range row {
			row[j] = clean(row[j])
			width[j] = max(width[j], utf8.RuneCountInString(row[j]))
			used[j] = used[j] || i > 0 && row[j] != ""
		}
	}
	for _, row := range rows {
		var line strings.Builder
		for j, cell := range row {
			if used[j] {
				line.WriteString(cell + strings.Repeat(" ", width[j]-utf8.RuneCountInString(cell)+2))
			}
		}
		p.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
}

// fields writes names and values, those that have one.
func (p *page) fields(pairs ...[2]string) {
	width := 0
	for _, f := range pairs {
		width = max(width, len(f[0]))
	}
	for _, f := range pairs {
		if f[1] != "" {
			p.line("%-*s  %s", width, f[0], f[1])
		}
	}
}

// clean keeps what can do no harm to a terminal: a caller's name may hold anything.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, s)
}

// writeJSON writes a value on a line of its own, with nothing in it that a
// terminal would obey.
func writeJSON(w io.Writer, v any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return err
	}
	line := bytes.TrimSuffix(b.Bytes(), []byte("\n"))
	if bytes.ContainsFunc(line, unprintable) {
		line = escape(line)
	}
	_, err := w.Write(append(line, '\n'))
	return err
}

func unprintable(r rune) bool { return !unicode.IsPrint(r) }

// escape replaces what is not printable. encoding/json leaves that only within
// strings, above ASCII's control characters.
func escape(line []byte) []byte {
	var out []byte
	for _, r := range string(line) {
		switch {
		case unicode.IsPrint(r):
			out = utf8.AppendRune(out, r)
		case r > 0xffff:
			hi, lo := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, hi, lo)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
	}
	return out
}

// short is enough of a Node-ID for a person.
func short(node string) string { return node[:min(8, len(node))] }

// size is a number of octets in words.
func size(n uint64) string {
	switch {
	case n >= 1e9:
		return fmt.Sprintf("%.1f GB", float64(n)/1e9)
	case n >= 1e6:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	case n >= 1e3:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	}
	return fmt.Sprintf("%d B", n)
}

// count is "1 hop", "2 hops".
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// span is a time in words.
func span(d time.Duration) string {
	units := []struct {
		of   time.Duration
		name string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "min"}, {time.Second, "s"}}
	for i, u := range units {
		if d < u.of {
			continue
		}
		s := fmt.Sprintf("%d %s", d/u.of, u.name)
		if i+1 < len(units) {
			if n := d % u.of / units[i+1].of; n > 0 {
				s += fmt.Sprintf(" %d %s", n, units[i+1].name)
			}
		}
		return s
	}
	return "0 s"
}
