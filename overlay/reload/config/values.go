package config

import (
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"strconv"
	"strings"

	"chordophone/overlay"
)

// parser reads one configuration. The first error stays.
type parser struct {
	octets []byte
	seen   map[xml.Name]bool // of the elements that come once
	err    error
}

func (p *parser) fail(kind error, format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf("%w: "+format, append([]any{kind}, args...)...)
	}
}

func (p *parser) once(e *element) {
	if p.seen[e.name] {
		p.fail(ErrMalformed, "%s twice", e.name.Local)
	}
	p.seen[e.name] = true
}

func bounded[T any](p *parser, list []T, max int, t T) []T {
	if len(list) == max {
		p.fail(ErrMalformed, "more than %d %T", max, t)
		return list
	}
	return append(list, t)
}

func (p *parser) uint(s string, max uint64) uint64 {
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil || n > max {
		p.fail(ErrMalformed, "number %q: 0 to %d", s, max)
		return 0
	}
	return n
}

// bool reads xsd:boolean.
func (p *parser) bool(s string) bool {
	switch s {
	case "true", "1":
		return true
	case "false", "0":
		return false
	}
	p.fail(ErrMalformed, "boolean %q", s)
	return false
}

func (p *parser) id(s string) overlay.ID {
	id, err := overlay.ParseID(s)
	if err != nil {
		p.fail(ErrMalformed, "%v", err)
	}
	return id
}

func (p *parser) base64(s string) []byte {
	b, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		p.fail(ErrMalformed, "%v", err)
	}
	return b
}
