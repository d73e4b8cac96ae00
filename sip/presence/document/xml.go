package document

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Bounds on what is read.
const (
	MaxDocument = 64 << 10 // octets
	maxDepth    = 16
	maxElements = 2048
	maxText     = 512 // octets of one URI, tag or identifier
)

// Namespaces.
const (
	pidfSpace   = "urn:ietf:params:xml:ns:pidf"
	modelSpace  = "urn:ietf:params:xml:ns:pidf:data-model" // RFC 4479
	rpidSpace   = "urn:ietf:params:xml:ns:pidf:rpid"       // RFC 4480
	dialogSpace = "urn:ietf:params:xml:ns:dialog-info"
	rlmiSpace   = "urn:ietf:params:xml:ns:rlmi"
	ownSpace    = "urn:x-chordophone:presence"
)

// ErrMalformed is wrapped by all errors of this package.
var ErrMalformed = errors.New("document: malformed")

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, args...))
}

// element is an element of XML with what it contains.
type element struct {
	name     xml.Name
	attrs    []xml.Attr
	text     string // its own, blanks made single and trimmed
	children []*element
}

// read reads one document whose outermost element must have this name.
func read(octets []byte, space, local string) (*element, error) {
	if len(octets) > MaxDocument {
		return nil, malformed("%d octets", len(octets))
	}
	var (
		d     = xml.NewDecoder(bytes.NewReader(octets))
		top   = new(element)
		stack = []*element{top}
		text  = []*strings.Builder{new(strings.Builder)}
		count int
	)
	for {
		tok, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, malformed("%v", err)
		}
		here := stack[len(stack)-1]
		switch tok := tok.(type) {
		case xml.StartElement:
			count++
			if len(stack) > maxDepth || count > maxElements {
				return nil, malformed("too deep or too long")
			}
			for i, a := range tok.Attr {
				for _, b := range tok.Attr[:i] {
					if a.Name == b.Name {
						return nil, malformed("attribute %s twice", a.Name.Local)
					}
				}
			}
			e := &element{name: tok.Name, attrs: tok.Copy().Attr}
			here.children = append(here.children, e)
			stack, text = append(stack, e), append(text, new(strings.Builder))
		case xml.EndElement:
			last := len(stack) - 1
			here.text = strings.Join(strings.Fields(text[last].String()), " ")
			stack, text = stack[:last], text[:last]
		case xml.CharData:
			text[len(text)-1].Write(tok)
		case xml.Directive: // a DTD has no business here
			return nil, malformed("document type")
		}
	}
	if len(top.children) != 1 || strings.TrimSpace(text[0].String()) != "" {
		return nil, malformed("not one element")
	}
	if e := top.children[0]; e.is(space, local) {
		return e, nil
	}
	return nil, malformed("not %s", local)
}

func (e *element) is(space, local string) bool {
	return e.name.Space == space && e.name.Local == local
}

// attr is the attribute without a prefix of this name, or empty.
func (e *element) attr(name string) string {
	for _, a := range e.attrs {
		if a.Name == (xml.Name{Local: name}) {
			return a.Value
		}
	}
	return ""
}

// all is the children of this name.
func (e *element) all(space, local string) []*element {
	var found []*element
	for _, c := range e.children {
		if c.is(space, local) {
			found = append(found, c)
		}
	}
	return found
}

// first is the first child of this name, nil if there is none.
func (e *element) first(space, local string) *element {
	for _, c := range e.children {
		if c.is(space, local) {
			return c
		}
	}
	return nil
}

// identifier checks a URI, tag or the like: bounded, no blanks, nothing that does
// not print.
func identifier(what, s string) error {
	if s == "" || len(s) > maxText || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f || r == utf8.RuneError }) {
		return malformed("%s %.40q", what, s)
	}
	return nil
}

// plain is text for people: one line of at most limit runes.
func plain(s string, limit int) string {
	if runes := []rune(s); len(runes) > limit {
		s = strings.TrimSpace(string(runes[:limit]))
	}
	return s
}

const header = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"

// escaped is text fit for XML; what XML cannot carry becomes U+FFFD.
func escaped(s string) string {
	var b strings.Builder
	xml.EscapeText(&b, []byte(s)) // a strings.Builder takes everything
	return b.String()
}
