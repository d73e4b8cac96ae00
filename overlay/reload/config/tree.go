package config

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
)

// Bounds on a document.
const (
	MaxDocument = 192 << 10 // octets
	maxDepth    = 8
	maxElements = 4096
)

// element is an element of XML and where it stands.
type element struct {
	name       xml.Name
	attrs      []xml.Attr
	text       []byte // its own
	children   []*element
	start, end int // from its first < to behind its last >
}

// read reads octets with one element at the top. Elements without a prefix
// outside of any xmlns belong to the namespace space.
func read(octets []byte, space string) (*element, error) {
	if len(octets) > MaxDocument {
		return nil, fmt.Errorf("%w: %d octets", ErrMalformed, len(octets))
	}
	d := xml.NewDecoder(bytes.NewReader(octets))
	d.DefaultSpace = space
	var (
		top   = new(element)
		stack = []*element{top}
		count int
	)
	for {
		start := int(d.InputOffset())
		tok, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
		}
		here := stack[len(stack)-1]
		switch tok := tok.(type) {
		case xml.StartElement:
			count++
			if len(stack) > maxDepth || count > maxElements {
				return nil, fmt.Errorf("%w: too deep or too long", ErrMalformed)
			}
			e := &element{name: tok.Name, attrs: tok.Copy().Attr, start: start}
			here.children = append(here.children, e)
			stack = append(stack, e)
		case xml.EndElement:
			here.end = int(d.InputOffset())
			stack = stack[:len(stack)-1]
		case xml.CharData:
			here.text = append(here.text, tok...)
		case xml.Directive: // a DTD has no business here
			return nil, fmt.Errorf("%w: document type", ErrMalformed)
		}
	}
	if len(top.children) != 1 || len(bytes.TrimSpace(top.text)) > 0 {
		return nil, fmt.Errorf("%w: not one element", ErrMalformed)
	}
	return top.children[0], nil
}

// attr is the attribute without a prefix of this name.
func (e *element) attr(name string) (string, bool) {
	for _, a := range e.attrs {
		if a.Name == (xml.Name{Local: name}) {
			return a.Value, true
		}
	}
	return "", false
}
