package manage

import (
	"cmp"
	"context"
	"slices"
	"strings"
)

// complete completes the last word of a line that is not finished, as far as
// there is one way only. When that adds nothing, choices are the ways.
func (s *shell) complete(ctx context.Context, line string) (done string, choices []string) {
	start := strings.LastIndexByte(line, ' ') + 1
	word := line[start:]
	var fits []string
	for _, c := range s.candidates(ctx, strings.Fields(line[:start]), word) {
		if strings.HasPrefix(c, word) {
			fits = append(fits, c)
		}
	}
	switch len(fits) {
	case 0:
		return line, nil
	case 1:
		return line[:start] + fits[0] + " ", nil
	}
	if p := commonPrefix(fits); p != word {
		return line[:start] + p, nil
	}
	return line, fits
}

// candidates are the words that may follow those before.
func (s *shell) candidates(ctx context.Context, before []string, word string) []string {
	if len(before) == 0 {
		return s.allowed()
	}
	c := find(before[0])
	switch {
	case c == nil:
		return nil
	case strings.HasPrefix(word, "-"):
		return c.flagNames()
	}
	args := slices.DeleteFunc(before[1:], func(w string) bool { return strings.HasPrefix(w, "-") })
	if c.names == nil || len(args) >= c.most {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, tabTime)
	defer cancel()
	return c.names(ctx, s.phone, args)
}

// allowed are the commands that this person may give, in one way at least.
func (s *shell) allowed() (list []string) {
	for _, c := range commands() {
		if s.role == admin || c.viewer != nil {
			list = append(list, c.name)
		}
	}
	return list
}

// words complete a first argument that is one of a few.
func words(list ...string) completer {
	return func(_ context.Context, _ Phone, before []string) []string {
		if len(before) > 0 {
			return nil
		}
		return list
	}
}

// then completes what follows a first argument.
func (c completer) then(first string, what completer) completer {
	return func(ctx context.Context, p Phone, before []string) []string {
		if len(before) == 1 && before[0] == first {
			return what(ctx, p, nil)
		}
		return c(ctx, p, before)
	}
}

// extensions are those of the office.
func extensions(ctx context.Context, p Phone, _ []string) (list []string) {
	members, err := p.Members(ctx)
	if err != nil {
		return nil
	}
	for _, m := range members {
		if !m.Revoked {
			list = append(list, m.Extension)
		}
	}
	slices.SortFunc(list, func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) })
	return slices.Compact(list)
}

// addresses are extensions and the users of accounts.
func addresses(ctx context.Context, p Phone, before []string) []string {
	return append(extensions(ctx, p, before), accountNames(ctx, p, before)...)
}

func accountNames(ctx context.Context, p Phone, _ []string) []string {
	return each(p.Accounts(ctx))(func(a Account) string { return a.User })
}

func contactNumbers(ctx context.Context, p Phone, _ []string) []string {
	return each(p.Contacts(ctx))(func(c Contact) string { return c.Number })
}

func messageIDs(ctx context.Context, p Phone, _ []string) []string {
	return each(p.Messages(ctx))(func(m Message) string { return m.ID })
}

// each names what a list holds; nothing if it could not be read. Completion shows
// names that others chose: they are cleaned.
func each[T any](list []T, err error) func(name func(T) string) []string {
	return func(name func(T) string) (out []string) {
		if err != nil {
			return nil
		}
		for _, one := range list {
			out = append(out, clean(name(one)))
		}
		return out
	}
}

func commonPrefix(words []string) string {
	p := words[0]
	for _, w := range words[1:] {
		for !strings.HasPrefix(w, p) {
			p = p[:len(p)-1]
		}
	}
	return p
}
