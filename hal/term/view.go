package term

import (
	"fmt"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"chordophone/hal"
)

// The sixteen colours of the terminal's own theme: they suit its background, and
// none of them carries a meaning that a sign does not carry too.
var (
	styleTitle = lipgloss.NewStyle().Bold(true)
	styleFaint = lipgloss.NewStyle().Faint(true)
	styleGood  = lipgloss.NewStyle().Foreground(lipgloss.Green)
	styleAlarm = lipgloss.NewStyle().Foreground(lipgloss.Yellow).Bold(true)
	styleBad   = lipgloss.NewStyle().Foreground(lipgloss.Red)
	styleHeld  = lipgloss.NewStyle().Reverse(true).Bold(true)
	styleText  = lipgloss.NewStyle().Foreground(lipgloss.Cyan)
)

const (
	bodyWidth = 30 // of the telephone beside the events
	gap       = 2

	wideWidth  = bodyWidth + gap + 38 // from here on two columns
	tallHeight = 21                   // from here on keys with frames and a display of four lines
)

// View implements tea.Model.
func (m *model) View() tea.View {
	v := tea.NewView(strings.Join(m.draw(), "\n"))
	v.AltScreen = true
	v.WindowTitle = strings.TrimSpace("chordophone " + clean(m.ready.Extension))
	return v
}

// draw returns height lines of width cells at most. Wide:
//
//	header
//	display     call
//	keypad      lamps
//	handset     events
//	help
//
// Narrow, all of it is in one column.
func (m *model) draw() []string {
	w, h := max(m.width, 1), max(m.height, 1)
	room := h - 2 // without header and help
	var body []string
	if w >= wideWidth {
		left := m.telephone(bodyWidth, h >= tallHeight)
		right := w - bodyWidth - gap
		side := append(m.call(right), rule("lamps", right))
		side = append(side, m.lamps(right)...)
		side = append(side, rule("lately", right))
		side = append(side, m.lately(right, room-len(side))...)
		for i := range max(len(left), len(side)) {
			body = append(body, cell(at(left, i), bodyWidth)+strings.Repeat(" ", gap)+at(side, i))
		}
	} else {
		body = append(m.telephone(w, false), m.lamps(w)...)
		body = append(body, m.call(w)[1:]...)
		body = append(body, rule("lately", w))
		body = append(body, m.lately(w, room-len(body))...)
	}
	for len(body) < room {
		body = append(body, "")
	}
	all := append([]string{m.header(w)}, body[:max(room, 0)]...)
	help := "space: handset  0-9*#: dial  r: recall  .: hold a key  q: quit"
	if w < len(help) {
		help = "space: handset  0-9*#: dial  q: quit"
	}
	all = append(all, styleFaint.Render(help))
	for i := range all {
		all[i] = ansi.Truncate(all[i], w, "…")
	}
	return all[:min(len(all), h)]
}

func (m *model) header(w int) string {
	s := "chordophone"
	if m.ready.Extension == "" {
		return styleTitle.Render(s) + " is starting"
	}
	s = styleTitle.Render(s+" "+clean(m.ready.Extension)) + " at " + clean(m.ready.Office)
	node := clean(m.ready.Node)
	if n := w - ansi.StringWidth(s) - len("node ") - ansi.StringWidth(node); n > 0 && node != "" {
		s += strings.Repeat(" ", n) + styleFaint.Render("node "+node)
	}
	return s
}

// telephone is display, keypad and handset.
func (m *model) telephone(w int, frames bool) []string {
	w = min(w, 40)
	inner := max(w-4, 1)
	all := []string{"╭" + strings.Repeat("─", inner+2) + "╮"}
	rows := 4
	if m.height < tallHeight && !frames {
		rows = 2
	}
	for i := range rows {
		all = append(all, "│ "+cell(styleText.Render(at(m.display, i)), inner)+" │")
	}
	all = append(all, "╰"+strings.Repeat("─", inner+2)+"╯")
	for row := range 4 {
		keys := []rune(hal.Digits)[4*row:][:4]
		if !frames {
			var b strings.Builder
			for _, k := range keys {
				b.WriteString(centre(m.key(k, fmt.Sprintf("[ %c ]", k)), w/4))
			}
			all = append(all, b.String())
			continue
		}
		var top, mid, low strings.Builder
		for _, k := range keys {
			top.WriteString(centre("╭───╮", w/4))
			mid.WriteString(centre("│"+m.key(k, fmt.Sprintf(" %c ", k))+"│", w/4))
			low.WriteString(centre("╰───╯", w/4))
		}
		all = append(all, top.String(), mid.String(), low.String())
	}
	handset := "▂▂ handset in its cradle"
	if m.lifted {
		handset = styleAlarm.Render("▔▔ handset lifted")
	}
	return append(all, centre(handset, w))
}

func (m *model) key(k rune, label string) string {
	if m.held == hal.Key(k) {
		return styleHeld.Render(label)
	}
	return label
}

// call says how the line stands: a rule and two lines.
func (m *model) call(w int) []string {
	state := "idle"
	if m.lifted {
		state = "waiting for a number"
	}
	if n := len(m.calls); n > 0 {
		c := m.calls[n-1]
		peer := clean(c.Peer)
		switch c.State {
		case "connected":
			d := m.now.Sub(c.since).Truncate(time.Second)
			state = styleGood.Render("● talking to " + peer + fmt.Sprintf("  %d:%02d", int(d.Minutes()), int(d.Seconds())%60))
		case "held":
			state = styleAlarm.Render("‖ " + peer + " is held")
		default:
			state = "→ " + peer + ", " + clean(c.State)
		}
		if n > 1 {
			state += fmt.Sprintf("  and %d more", n-1)
		}
	}
	if m.ring.On {
		state = styleAlarm.Render("▲ " + clean(who(m.ring.From, m.ring.CallerName)) + " is calling")
	}
	tone := ""
	if m.tone != hal.Silence {
		tone = "♪ " + m.tone.String()
	}
	return []string{rule("call", w), cell(state, w), cell(tone, w)}
}

// lamps draws all lamps, as many in a line as there is room for.
func (m *model) lamps(w int) []string {
	short := w < 48 // contacts by number, or the lamps would fill the picture
	var all []string
	line := ""
	for i, s := range m.picture {
		name, width := hal.LampName(i), 12
		if short {
			width = 10
			if i >= hal.LampContact {
				name, width = fmt.Sprint(i-hal.LampContact+1), 5
			}
		}
		if line != "" && ansi.StringWidth(line)+width > w {
			all = append(all, line)
			line = ""
		}
		line += cell(lamp(s, m.now)+" "+name, width)
	}
	return append(all, line)
}

// lamp is the sign of a lamp at a time.
func lamp(s hal.Signal, now time.Time) string {
	if !lit(s, now) {
		return styleFaint.Render("○")
	}
	style := styleGood
	switch s {
	case hal.Flash:
		style = styleAlarm
	case hal.Wink, hal.Blip, hal.Island:
		style = styleBad
	}
	return style.Render("●")
}

// lit is whether a lamp shines at a time; here green and red are signs of one lamp.
func lit(s hal.Signal, now time.Time) bool {
	step := int(now.UnixMilli() % (hal.Period * hal.Blink).Milliseconds() / hal.Blink.Milliseconds())
	return s.Pattern(hal.Green).At(step) || s.Pattern(hal.Red).At(step)
}

// lately is the newest part of the history, the newest below.
func (m *model) lately(w, room int) []string {
	var all []string
	for _, e := range m.history[len(m.history)-min(max(room, 0), len(m.history)):] {
		text := e.text
		switch e.mark {
		case faint:
			text = styleFaint.Render(text)
		case good:
			text = styleGood.Render(text)
		case alarm:
			text = styleAlarm.Render(text)
		case bad:
			text = styleBad.Render("! " + text)
		}
		stamp := e.at.Format(time.TimeOnly)
		if w < wideWidth-bodyWidth-gap {
			stamp = e.at.Format("15:04")
		}
		all = append(all, ansi.Truncate(styleFaint.Render(stamp)+" "+text, w, "…"))
	}
	return all
}

func rule(title string, w int) string {
	s := "── " + title + " "
	return styleFaint.Render(s + strings.Repeat("─", max(w-ansi.StringWidth(s), 0)))
}

// cell is s in exactly w cells.
func cell(s string, w int) string {
	s = ansi.Truncate(s, w, "…")
	return s + strings.Repeat(" ", max(w-ansi.StringWidth(s), 0))
}

// centre is s in the middle of w cells.
func centre(s string, w int) string {
	return cell(strings.Repeat(" ", max(w-ansi.StringWidth(s), 0)/2)+s, w)
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return ""
}
