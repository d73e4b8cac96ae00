package sip

import (
	"bytes"
	"strconv"
	"strings"
)

// message is as much of a SIP message as a measurement has to know. It is read
// without the parser that is measured.
type message struct {
	method string // of a request; of a response, of its CSeq
	status int    // 0: a request
	callID string
	fields []field
}

type field struct{ name, value string }

// parseMessage reads a message. It bears with what is malformed: what it cannot
// find is empty.
func parseMessage(payload []byte) (m message, ok bool) {
	head, _, _ := bytes.Cut(payload, []byte("\r\n\r\n"))
	lines := strings.Split(string(head), "\r\n")
	start := strings.Fields(lines[0])
	if len(start) < 2 {
		return m, false
	}
	if rest, response := strings.CutPrefix(lines[0], "SIP/2.0 "); response {
		code, _, _ := strings.Cut(rest, " ")
		status, err := strconv.Atoi(code)
		if err != nil {
			return m, false
		}
		m.status = status
	} else if !strings.HasPrefix(start[len(start)-1], "SIP/") {
		return m, false
	} else {
		m.method = start[0]
	}
	for _, line := range lines[1:] {
		name, value, found := strings.Cut(line, ":")
		if !found {
			continue
		}
		m.fields = append(m.fields, field{fullName(strings.TrimSpace(name)), strings.TrimSpace(value)})
	}
	m.callID = m.field("call-id")
	if m.status != 0 {
		if f := strings.Fields(m.field("cseq")); len(f) == 2 {
			m.method = f[1]
		}
	}
	return m, true
}

// fullName is a field's name in lower case, not in its compact form. // RFC 3261, section 7.3.3
func fullName(name string) string {
	name = strings.ToLower(name)
	switch name {
	case "i":
		return "call-id"
	case "v":
		return "via"
	case "f":
		return "from"
	case "t":
		return "to"
	case "m":
		return "contact"
	}
	return name
}

// field is the first of that name, empty if there is none.
func (m message) field(name string) string {
	for _, f := range m.fields {
		if f.name == name {
			return f.value
		}
	}
	return ""
}
