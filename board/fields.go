package board

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// fieldsOf splits words of the form key=value with the keys that are allowed.
func fieldsOf(words []string, allowed ...string) (map[string]string, error) {
	f := map[string]string{}
	for _, w := range words {
		k, v, ok := strings.Cut(w, "=")
		switch {
		case !ok:
			return nil, fmt.Errorf("%q is not of the form key=value", w)
		case !slices.Contains(allowed, k):
			return nil, fmt.Errorf("unknown %q, there is %s", k, strings.Join(allowed, ", "))
		case f[k] != "":
			return nil, fmt.Errorf("%s= stands twice", k)
		case v == "":
			return nil, fmt.Errorf("%s= has no value", k)
		}
		f[k] = v
	}
	return f, nil
}

func activeLow(f map[string]string, otherwise bool) (bool, error) {
	switch s := f["active"]; s {
	case "":
		return otherwise, nil
	case "low", "high":
		return s == "low", nil
	default:
		return false, fmt.Errorf("active=%s is not low or high", s)
	}
}

func number(f map[string]string, key string, otherwise, low, high int) (int, error) {
	s, ok := f[key]
	if !ok {
		return otherwise, nil
	}
	n, err := strconv.ParseInt(s, 0, 32)
	if err != nil || int(n) < low || int(n) > high {
		return 0, fmt.Errorf("%s=%s is not a number from %d to %d", key, s, low, high)
	}
	return int(n), nil
}

// hasPWM says whether the computer makes pulses on a line by itself; 18 and 19 could,
// but I2S needs them.
func hasPWM(l Line) bool { return l == 12 || l == 13 }

// lampHertz is fast enough for eyes; a buzzer is heard between the others.
const (
	lampHertz  = 500
	mostHertz  = 10000
	leastHertz = 100
)

// pulses reads what makes an output pulse: brightness= of a lamp in percent,
// tone= of a ringer in Hz.
func pulses(f map[string]string, l Line, elsewhere bool) (p PWM, err error) {
	if f["brightness"] != "" {
		p.Hertz = lampHertz
		if p.Duty, err = number(f, "brightness", 0, 1, 100); err != nil {
			return PWM{}, err
		}
	}
	if f["tone"] != "" {
		p.Duty = 50
		if p.Hertz, err = number(f, "tone", 0, leastHertz, mostHertz); err != nil {
			return PWM{}, err
		}
	}
	if p != (PWM{}) && (elsewhere || !hasPWM(l)) {
		return PWM{}, fmt.Errorf("%v cannot pulse (use GPIO12 or GPIO13 of the 40-pin header for brightness= and tone=)", l)
	}
	return p, nil
}

// line claims the one line of a declaration for user.
func (p *parser) line(f map[string]string, user string) (Line, error) {
	if f["line"] == "" {
		return 0, errors.New("line= is missing")
	}
	return p.claim(f["line"], user)
}

func (p *parser) lineList(f map[string]string, key, user string) ([]Line, error) {
	if f[key] == "" {
		return nil, fmt.Errorf("%s= is missing", key)
	}
	words := strings.Split(f[key], ",")
	if len(words) > maxMatrix {
		return nil, fmt.Errorf("%s= has %d lines, more than %d", key, len(words), maxMatrix)
	}
	var lines []Line
	for _, w := range words {
		l, err := p.claim(w, user)
		if err != nil {
			return nil, err
		}
		lines = append(lines, l)
	}
	return lines, nil
}

func (p *parser) claim(word, user string) (Line, error) {
	digits, ok := strings.CutPrefix(word, "GPIO")
	n, err := strconv.ParseUint(digits, 10, 8)
	if !ok || err != nil || digits != strconv.FormatUint(n, 10) {
		return 0, fmt.Errorf("%q is not a line such as GPIO4", word)
	}
	l := Line(n)
	return l, p.lines.claim(l, user)
}
