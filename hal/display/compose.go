package display

import (
	"strings"
	"time"
	"unicode/utf8"
)

// turn is how long each part of a text that has too many lines is shown.
const turn = 3 * time.Second

// clockFrom is when this program was written: who says it is earlier has not been told
// what time it is.
const clockFrom = 2026

// Compose returns what a glass of so many rows and columns shows of lines at a time:
// exactly that many rows. If there is room the first ends in the time of day. If
// there are more lines than rows the first stays, and of the others the marked one
// (it begins with >) is shown with what follows it; if none is, they take turns.
func Compose(lines []string, rows, columns int, now time.Time) []string {
	out := make([]string, 0, rows)
	shown := pick(lines, rows, now)
	for i := range rows {
		text := ""
		if i < len(shown) {
			text = cut(shown[i], columns)
		}
		if i == 0 && clocked(text, columns, now) {
			text += strings.Repeat(" ", columns-utf8.RuneCountInString(text)-len(hourMinute)) + now.Format(hourMinute)
		}
		out = append(out, text)
	}
	return out
}

const hourMinute = "15:04"

// clocked says whether the time of day stands behind a text.
func clocked(text string, columns int, now time.Time) bool {
	return now.Year() >= clockFrom && utf8.RuneCountInString(text)+1+len(hourMinute) <= columns
}

// Next is when Compose says something else, zero if never.
func Next(lines []string, rows, columns int, now time.Time) time.Time {
	if _, others := split(lines, rows); len(lines) > rows && marked(others) < 0 {
		return now.Truncate(turn).Add(turn)
	}
	first := ""
	if shown := pick(lines, rows, now); len(shown) > 0 {
		first = cut(shown[0], columns)
	}
	if clocked(first, columns, now) {
		return now.Truncate(time.Minute).Add(time.Minute)
	}
	return time.Time{}
}

func pick(lines []string, rows int, now time.Time) []string {
	if len(lines) <= rows {
		return lines
	}
	first, others := split(lines, rows)
	room := rows - len(first)
	if i := marked(others); i >= 0 {
		i = min(i, len(others)-room)
		return append(first[:len(first):len(first)], others[i:i+room]...)
	}
	parts := (len(others) + room - 1) / room
	i := int(now.Unix()/int64(turn/time.Second)) % parts * room
	return append(first[:len(first):len(first)], others[i:min(i+room, len(others))]...)
}

// split parts the line that stays where there are too many, on one row none, from the
// others.
func split(lines []string, rows int) (first, others []string) {
	n := min(len(lines), rows-1, 1)
	return lines[:n], lines[n:]
}

// marked is the index of the line that is chosen, -1 if none is.
func marked(lines []string) int {
	for i, l := range lines {
		if strings.HasPrefix(l, ">") {
			return i
		}
	}
	return -1
}

func cut(s string, columns int) string {
	n := 0
	for i := range s {
		if n == columns {
			return s[:i]
		}
		n++
	}
	return s
}
