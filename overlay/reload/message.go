package reload

import (
	"fmt"

	"golang.org/x/crypto/cryptobyte"
)

// Message is one RELOAD message.
type Message struct {
	Header
	Contents
	Security
}

// Contents is what a message says. // RFC 6940, section 6.3.3
type Contents struct {
	Code       Code
	Body       []byte // the octets of a Body
	Extensions []Extension
}

// Extension is an addition to a message. // RFC 6940, section 6.3.3
type Extension struct {
	Type     uint16
	Critical bool // whoever does not know it answers Error_Unknown_Extension
	Value    []byte
}

// Extension finds the first one of a type.
func (c Contents) Extension(typ uint16) ([]byte, bool) {
	for _, e := range c.Extensions {
		if e.Type == typ {
			return e.Value, true
		}
	}
	return nil, false
}

// Append appends the contents. // RFC 6940, section 6.3.3
func (c Contents) Append(out []byte) ([]byte, error) {
	if len(c.Extensions) > MaxExtensions {
		return nil, fmt.Errorf("%d extensions: %w", len(c.Extensions), ErrTooLarge)
	}
	b := cryptobyte.NewBuilder(out)
	b.AddUint16(uint16(c.Code))
	opaque32(b, c.Body)
	add32(b, func(b *cryptobyte.Builder) {
		for _, e := range c.Extensions {
			b.AddUint16(e.Type)
			addBool(b, e.Critical)
			opaque32(b, e.Value)
		}
	})
	return b.Bytes()
}

func readContents(s *cryptobyte.String, c *Contents) bool {
	var (
		code    uint16
		body, v cryptobyte.String
		ok      bool
	)
	if !s.ReadUint16(&code) || code == 0 || !read32(s, &body) || !read32(s, &v) {
		return false
	}
	c.Code, c.Body = Code(code), body
	c.Extensions, ok = list(v, MaxExtensions, func(s *cryptobyte.String, e *Extension) bool {
		var v cryptobyte.String
		ok := s.ReadUint16(&e.Type) && readBool(s, &e.Critical) && read32(s, &v)
		e.Value = v
		return ok
	})
	return ok
}

// Append appends the whole message.
func (m Message) Append(out []byte) ([]byte, error) {
	payload, err := m.Contents.Append(nil)
	if err != nil {
		return nil, err
	}
	if payload, err = m.Security.Append(payload); err != nil {
		return nil, err
	}
	if out, err = m.Header.Append(out, len(payload)); err != nil {
		return nil, err
	}
	return append(out, payload...), nil
}

// Parse reads a whole message.
func Parse(b []byte) (m Message, err error) {
	h, payload, err := ParseHeader(b)
	if err != nil {
		return m, err
	}
	m.Header = h
	m.Contents, m.Security, _, err = ParsePayload(payload)
	return m, err
}

// ParsePayload reads what follows the header. signed is the part of payload that
// the signature covers.
func ParsePayload(payload []byte) (c Contents, sec Security, signed []byte, err error) {
	s := cryptobyte.String(payload)
	if !readContents(&s, &c) {
		return c, sec, nil, malformed("contents")
	}
	signed = payload[:len(payload)-len(s)]
	if !readSecurity(&s, &sec) || !s.Empty() {
		return c, sec, nil, malformed("security block")
	}
	return c, sec, signed, nil
}
