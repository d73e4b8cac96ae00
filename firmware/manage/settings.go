package manage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"chordophone/firmware/config"
)

// configure shows the configuration and changes its file.
func configure(ctx context.Context, s *shell, o *options, args []string) error {
	what, key, values := "show", "", []string(nil)
	if len(args) > 0 {
		what = args[0]
	}
	if len(args) > 1 {
		key, values = args[1], args[2:]
	}
	hint := "help config"
	switch {
	case !slices.Contains([]string{"show", "get", "set", "unset"}, what):
		return usageError{fmt.Sprintf("%q is none of show, get, set, unset", what), hint}
	case what == "show" && key != "":
		return usageError{fmt.Sprintf("%q is too much", key), hint}
	case what == "show":
		report, err := s.phone.Settings(ctx)
		return answer(s, o, writeSettings)(report, err)
	case key == "":
		return usageError{what + " what?", hint}
	case what != "set" && len(values) > 0:
		return usageError{fmt.Sprintf("%q is too much", values[0]), hint}
	case what == "set" && len(values) == 0:
		return usageError{"set " + key + " to what?", "config unset " + key + " takes it out of the file"}
	case what == "get":
		one, err := setting(ctx, s.phone, key)
		return answer(s, o, writeValues)(one, err)
	}
	err := s.phone.Configure(ctx, key, values)
	if wrong := new(config.Error); errors.As(err, &wrong) {
		return usageError{wrong.Error(), ""}
	} else if err != nil {
		return err
	}
	one, err := setting(ctx, s.phone, key)
	return answer(s, o, writeSet)(one, err)
}

// setting is what holds for one key.
func setting(ctx context.Context, phone Phone, key string) (config.Setting, error) {
	report, err := phone.Settings(ctx)
	if err != nil {
		return config.Setting{}, err
	}
	i := slices.IndexFunc(report.Settings, func(s config.Setting) bool { return s.Key == key })
	if i < 0 {
		return config.Setting{}, usageError{fmt.Sprintf("no key %q", key), "config show lists them"}
	}
	return report.Settings[i], nil
}

func configKeys(ctx context.Context, p Phone, _ []string) []string {
	report, err := p.Settings(ctx)
	return each(report.Settings, err)(func(s config.Setting) string { return s.Key })
}

func writeSettings(p *page, r config.Report) {
	rows := [][]string{{"KEY", "VALUE", "FROM", "AFTER A RESTART"}}
	for _, s := range r.Settings {
		next := ""
		if s.Changed {
			next = list(s.Next)
		}
		rows = append(rows, []string{s.Key, strings.Join(s.Values, ", "), s.Source, next})
	}
	p.table(rows...)
	p.line("the file is %s", r.File)
	if r.Problem != "" {
		p.line("problem: %s", r.Problem)
		p.hint("the phone would not start with this file: config set puts a key right, config unset takes it out")
	}
}

// list is what is set, in words where that is nothing.
func list(values []string) string {
	if len(values) == 0 {
		return "not set"
	}
	return strings.Join(values, ", ")
}

// writeValues writes values alone, for scripts.
func writeValues(p *page, s config.Setting) {
	for _, v := range s.Values {
		p.line("%s", v)
	}
}

func writeSet(p *page, s config.Setting) {
	switch {
	case s.Source == config.FromFlag:
		p.line("the file is written, but --%s on the command line overrides it: %s stays %s", s.Key, s.Key, list(s.Values))
	case s.Changed:
		p.line("from the next start on, %s is %s", s.Key, list(s.Next))
		p.hint("start the phone anew: reboot, or stop and start the program")
	default:
		p.line("%s is %s", s.Key, list(s.Values))
	}
}
