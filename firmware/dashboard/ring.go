package dashboard

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// ring draws the office as a circle: the telephones in the order of their nodes,
// clockwise from the top. Their distances on the ring are not drawn; most would lie on
// top of each other.
func (m *Model) ring(s *Screen, in rect) {
	if in.rows < 5 || in.cols < 12 {
		return
	}
	middle, centre := float64(in.rows-1)/2, float64(in.cols-1)/2
	high, wide := middle, centre-3
	place := func(turn float64) (row, col int) {
		return int(math.Round(middle - high*math.Cos(2*math.Pi*turn))), int(math.Round(centre + wide*math.Sin(2*math.Pi*turn)))
	}
	const dots = 72
	for i := range dots {
		row, col := place(float64(i) / dots)
		s.put(in, row, col, Gray, m.signs.dot)
	}
	here := slices.DeleteFunc(slices.Clone(m.data.Phones), func(p Phone) bool { return p.Revoked })
	slices.SortFunc(here, func(a, b Phone) int { return cmp.Compare(a.Node, b.Node) })
	for _, l := range m.labels(in, here, place) {
		s.put(in, l.row, l.col, l.style, l.text)
	}
	for i, text := range []string{m.data.Office, plural(len(here), "phone"), fmt.Sprintf("%d online", online(here))} {
		text = cut(m.signs, text, in.cols-12)
		s.put(in, int(middle)-1+i, (in.cols-len([]rune(text)))/2, Plain, text)
	}
}

// label is a telephone on the circle.
type label struct {
	row, col int
	style    Style
	text     string
}

// labels places the telephones: with their numbers if there is room for all of them,
// else their marks only.
func (m *Model) labels(in rect, here []Phone, place func(turn float64) (row, col int)) []label {
	var numbers, marks []label
	crowded := false
	for i, p := range here {
		row, col := place(float64(i) / float64(len(here)))
		state, style := stateOf(p)
		mark := m.mark(state)
		text := mark + p.Extension
		if p.Self {
			text = "[" + text + "]"
			marks = append(marks, label{row, col, style | Reverse, mark})
		} else {
			marks = append(marks, label{row, col, style, mark})
		}
		n := len([]rune(text))
		one := label{row, max(0, min(in.cols-n, col-n/2)), style, text}
		crowded = crowded || slices.ContainsFunc(numbers, one.touches)
		numbers = append(numbers, one)
	}
	if crowded {
		return marks
	}
	return numbers
}

// touches reports whether two labels cannot be told apart.
func (l label) touches(o label) bool {
	return l.row == o.row && l.col <= o.col+len([]rune(o.text)) && o.col <= l.col+len([]rune(l.text))
}

func online(phones []Phone) (n int) {
	for _, p := range phones {
		if p.Online {
			n++
		}
	}
	return n
}
