package pipe

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"chordophone/hal"
)

const help = "the commands are: off, on, keys 102#, down 5, up 5, quit"

// maxLine is the longest command in bytes.
const maxLine = 4096

// line is a line of input without its end.
type line struct {
	text string
	long bool // its text is left out
}

// read hands the lines of in to the interpreter until in or the panel ends.
func (p *Panel) read(in io.Reader) {
	r := bufio.NewReaderSize(in, maxLine)
	for {
		b, err := r.ReadSlice('\n')
		l := line{text: string(b)}
		for errors.Is(err, bufio.ErrBufferFull) {
			l = line{long: true}
			_, err = r.ReadSlice('\n')
		}
		if l.long || strings.TrimSpace(l.text) != "" {
			select {
			case p.lines <- l:
			case <-p.stop:
				return
			}
		}
		if err != nil {
			return // the telephone runs on without a script
		}
	}
}

// parse returns the movements that a command stands for, all or none.
func parse(l line) (moves []hal.Event, quit bool, err error) {
	if l.long {
		return nil, false, fmt.Errorf("a line of more than %d bytes", maxLine)
	}
	words := strings.Fields(l.text)
	args := words[1:]
	switch cmd := words[0]; cmd {
	case "off", "on", "quit":
		if len(args) > 0 {
			return nil, false, fmt.Errorf("%s takes nothing after it, not %q", cmd, args[0])
		}
		if cmd == "quit" {
			return nil, true, nil
		}
		return []hal.Event{{Key: hal.Hook, Down: cmd == "on"}}, false, nil
	case "keys":
		if len(args) == 0 {
			return nil, false, errors.New("keys without a key")
		}
		for _, c := range strings.Join(args, "") {
			k, err := key(c)
			if err != nil {
				return nil, false, err
			}
			moves = append(moves, hal.Event{Key: k, Down: true}, hal.Event{Key: k})
		}
		return moves, false, nil
	case "down", "up":
		if len(args) != 1 || len([]rune(args[0])) != 1 {
			return nil, false, fmt.Errorf("%s takes one key", cmd)
		}
		k, err := key([]rune(args[0])[0])
		if err != nil {
			return nil, false, err
		}
		return []hal.Event{{Key: k, Down: cmd == "down"}}, false, nil
	default:
		return nil, false, fmt.Errorf("unknown command %.40q", cmd)
	}
}

func key(c rune) (hal.Key, error) {
	switch {
	case strings.ContainsRune(hal.Digits, c), c == rune(hal.Recall), c == rune(hal.Louder), c == rune(hal.Softer):
		return hal.Key(c), nil
	case isContact(c):
		return hal.Key(c), nil
	case c == 'R':
		return hal.Recall, nil
	case 'a' <= c && c <= 'd':
		return hal.Key(c - 'a' + 'A'), nil
	}
	return 0, fmt.Errorf("there is no key %q", c)
}

func isContact(c rune) bool {
	_, ok := hal.Key(c).Contact()
	return ok
}
