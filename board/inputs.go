package board

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"chordophone/hal"
)

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
