package manage

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"
)

// Exit status.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

// command is one that people can give.
type command struct {
	name        string
	args        string // as shown: "AOR"
	summary     string // one line
	about       string // what help COMMAND says besides
	example     string
	least, most int // arguments
	flags       func(*options, *flag.FlagSet)
	time        time.Duration            // it may take; 0: as long as it likes
	viewer      func(args []string) bool // a viewer may give it; nil: only an admin
	names       completer                // completes its arguments
	run         func(context.Context, *shell, *options, []string) error
}

// completer returns the words that may follow the arguments before.
type completer func(ctx context.Context, p Phone, before []string) []string

// options are the flags of all commands.
type options struct {
	json   bool
	follow bool
	last   int
	period time.Duration

	password, name string
	lamp           int

	older, replace, sure bool
}

// shell carries out command lines.
type shell struct {
	phone    Phone
	device   Appliance // nil: none
	role     role
	log      *slog.Logger
	in       io.Reader // what a command is given; of a terminal: nothing
	out, err io.Writer
	terminal bool // out is one
}

// usageError is the error for what is not understood.
type usageError struct{ text, hint string }

func (e usageError) Error() string { return e.text }
func (e usageError) Hint() string  { return e.hint }

// do carries out one line and returns its exit status.
func (s *shell) do(ctx context.Context, line string) int {
	name, err := s.try(ctx, line)
	if err == nil {
		return exitDone
	}
	text, hint := err.Error(), ""
	var hinted interface{ Hint() string }
	if errors.As(err, &hinted) {
		hint = hinted.Hint()
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		text, hint = "no answer in time", "ring says whether this phone is in the ring"
	case errors.Is(err, context.Canceled):
		text = "interrupted"
	}
	if name != "" {
		text = name + ": " + text
	}
	if hint != "" {
		text += " (hint: " + hint + ")"
	}
	fmt.Fprintln(s.err, clean(strings.Join(strings.Fields(text), " ")))
	if errors.As(err, new(usageError)) {
		return exitUsage
	}
	return exitFailed
}

// try carries out one line and returns the name of the command.
func (s *shell) try(ctx context.Context, line string) (name string, err error) {
	if len(line) > maxLine {
		return "", usageError{"the line is too long", ""}
	}
	words, err := split(line)
	if err != nil {
		return "", usageError{err.Error(), `write " or \ before a space that belongs to a word`}
	}
	if len(words) == 0 {
		return "", usageError{"no command", "help lists them"}
	}
	c := find(words[0])
	if c == nil {
		return words[0], usageError{"no such command", "help lists them"}
	}
	o, args, err := c.parse(words[1:])
	if errors.Is(err, flag.ErrHelp) {
		c, args = find("help"), []string{c.name}
	} else if err != nil {
		return c.name, usageError{err.Error(), c.usage()}
	}
	if !s.role.may(c, args) {
		s.log.Warn("console: command refused", "command", c.name, "role", s.role)
		return c.name, hinted{errors.New("this key may only look"), "somebody whose key is an admin's can do it: see roles in help"}
	}
	s.log.Info("console: command", "command", c.name) // arguments may be secret
	if c.time > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.time)
		defer cancel()
	}
	return c.name, c.run(ctx, s, o, args)
}

// parse reads flags, wherever they stand, and arguments.
func (c *command) parse(words []string) (*options, []string, error) {
	o, set := c.flagSet()
	var args []string
	for {
		if err := set.Parse(words); err != nil {
			return o, nil, err
		}
		if set.NArg() == 0 {
			break
		}
		args, words = append(args, set.Arg(0)), set.Args()[1:]
	}
	switch {
	case len(args) < c.least:
		return o, nil, errors.New(c.args + " is missing")
	case len(args) > c.most:
		return o, nil, fmt.Errorf("%q is too much", args[c.most])
	}
	return o, args, nil
}

func (c *command) usage() string {
	u := c.name
	if c.args != "" {
		u += " " + c.args
	}
	_, set := c.flagSet()
	set.VisitAll(func(f *flag.Flag) {
		if len(f.Name) == 1 {
			return // short for another
		}
		u += " [--" + f.Name
		if what, _ := flag.UnquoteUsage(f); what != "" {
			u += " " + what
		}
		u += "]"
	})
	return u
}

func (c *command) flagNames() (names []string) {
	_, set := c.flagSet()
	set.VisitAll(func(f *flag.Flag) {
		if len(f.Name) > 1 {
			names = append(names, "--"+f.Name)
		}
	})
	return names
}

func (c *command) flagSet() (*options, *flag.FlagSet) {
	o := new(options)
	set := flag.NewFlagSet(c.name, flag.ContinueOnError)
	set.SetOutput(io.Discard)
	set.BoolVar(&o.json, "json", false, "")
	if c.flags != nil {
		c.flags(o, set)
	}
	return o, set
}

func find(name string) *command {
	for _, c := range commands() {
		if c.name == name {
			return c
		}
	}
	return nil
}

func names() (names []string) {
	for _, c := range commands() {
		names = append(names, c.name)
	}
	return names
}
