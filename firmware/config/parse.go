package config

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// grammar is the whole command line.
type grammar struct {
	Run   Run  `cmd:"" help:"Run this telephone until it is told to stop."`
	Demo  Demo `cmd:"" help:"Let telephones on this machine call each other."`
	Board struct {
		List  BoardList  `cmd:"" help:"List the known boards."`
		Check BoardCheck `cmd:"" help:"Check a board file."`
		Show  BoardShow  `cmd:"" help:"Print how a known board is wired: what to solder where."`
	} `cmd:"" help:"Hardware descriptions."`
	Config struct {
		Print ConfigPrint `cmd:"" help:"Print the configuration file with every default, annotated."`
		Check ConfigCheck `cmd:"" help:"Check a configuration file."`
	} `cmd:"" help:"The configuration file."`
	Restore Restore `cmd:"" help:"Bring a backup back, from standard input: a line with its passphrase, then the file."`
	Release Release `cmd:"" passthrough:"" help:"Make and check signed releases: 'chordophone release help' says how."`
	Version Version `cmd:"" help:"Print what program this is."`
}

const about = "A serverless office telephone. Exit status: 0 done, 1 failed, 2 bad usage, 125 needs a person."

// Parse reads a command line (without the program's name) and, for Run, the
// configuration file it leads to. Help is written to stdout. An error is an
// *Error, or says why the file cannot be read.
func Parse(args []string, stdout io.Writer) (Command, error) {
	cmd, given, err := parseArgs(args, stdout)
	if err != nil {
		return nil, err
	}
	switch cmd := cmd.(type) {
	case *Run:
		src := source{}
		for _, name := range given {
			src[name] = "--" + name
		}
		if err := cmd.load(src); err != nil {
			return nil, err
		}
		if err := cmd.check(src); err != nil {
			return nil, err
		}
		cmd.from = src
	case *Demo:
		if cmd.Phones < 3 || cmd.Phones > 20 {
			return nil, wrong(reflect.TypeFor[Demo](), "phones", "--phones", fmt.Sprintf("%d telephones", cmd.Phones))
		}
	case *Restore:
		if cmd.Data == "" {
			return nil, wrong(reflect.TypeFor[Restore](), "data", "--data", "empty")
		}
	}
	return cmd, nil
}

// parseArgs reads a command line alone. It also returns the flags given.
func parseArgs(args []string, stdout io.Writer) (cmd Command, given []string, err error) {
	helped := false
	parser, err := kong.New(new(grammar),
		kong.Name("chordophone"), kong.Description(about),
		kong.Writers(stdout, stdout),
		kong.Exit(func(int) { helped = true }), // kong's help flag calls it after writing
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
	)
	if err != nil {
		panic("BUG: config: " + err.Error())
	}
	ctx, err := parser.Parse(args)
	switch {
	case helped:
		return &Help{}, nil, nil
	case err != nil:
		return nil, nil, usage(err)
	}
	for _, p := range ctx.Path {
		if p.Flag != nil && !slices.Contains(given, p.Flag.Name) {
			given = append(given, p.Flag.Name)
		}
	}
	cmd, ok := ctx.Selected().Target.Addr().Interface().(Command)
	if !ok {
		panic("BUG: config: no command " + ctx.Command())
	}
	return cmd, given, nil
}

// flagOf finds the flag that kong's error is about.
var flagOf = regexp.MustCompile(`^--([a-z-]+)[:=]? ?(.*)$`)

// usage makes an error of kong's one for people.
func usage(err error) error {
	help := "chordophone"
	var parse *kong.ParseError
	if errors.As(err, &parse) && parse.Context != nil {
		if c := parse.Context.Command(); c != "" {
			help += " " + c
		}
	}
	e := &Error{Problem: err.Error(), Hint: "see '" + help + " --help'"}
	if m := flagOf.FindStringSubmatch(e.Problem); m != nil {
		for _, t := range []reflect.Type{reflect.TypeFor[Run](), reflect.TypeFor[Demo](), reflect.TypeFor[Restore]()} {
			if f, ok := fieldOf(t, m[1]); ok {
				e.Where, e.Problem = "--"+m[1], m[2]
				if strings.Contains(m[2], "<EOL>") {
					e.Problem = "needs a value"
				}
				if want := f.Tag.Get("want"); want != "" {
					e.Hint = "want " + want
				}
				break
			}
		}
	}
	return e
}

// fieldOf finds the field with a flag's name.
func fieldOf(t reflect.Type, name string) (reflect.StructField, bool) {
	for i := range t.NumField() {
		if f := t.Field(i); f.Tag.Get("name") == name {
			return f, true
		}
	}
	return reflect.StructField{}, false
}

// wrong is the error of a value that the field's tag describes better.
func wrong(t reflect.Type, name, where, problem string) *Error {
	e := &Error{Where: where, Problem: problem}
	if f, ok := fieldOf(t, name); ok && f.Tag.Get("want") != "" {
		e.Hint = "want " + f.Tag.Get("want")
	}
	return e
}
