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
