package dashboard

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"chordophone/tools/story"
)

// TestStories plays what stands behind > in testdata: what happens, what the model
// wants (=), and the screen, a line a row, when it is shown.
//
//	> terminal ascii|unicode     > size 80 24       > office N
//	> key Tab                    > type TEXT        > output "TEXT"
//	> done STATUS                > completed "LINE" CHOICE...
//	> show
func TestStories(t *testing.T) {
	story.Play(t, "testdata/*.txt", 3, play)
}

var named = map[string]Key{
	"Tab": Tab, "BackTab": BackTab, "Enter": Enter, "Escape": Escape, "Up": Up, "Down": Down, "Left": Left, "Right": Right,
	"Home": Home, "End": End, "PageUp": PageUp, "PageDown": PageDown, "Backspace": Backspace, "Delete": Delete,
	"CtrlD": CtrlD, "CtrlE": CtrlE, "CtrlL": CtrlL, "CtrlU": CtrlU,
}

func play(t *testing.T, text string) string {
	t.Helper()
	var out strings.Builder
	m := New(Terminal{})
	step := func(ev Event) {
		for _, a := range m.Step(ev) {
			fmt.Fprintf(&out, "= %T%+v\n", a, a)
		}
	}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "# ") {
			out.WriteString(line)
		}
		command, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "> ")
		if !ok {
			continue
		}
		out.WriteString(line)
		word, rest, _ := strings.Cut(command, " ")
		switch word {
		case "terminal":
			m = New(Terminal{ASCII: rest == "ascii"})
		case "size":
			var r Resize
			if _, err := fmt.Sscan(rest, &r.Columns, &r.Rows); err != nil {
				t.Fatal(line, err)
			}
			step(r)
		case "office":
			n, err := strconv.Atoi(rest)
			if err != nil {
				t.Fatal(line, err)
			}
			step(Data{office(n)})
		case "key":
			k, ok := named[rest]
			if !ok {
				t.Fatal(line)
			}
			step(Press{k})
		case "type":
			for _, r := range rest {
				step(Press{Key(r)})
			}
		case "output":
			text, err := strconv.Unquote(rest)
			if err != nil {
				t.Fatal(line, err)
			}
			step(Output{text})
		case "done":
			status, _ := strconv.Atoi(rest)
			step(Done{status})
		case "completed":
			words := strings.Split(rest, "|")
			step(Completed{words[0], words[1:]})
		case "show":
			s := m.View()
			text := s.Text()
			if n := strings.Count(text, "\n"); n != s.Rows {
				t.Errorf("%d rows", n)
			}
			out.WriteString(text)
			if s.Typing {
				fmt.Fprintf(&out, "= cursor %d,%d\n", s.CursorRow, s.CursorCol)
			}
		default:
			t.Fatal(line)
		}
	}
	return out.String()
}

// office is one with n telephones, the second called by a client, the third gone.
func office(n int) Snapshot {
	s := Snapshot{
		Extension: "101", Name: "Reception", Office: "acme", Version: "1.2.3", Ready: true, Ring: n, Uptime: 3*86400 + 4*3600,
	}
	states := []string{"busy", "ringing", "idle", "idle", "held", "unreachable", "offline"}
	for i := range n {
		s.Phones = append(s.Phones, Phone{
			Extension: strconv.Itoa(101 + i), Address: fmt.Sprintf("192.0.2.%d", i+1), Node: fmt.Sprintf("%02x", (i*37+11)%256),
			State: states[i%len(states)], Self: i == 0, Online: i != 2, Revoked: i == 8,
		})
	}
	if n == 0 {
		return s
	}
	s.Phones[0].Name = "Reception"
	if n > 1 {
		s.Phones[1].Name = "Zoë 佐藤"
	}
	s.Calls = []Call{
		{Number: "102", State: "connected", Began: "09:30", Seconds: 65, MOS: 4.4, Loss: 0.002, JitterMS: 3.2, Codec: "opus"},
		{Number: "alice", Incoming: true, State: "held", Began: "09:29", Seconds: 125, MOS: 2.9, Loss: 0.124, JitterMS: 41},
		{Number: "103", Incoming: true, State: "ended", Began: "09:12", Seconds: 61, MOS: 4.2, Cause: "Normal"},
		{Number: "104", Incoming: true, Name: "Eve\x1b[2J", State: "ended", Began: "08:59", Cause: "Busy Here\x1b[2J"},
		{Number: "105", State: "ended", Began: "08:00", Cause: "no answer"},
	}
	s.Registrations = []Registration{
		{Address: "101", Contact: "sip:101@192.0.2.1:5061;transport=tls", At: "101", Seconds: 3540},
		{Address: "alice", Contact: "sip:alice@192.0.2.50:5062", At: "102", Agent: "Softphone/1.0", Seconds: 3000},
	}
	for i := range 12 {
		s.Log = append(s.Log, fmt.Sprintf(`time=2026-03-01T09:%02d:07.123+01:00 level=INFO msg="console: let in" from=192.0.2.9:%d`, i, 40000+i))
	}
	s.Log = append(s.Log,
		`time=2026-03-01T09:30:00.000+01:00 level=WARN msg="no discovery of other phones" err="network is unreachable"`,
		`time=2026-03-01T09:31:00.000+01:00 level=ERROR msg=broken err=\x1b[2J`+"\x1b[2J",
		`{"time":"2026-03-01T09:32:00Z","level":"INFO","msg":"as JSON"}`)
	return s
}

func TestKeys(t *testing.T) {
	for text, want := range map[string][]Key{
		"aé佐":                          {'a', 'é', '佐'},
		"\x1b[A\x1b[B\x1bOC\x1b[D":     {Up, Down, Right, Left},
		"\x1b[Z\t\r\n\x7f\b":           {BackTab, Tab, Enter, Enter, Backspace, Backspace},
		"\x1b[1~\x1b[4~\x1b[5~\x1b[6~": {Home, End, PageUp, PageDown},
		"\x1b[3~\x1b[H\x1b[F":          {Delete, Home, End},
		"\x1b[1;5C\x1b[200~x":          {Right, 'x'}, // with Ctrl; pasted
		"\x1bx\x1b[99zq":               {'q'},        // Alt-x and what nobody knows
		"\xffz":                        {'z'},
		"\x1b[\x01y":                   {CtrlA, 'y'},
	} {
		var whole, single Decoder
		var one []Key
		for i := range len(text) {
			one = append(one, single.Feed([]byte{text[i]})...)
		}
		all := whole.Feed([]byte(text))
		if fmt.Sprint(all) != fmt.Sprint(want) || fmt.Sprint(one) != fmt.Sprint(want) {
			t.Errorf("%q: %v, octet by octet %v; want %v", text, all, one, want)
		}
	}
	var d Decoder
	if keys := d.Feed([]byte("\x1b")); len(keys) != 0 || !d.Pending() {
		t.Errorf("%v", keys)
	}
	if keys := d.Flush(); len(keys) != 1 || keys[0] != Escape || d.Pending() {
		t.Errorf("%v", keys)
	}
	if keys := d.Feed([]byte("\x1b[" + strings.Repeat("0", 1000) + "\x1b\x1b[A")); len(d.rest) > maxSequence || len(keys) == 0 {
		t.Errorf("%v, %d kept", keys, len(d.rest))
	}
}

// Whatever is typed and whatever size a terminal has, there is a screen of that size.
func FuzzModel(f *testing.F) {
	f.Add(80, 24, "\t\t:lookup 102\r\x1b[A?x:st\t")
	f.Add(1, 1, "q")
	f.Add(40, 10, "jjjjj\x1b[6~\tkkkk")
	f.Fuzz(func(t *testing.T, columns, rows int, typed string) {
		m, p := New(Terminal{}), NewPainter(false)
		columns, rows = columns%400, rows%200
		m.Step(Resize{columns, rows})
		m.Step(Data{office(len(typed) % 40)})
		var d Decoder
		for _, k := range d.Feed([]byte(typed)) {
			for _, a := range m.Step(Press{k}) {
				if r, ok := a.(Run); ok {
					m.Step(Output{r.Line + "\n" + typed})
					m.Step(Done{1})
				}
			}
			p.Frame(m.View())
		}
		s := m.View()
		if len(s.cells) != s.Columns*s.Rows || s.Typing && (s.CursorCol >= s.Columns || s.CursorRow >= s.Rows) {
			t.Errorf("%d cells of %d x %d, cursor %d,%d", len(s.cells), s.Columns, s.Rows, s.CursorRow, s.CursorCol)
		}
		if bytes.ContainsAny([]byte(s.Text()), "\x1b\x00\x07") {
			t.Error("control characters on the screen")
		}
	})
}
