package term

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	tea "charm.land/bubbletea/v2"

	"chordophone/hal"
)

const (
	// hold is how long a typed key stays down.
	hold = 120 * time.Millisecond
	// longHold is how long it does after a full stop.
	longHold = 1200 * time.Millisecond

	maxHistory = 200
	maxCalls   = 8
)

// model is the state of the picture.
type model struct {
	press func(hal.Event)

	width, height int
	now           time.Time // of the last message that had one
	ticking       bool      // a tick is on its way

	lifted  bool
	held    hal.Key // the key that is down, 0 for none
	presses int     // counts them, so that a key comes up once
	long    bool    // the next key is held

	picture hal.Picture
	ready   hal.Ready
	ring    hal.Ringing
	bellAt  time.Time // when the bell is due again
	tone    hal.Tone
	display []string
	calls   []call // those that have not ended, oldest first
	history []entry
}

type call struct {
	hal.CallState
	since time.Time
}

// entry is a line of the history.
type entry struct {
	at   time.Time
	text string
	mark mark
}

type mark int

const (
	plain mark = iota
	faint
	good
	alarm
	bad
)

// tick lets the lamps blink, comeUp lets the key of the n-th press come up.
type (
	tick   time.Time
	comeUp int
)

func newModel(now time.Time, press func(hal.Event)) *model {
	return &model{press: press, now: now, width: 80, height: 24}
}

func (m *model) Init() tea.Cmd { return nil }

// Update implements tea.Model.
func (m *model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case tea.KeyPressMsg:
		return m, m.typed(msg)
	case comeUp:
		if m.presses == int(msg) {
			m.letGo()
		}
	case tick:
		m.ticking = false
		m.now = time.Time(msg)
	case hal.Picture:
		m.picture = msg
	case noticed:
		m.now = msg.at
		m.note(msg.Notice)
	case logged:
		m.now = msg.at
		m.remember(level(msg.text))
	}
	return m, tea.Batch(m.bell(), m.next())
}

// bellEvery is ETSI's ringing cadence: one second in five.
const bellEvery = 5 * time.Second

// bell rings the terminal's bell while the telephone rings.
func (m *model) bell() tea.Cmd {
	if !m.ring.On {
		m.bellAt = time.Time{}
		return nil
	}
	if m.now.Before(m.bellAt) {
		return nil
	}
	m.bellAt = m.now.Add(bellEvery)
	return tea.Raw("\a")
}

func (m *model) typed(msg tea.KeyPressMsg) tea.Cmd {
	switch msg.String() {
	case "q", "Q", "ctrl+c":
		return tea.Quit
	case "space", "enter":
		m.lifted = !m.lifted
		m.press(hal.Event{Key: hal.Hook, Down: !m.lifted})
		return nil
	}
	text := []rune(msg.Key().Text)
	if len(text) != 1 {
		return nil
	}
	if text[0] == '.' {
		m.long = true
		return nil
	}
	k, ok := keyOf(text[0])
	if !ok {
		return nil
	}
	down := hold
	if m.long {
		down, m.long = longHold, false
	}
	m.letGo() // one finger
	m.held = k
	m.presses++
	n := m.presses
	m.press(hal.Event{Key: k, Down: true})
	return tea.Tick(down, func(time.Time) tea.Msg { return comeUp(n) })
}

func (m *model) letGo() {
	if m.held != 0 {
		m.press(hal.Event{Key: m.held})
		m.held = 0
	}
}

// keyOf is the telephone's key for a character.
func keyOf(c rune) (hal.Key, bool) {
	switch {
	case c == 'r' || c == 'R', c == 'f' || c == 'F': // it is also called flash
		return hal.Recall, true
	case 'a' <= c && c <= 'd':
		return hal.Key(c - 'a' + 'A'), true
	case c == rune(hal.Louder), c == rune(hal.Softer):
		return hal.Key(c), true
	}
	return hal.Key(c), strings.ContainsRune(hal.Digits, c)
}

// next asks for the tick that the picture needs, if it moves at all: an idle
// telephone draws nothing.
func (m *model) next() tea.Cmd {
	wait := time.Duration(0)
	for _, c := range m.calls {
		if c.State == "connected" {
			wait = time.Second
		}
	}
	if slices.ContainsFunc(m.picture[:], func(s hal.Signal) bool { return s.Pattern(hal.Red).Steps > 1 }) {
		wait = hal.Blink
	}
	if wait == 0 || m.ticking {
		return nil
	}
	m.ticking = true
	return tea.Tick(wait, func(t time.Time) tea.Msg { return tick(t) })
}

// note takes a notice into the picture.
func (m *model) note(n hal.Notice) {
	switch n := n.(type) {
	case hal.Ready:
		m.ready = n
	case hal.Sounding:
		m.tone = n.Tone
	case hal.Ringing:
		m.ring = n
	case hal.CallState:
		m.noteCall(n)
	case hal.Lines:
		m.display = nil
		for _, l := range n.Lines {
			m.display = append(m.display, clean(l))
		}
	}
	text, mark := describe(n)
	for i, line := range text {
		if i > 0 {
			mark = faint // the hint
		}
		m.remember(mark, line)
	}
}

func (m *model) noteCall(n hal.CallState) {
	i := slices.IndexFunc(m.calls, func(c call) bool { return c.ID == n.ID })
	switch {
	case n.State == "ended":
		if i >= 0 {
			m.calls = slices.Delete(m.calls, i, i+1)
		}
	case i < 0:
		if len(m.calls) == maxCalls {
			m.calls = slices.Delete(m.calls, 0, 1)
		}
		m.calls = append(m.calls, call{n, m.now})
	default:
		since := m.now
		if m.calls[i].State == n.State || talking(m.calls[i].State) && talking(n.State) {
			since = m.calls[i].since // holding does not restart the clock
		}
		m.calls[i] = call{n, since}
	}
}

func talking(state string) bool { return state == "connected" || state == "held" }

func (m *model) remember(k mark, text string) {
	text = clean(text)
	if text == "" {
		return
	}
	if len(m.history) == maxHistory {
		m.history = slices.Delete(m.history, 0, 1)
	}
	m.history = append(m.history, entry{m.now, text, k})
}

// level takes time and level off a line of slog's text form: the history has its own
// way to show them.
func level(line string) (mark, string) {
	if rest, ok := strings.CutPrefix(line, "time="); ok {
		_, line, _ = strings.Cut(rest, " ")
	}
	for prefix, mark := range map[string]mark{"DEBUG": faint, "INFO": faint, "WARN": alarm, "ERROR": bad} {
		if rest, ok := strings.CutPrefix(line, "level="+prefix+" "); ok {
			return mark, rest
		}
	}
	return faint, line
}

// describe says in words what a notice means; nothing for those that show by
// themselves.
func describe(n hal.Notice) ([]string, mark) {
	switch n := n.(type) {
	case hal.Ready:
		return []string{fmt.Sprintf("ready: %s at %s", n.Extension, n.Office)}, good
	case hal.Ringing:
		if n.On {
			return []string{"it rings: " + who(n.From, n.CallerName)}, alarm
		}
	case hal.CallState:
		s := n.Peer + " " + n.State
		if n.Cause != "" {
			s += ": " + n.Cause
		}
		if n.Status >= 300 {
			s += fmt.Sprintf(" (%d)", n.Status)
		}
		return []string{s}, plain
	case hal.Fault:
		if n.Hint == "" {
			return []string{n.Message}, bad
		}
		return []string{n.Message, "  " + n.Hint}, bad
	}
	return nil, plain
}

func who(number, name string) string {
	if name == "" || name == number {
		return number
	}
	return number + " " + name
}

// clean removes what a terminal would obey instead of show; names come from the
// network.
func clean(s string) string {
	s = strings.TrimRightFunc(strings.ToValidUTF8(s, "\uFFFD"), unicode.IsSpace)
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case !unicode.IsGraphic(r), unicode.Is(unicode.Variation_Selector, r): // the latter change how wide the rune before them is
			return -1
		}
		return r
	}, s)
}
