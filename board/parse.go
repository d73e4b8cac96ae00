package board

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"chordophone/hal"
)

// Error is what is wrong with one line of a board file.
type Error struct {
	Line int // from 1; 0 for what is wrong with the file as a whole
	Text string
}

func (e *Error) Error() string {
	if e.Line == 0 {
		return e.Text
	}
	return fmt.Sprintf("line %d: %s", e.Line, e.Text)
}

// Bounds of a board file.
const (
	maxLines  = 200
	maxMatrix = 8 // rows and columns
	maxSettle = 100 * time.Millisecond
)

// Parse reads a board file and checks it whole. The error joins an *Error for each
// line that is wrong.
func Parse(r io.Reader) (*Board, error) {
	p := parser{board: new(Board), seen: map[string]int{}, lines: claims{by: map[Line]string{}}}
	var errs []error
	var all []declared
	n := 0
	s := bufio.NewScanner(io.LimitReader(r, 64<<10))
	for s.Scan() {
		n++
		if n > maxLines {
			return nil, &Error{0, fmt.Sprintf("more than %d lines are no board file", maxLines)}
		}
		text, _, _ := strings.Cut(s.Text(), " #")
		if text = strings.TrimSpace(text); text == "" || text[0] == '#' {
			continue
		}
		all = append(all, declared{n, strings.Fields(text)})
	}
	if err := s.Err(); err != nil {
		return nil, err
	}
	for _, chip := range []bool{true, false} { // which lines are free depends on the chip
		for _, d := range all {
			if (d.words[0] == "chip") != chip {
				continue
			}
			if err := p.declaration(d.line, d.words); err != nil {
				errs = append(errs, &Error{d.line, err.Error()})
			}
		}
	}
	slices.SortStableFunc(errs, func(a, b error) int { return a.(*Error).Line - b.(*Error).Line })
	for _, must := range []string{"name", "hook"} {
		if p.seen[must] == 0 {
			errs = append(errs, &Error{0, fmt.Sprintf("there is no %s line (such as %q)", must, examples[must])})
		}
	}
	if p.seen["keypad"]+p.seen["dial"] == 0 && !slices.ContainsFunc(slices.Collect(maps.Keys(p.seen)), isKey) {
		errs = append(errs, &Error{0, fmt.Sprintf("there is no keypad, key or dial line (such as %q)", examples["keypad"])})
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return p.board, nil
}

// declared is one line of a board file.
type declared struct {
	line  int // from 1
	words []string
}

func isKey(declaration string) bool { return strings.HasPrefix(declaration, "key ") }

// examples are right lines, for those who wrote a wrong one.
var examples = map[string]string{
	"name":   "name my-phone",
	"chip":   "chip label=pinctrl-bcm2711",
	"keypad": "keypad rows=GPIO5,GPIO6,GPIO7,GPIO8 cols=GPIO16,GPIO22,GPIO23 keys=123/456/789/*0#",
	"hook":   "hook line=GPIO4 pull=up active=low",
	"key":    "key recall line=GPIO17",
	"dial":   "dial line=GPIO17 pull=up active=high",
	"lamp":   "lamp line line=GPIO25",
	"ringer": "ringer line=GPIO12",
	"bell":   "bell line=GPIO27 active=high",

	"amplifier": "amplifier line=GPIO27 active=high",
	"audio":     "audio capture=hw:1,0 playback=hw:1,0 rate=48000",
	"display":   "display driver=ssd1306 bus=1 address=0x3c lines=4 columns=21",
}

type parser struct {
	board *Board
	seen  map[string]int // declaration to its line number
	lines claims
	keys  []hal.Key // that have a contact
}

func (p *parser) declaration(n int, words []string) error {
	word, args := words[0], words[1:]
	parse, ok := map[string]func([]string) error{
		"name": p.name, "chip": p.chip, "keypad": p.keypad, "hook": p.hook, "key": p.key, "dial": p.dial,
		"lamp": p.lamp, "ringer": p.ringer, "bell": p.bell, "amplifier": p.amplifier, "audio": p.audio, "display": p.display,
	}[word]
	if !ok {
		return fmt.Errorf("unknown word %q (a line begins with name, chip, keypad, hook, key, dial, lamp, ringer, bell, amplifier, audio or display)", word)
	}
	once := word
	if (word == "lamp" || word == "key") && len(args) > 0 {
		once += " " + args[0]
	}
	if before := p.seen[once]; before > 0 {
		return fmt.Errorf("%q stands already in line %d", once, before)
	}
	p.seen[once] = n
	if err := parse(args); err != nil {
		return fmt.Errorf("%s: %w (such as %q)", word, err, examples[word])
	}
	return nil
}

var nameForm = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`)

func (p *parser) name(args []string) error {
	if len(args) != 1 || !nameForm.MatchString(args[0]) {
		return errors.New("a name is one word of small letters, digits and hyphens")
	}
	if slices.Contains(virtual[:], args[0]) {
		return fmt.Errorf("%q is the name of a board without wires", args[0])
	}
	p.board.Name = args[0]
	return nil
}

// labelForm is what a kernel calls its chips: pinctrl-bcm2711, 3f000000.gpio.
var labelForm = regexp.MustCompile(`^[A-Za-z0-9._:-]{1,31}$`)

func (p *parser) chip(args []string) error {
	f, err := fieldsOf(args, "label")
	if err != nil {
		return err
	}
	if !labelForm.MatchString(f["label"]) {
		return fmt.Errorf("label=%s is not the label of a GPIO chip", f["label"])
	}
	p.board.Chip, p.lines.elsewhere = f["label"], !onHeader(f["label"])
	return nil
}

func (p *parser) keypad(args []string) error {
	f, err := fieldsOf(args, "rows", "cols", "keys", "settle")
	if err != nil {
		return err
	}
	k := Keypad{Settle: 100 * time.Microsecond}
	if k.Rows, err = p.lineList(f, "rows", "a row of the keypad"); err != nil {
		return err
	}
	if k.Cols, err = p.lineList(f, "cols", "a column of the keypad"); err != nil {
		return err
	}
	if k.Keys, err = p.matrix(f["keys"], len(k.Rows), len(k.Cols)); err != nil {
		return err
	}
	if s, ok := f["settle"]; ok {
		k.Settle, err = time.ParseDuration(s)
		if err != nil || k.Settle < 0 || k.Settle > maxSettle {
			return fmt.Errorf("settle=%s is not a time of 0 to %v, such as 100us", s, maxSettle)
		}
	}
	p.board.Keypad = k
	return nil
}

func (p *parser) matrix(s string, rows, cols int) ([][]hal.Key, error) {
	if s == "" {
		return nil, errors.New("keys= is missing")
	}
	lines := strings.Split(s, "/")
	if len(lines) != rows {
		return nil, fmt.Errorf("keys=%s has %d rows of keys, rows= has %d lines", s, len(lines), rows)
	}
	var all [][]hal.Key
	for _, l := range lines {
		if len(l) != cols {
			return nil, fmt.Errorf("the row of keys %q has %d keys, cols= has %d lines", l, len(l), cols)
		}
		var row []hal.Key
		for _, c := range l {
			if !strings.ContainsRune(hal.Digits, c) {
				return nil, fmt.Errorf("there is no key %q, only 0 to 9, *, # and A to D", c)
			}
			if err := p.once(hal.Key(c)); err != nil {
				return nil, err
			}
			row = append(row, hal.Key(c))
		}
		all = append(all, row)
	}
	return all, nil
}

// once notes a key; no two contacts are the same one.
func (p *parser) once(k hal.Key) error {
	if slices.Contains(p.keys, k) {
		return fmt.Errorf("key %q stands twice", k)
	}
	p.keys = append(p.keys, k)
	return nil
}

func (p *parser) hook(args []string) error {
	f, err := fieldsOf(args, "line", "pull", "active", "flash")
	if err != nil {
		return err
	}
	switch s := f["flash"]; s {
	case "", "yes", "no":
		p.board.Hook.Flash = s != "no"
	default:
		return fmt.Errorf("flash=%s is not yes or no", s)
	}
	p.board.Hook.Input, err = p.input(f, "the hook", true)
	return err
}

// Keys that are no character, or one that begins a comment.
const (
	recall = "recall"
	hash   = "hash"
	louder = "louder"
	softer = "softer"
)

func (p *parser) key(args []string) error {
	if len(args) == 0 || strings.Contains(args[0], "=") {
		return errors.New("the key's name is missing, or it is #, which is written hash")
	}
	var k hal.Key
	switch name := args[0]; {
	case name == recall:
		k = hal.Recall
	case name == louder:
		k = hal.Louder
	case name == softer:
		k = hal.Softer
	case name == hash:
		k = '#'
	case contactKey(name) != 0:
		k = contactKey(name)
	case len(name) == 1 && strings.Contains(hal.Digits, name):
		k = hal.Key(name[0])
	default:
		return fmt.Errorf("there is no key %q, only 0 to 9, *, hash, A to D, recall, louder, softer and contact1 to contact10", name)
	}
	if err := p.once(k); err != nil {
		return err
	}
	f, err := fieldsOf(args[1:], "line", "pull", "active")
	if err != nil {
		return err
	}
	in, err := p.input(f, "key "+args[0], true)
	if err == nil {
		p.board.Keys = append(p.board.Keys, Key{k, in})
	}
	return err
}

// contactKey is the key at the lamp of that name, 0 if it is no contact's.
func contactKey(lamp string) hal.Key {
	for i := range hal.Lamps - hal.LampContact {
		if hal.LampName(hal.LampContact+i) == lamp {
			return hal.ContactKey(i)
		}
	}
	return 0
}

func (p *parser) dial(args []string) error {
	f, err := fieldsOf(args, "line", "pull", "active")
	if err != nil {
		return err
	}
	in, err := p.input(f, "the dial", false)
	if err == nil {
		p.board.Dial = &in
	}
	return err
}

// input reads the fields of a contact.
func (p *parser) input(f map[string]string, user string, low bool) (in Input, err error) {
	in.Pull = PullUp
	if s, ok := f["pull"]; ok {
		in.Pull = Pull(s)
		if in.Pull != PullUp && in.Pull != PullDown && in.Pull != PullNone {
			return in, fmt.Errorf("pull=%s is not up, down or none", s)
		}
	}
	if in.ActiveLow, err = activeLow(f, low); err != nil {
		return in, err
	}
	in.Line, err = p.line(f, user)
	return in, err
}

func (p *parser) lamp(args []string) error {
	if len(args) == 0 || strings.Contains(args[0], "=") {
		return errors.New("the lamp's name is missing")
	}
	i := 0
	for i < hal.Lamps && hal.LampName(i) != args[0] {
		i++
	}
	if i == hal.Lamps {
		return fmt.Errorf("there is no lamp %q, only line, message and contact1 to %s", args[0], hal.LampName(hal.Lamps-1))
	}
	if !slices.ContainsFunc(args[1:], isColour) {
		out, err := p.output(args[1:], "lamp "+args[0], "brightness")
		if err == nil {
			p.board.Lamps = append(p.board.Lamps, Lamp{Index: i, Output: out})
		}
		return err
	}
	green, red, err := p.colours(args[1:], "lamp "+args[0])
	if err == nil {
		p.board.Lamps = append(p.board.Lamps, Lamp{i, green, &red})
	}
	return err
}

func isColour(word string) bool {
	return strings.HasPrefix(word, "green=") || strings.HasPrefix(word, "red=")
}

// colours reads the two lights of a lamp.
func (p *parser) colours(args []string, user string) (green, red Output, err error) {
	f, err := fieldsOf(args, "green", "red", "active")
	if err != nil {
		return green, red, err
	}
	if f["green"] == "" || f["red"] == "" {
		return green, red, errors.New("a lamp of two colours has green= and red=")
	}
	if green.ActiveLow, err = activeLow(f, false); err != nil {
		return green, red, err
	}
	red.ActiveLow = green.ActiveLow
	if green.Line, err = p.claim(f["green"], user); err != nil {
		return green, red, err
	}
	red.Line, err = p.claim(f["red"], user)
	return green, red, err
}

func (p *parser) ringer(args []string) error {
	i := slices.IndexFunc(args, func(word string) bool { return strings.HasPrefix(word, "device=") })
	if i >= 0 {
		device := strings.TrimPrefix(args[i], "device=")
		if !deviceForm.MatchString(device) {
			return fmt.Errorf("device=%s is not an ALSA device such as hw:1,0", device)
		}
		p.board.RingerDevice = device
		if args = slices.Delete(slices.Clone(args), i, i+1); len(args) == 0 {
			return nil
		}
	}
	return p.single(&p.board.Ringer, args, "the ringer", "tone")
}

func (p *parser) bell(args []string) error {
	return p.single(&p.board.Bell, args, "the bell")
}

func (p *parser) amplifier(args []string) error {
	return p.single(&p.board.Amplifier, args, "the amplifier")
}

// single reads an output that a board has once.
func (p *parser) single(at **Output, args []string, user string, more ...string) error {
	out, err := p.output(args, user, more...)
	if err == nil {
		*at = &out
	}
	return err
}

// output reads the fields of an output; more are those it may have besides.
func (p *parser) output(args []string, user string, more ...string) (out Output, err error) {
	f, err := fieldsOf(args, append([]string{"line", "active"}, more...)...)
	if err != nil {
		return out, err
	}
	if out.ActiveLow, err = activeLow(f, false); err != nil {
		return out, err
	}
	if out.Line, err = p.line(f, user); err != nil {
		return out, err
	}
	out.PWM, err = pulses(f, out.Line, p.lines.elsewhere)
	return out, err
}

// deviceForm is what the alsa package opens.
var deviceForm = regexp.MustCompile(`^(plug)?hw:[A-Za-z0-9_-]+(,[0-9]+)?$`)

// controlForm is how kernels call what makes a card louder, with _ for a blank.
var controlForm = regexp.MustCompile(`^[A-Za-z0-9_.+-]{1,40}$`)

func (p *parser) audio(args []string) error {
	f, err := fieldsOf(args, "capture", "playback", "rate", "speaker", "sidetone", "control", "volume")
	if err != nil {
		return err
	}
	for _, k := range []string{"capture", "playback"} {
		if !deviceForm.MatchString(f[k]) {
			return fmt.Errorf("%s=%s is not an ALSA device such as hw:1,0", k, f[k])
		}
	}
	rate, err := number(f, "rate", 48000, 8000, 192000)
	switch s := f["speaker"]; s {
	case "", "yes", "no":
	default:
		return fmt.Errorf("speaker=%s is not yes or no", s)
	}
	control, ok := f["control"]
	if ok && !controlForm.MatchString(control) {
		return fmt.Errorf("control=%s is not the name of a card's control such as Speaker (a blank is written _)", control)
	}
	side, err1 := number(f, "sidetone", 0, -40, -6)
	volume, err2 := number(f, "volume", 0, 1, 100)
	for _, err := range []error{err, err1, err2} {
		if err != nil {
			return err
		}
	}
	p.board.Audio = &Audio{
		Capture: f["capture"], Playback: f["playback"], Rate: rate, Speaker: f["speaker"] == "yes",
		SideTone: side, Control: strings.ReplaceAll(control, "_", " "), Volume: volume,
	}
	return nil
}

func (p *parser) display(args []string) error {
	f, err := fieldsOf(args, "driver", "bus", "address", "lines", "columns")
	if err != nil {
		return err
	}
	d := &Display{Driver: f["driver"]}
	address, columns, most := 0x3c, 21, 21 // characters of 6 by 13 dots on 128 by 64
	switch d.Driver {
	case "ssd1306", "sh1106":
	case "hd44780":
		address, columns, most = 0x27, 20, 40
	default:
		return fmt.Errorf("driver=%s is not ssd1306, sh1106 or hd44780", d.Driver)
	}
	address, err1 := number(f, "address", address, 0x08, 0x77)
	d.Address = uint16(address)
	var err2, err3, err4 error
	d.Bus, err2 = number(f, "bus", 1, 0, 31)
	d.Lines, err3 = number(f, "lines", 4, 1, 4)
	d.Columns, err4 = number(f, "columns", columns, 8, most)
	for _, err := range []error{err1, err2, err3, err4} {
		if err != nil {
			return err
		}
	}
	p.board.Display = d
	return nil
}
