package wire

import "strings"

// head is what stands before a message's body, taken apart: the start line, and the
// header fields unfolded, with their proper names.
type head struct {
	method  string // of a request; empty: a response
	uri     string
	version string
	status  int // of a response
	reason  string

	fields []field
	bad    bool // something is ungrammatical
	broken bool // a line does not end in CRLF, or the length of the body is not known
	many   bool // more than MaxFields
	length int  // Content-Length, -1 if absent or unknown
}

type field struct {
	name, value string
	index       int8 // in names, or -1
	kind        kind
}

// scan reads a head, up to and with its empty line. It reports false if the text is
// no SIP message at all.
func (h *head) scan(text string) (rest string, ok bool) {
	*h = head{fields: h.fields[:0], length: -1}
	line, rest := h.line(text)
	if !h.start(line) {
		return "", false
	}
	for {
		if rest == "" {
			h.bad, h.broken = true, true // section 7: "the empty line MUST be present"
			break
		}
		if line, rest = h.line(rest); line == "" {
			break
		}
		if rest != "" && blank(rest[0]) { // section 7.3.1: folded
			var b strings.Builder
			b.WriteString(trim(line))
			for rest != "" && blank(rest[0]) {
				line, rest = h.line(rest)
				b.WriteByte(' ')
				b.WriteString(trim(line))
			}
			line = b.String()
		}
		h.field(line)
	}
	return rest, true
}

// line takes one line off. Neither CR nor LF alone ends one for everybody: who saw
// two messages where another sees one could be made to answer the wrong one.
func (h *head) line(text string) (line, rest string) {
	end := strings.IndexByte(text, '\n')
	if end < 0 {
		line, rest = text, ""
		h.bad, h.broken = true, true
	} else if line, rest = text[:end], text[end+1:]; end > 0 && line[end-1] == '\r' {
		line = line[:end-1]
	} else {
		h.bad, h.broken = true, true
	}
	for i := 0; i < len(line); i++ {
		if c := line[i]; c < 0x20 && c != '\t' || c == 0x7f {
			if c == '\r' {
				h.broken = true
			}
			if c == '\r' || i == 0 || line[i-1] != '\\' { // quoted-pair has any other
				h.bad = true
			}
		}
	}
	return line, rest
}

// start reads the Request-Line or Status-Line (section 7.1, 7.2).
func (h *head) start(line string) bool {
	if len(line) > 4 && strings.EqualFold(line[:4], "SIP/") {
		version, rest, _ := strings.Cut(line, " ")
		code, reason, _ := strings.Cut(rest, " ")
		status, ok := number(code, 699)
		h.version, h.status, h.reason = version, int(status), reason
		return ok && len(code) == 3 && status >= 100
	}
	method, rest := span(line, isToken)
	last := strings.LastIndexByte(trim(rest), ' ')
	if method == "" || rest == "" || rest[0] != ' ' || last < 0 {
		return false
	}
	h.method, h.version = method, trim(rest)[last+1:]
	if !version(h.version) {
		return false
	}
	// Exactly one space each side; of anything else it is still known that it is a
	// request, to be answered.
	h.uri = strings.TrimSuffix(rest[1:], " "+h.version)
	if h.uri == "" || strings.ContainsAny(h.uri, " \t<>\"") {
		h.bad = true
	}
	return true
}

// version reports whether s is a SIP-Version, of any number.
func version(s string) bool {
	if len(s) < 7 || !strings.EqualFold(s[:4], "SIP/") {
		return false
	}
	major, minor, ok := strings.Cut(s[4:], ".")
	_, ok1 := number(major, 1<<31)
	_, ok2 := number(minor, 1<<31)
	return ok && ok1 && ok2
}

func (h *head) field(line string) {
	name, value, ok := strings.Cut(line, ":")
	name = trim(name)
	if !ok || !all(name, isToken) || blank(line[0]) { // a fold, of the start line
		h.bad = true
		return
	}
	if len(h.fields) == MaxFields {
		h.many = true
		return
	}
	f := field{value: trim(value)}
	f.name, f.index, f.kind = known(name)
	if f.kind == contentLength {
		// Two of them, the same or not, or one that is no number: RFC 4475, sections
		// 3.1.2.3 and 3.3.9.
		n, ok := number(f.value, 1<<31-1)
		if !ok || h.length >= 0 {
			h.bad, h.broken = true, true
		}
		h.length = int(n)
		return // it is written anew
	}
	h.fields = append(h.fields, f)
}
