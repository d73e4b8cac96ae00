package manage

import (
	"context"
	"fmt"
	"math"
	"time"
)

// farAhead is how far a clock is set forward without --sure: a year that was typed wrong
// cannot be taken back.
const farAhead = 366 * 24 * time.Hour

// times are the forms of a time that people may give, as RFC 3339 has them. In those
// without an offset it is where the phone is.
var times = []string{time.RFC3339, "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05", "2006-01-02T15:04"}

// setClock shows the time of day, and sets it.
func setClock(ctx context.Context, s *shell, o *options, args []string) error {
	was, err := s.phone.Clock(ctx)
	if len(args) == 0 || err != nil {
		return answer(s, o, writeClock)(was, err)
	}
	hint := "clock set 2026-11-23T10:30, in the phone's time zone, or 2026-11-23T09:30:00Z"
	switch {
	case args[0] != "set":
		return usageError{fmt.Sprintf("%q is not set", args[0]), hint}
	case len(args) == 1:
		return usageError{"set to what?", hint}
	}
	to, ok := parseTime(args[1], was.Time.Location())
	if !ok {
		return usageError{fmt.Sprintf("%q is not a time", args[1]), hint}
	}
	if to.Sub(was.Time) > farAhead && !o.sure {
		return usageError{
			fmt.Sprintf("%s is more than a year ahead of what the phone has, which is %s", at(to), at(was.Time)),
			"if it is right, say --sure: there is no way back but a time server",
		}
	}
	now, err := s.phone.SetClock(ctx, to)
	return answer(s, o, writeClock)(now, err)
}

// parseTime reads a time in one of its forms.
func parseTime(text string, where *time.Location) (t time.Time, ok bool) {
	for _, form := range times {
		if t, err := time.ParseInLocation(form, text, where); err == nil {
			return t.In(where), true
		}
	}
	return time.Time{}, false
}

// at is a time for people, with its zone.
func at(t time.Time) string { return t.Format("2006-01-02 15:04:05 MST") }

func (c Clock) line() string { return at(c.Time) + ", " + c.Text }

func writeClock(p *page, c Clock) {
	p.fields([2]string{"time", at(c.Time)}, [2]string{"source", c.Text})
	switch {
	case c.AheadS > 0:
		p.hint("it is %.0f s ahead of that, and runs slower for about %.0f hours; other phones stay as they are", c.AheadS, math.Ceil(c.AheadS*2000/3600))
	case c.Voices > 1:
		p.hint("the other phones believe it when it was set on %d of this office: set it on others, too", c.Voices)
	case c.Voices == 1:
		p.hint("the other phones take it over within minutes, an hour at the most, unless they have a later time")
	case !c.Known:
		p.hint("it may be wrong: clock set TIME sets it, and help clock says how")
	}
}
