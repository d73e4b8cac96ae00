package wire

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// ErrInjection means that a message would not be read as it was meant.
var ErrInjection = errors.New("wire: a line break or control character within a header field")

// Bytes is a message as it is sent. A line break within a header field, which
// would begin a field of somebody else's making, is an error. Content-Length is that
// of the body, whatever the message says.
func Bytes(msg sip.Message) ([]byte, error) {
	m, ok := msg.(message)
	if !ok {
		return nil, fmt.Errorf("wire: %T is no message", msg)
	}
	var b bytes.Buffer
	b.Grow(1024 + len(m.Body()))
	switch m := msg.(type) {
	case *sip.Request:
		b.WriteString(string(m.Method))
		b.WriteByte(' ')
		m.Recipient.StringWrite(&b)
		if uri := b.Bytes()[len(m.Method)+1:]; !all(string(m.Method), isToken) || bytes.IndexFunc(uri, notURI) >= 0 {
			return nil, fmt.Errorf("%w: request line", ErrInjection)
		}
		b.WriteString(" SIP/2.0\r\n")
	case *sip.Response:
		if m.StatusCode < 100 || m.StatusCode > 699 {
			return nil, fmt.Errorf("wire: status %d", m.StatusCode)
		}
		b.WriteString("SIP/2.0 ")
		b.WriteString(strconv.Itoa(m.StatusCode))
		b.WriteByte(' ')
		b.WriteString(m.Reason)
		if !clean(b.Bytes()) {
			return nil, fmt.Errorf("%w: status line", ErrInjection)
		}
		b.WriteString("\r\n")
	}
	length := false
	for _, f := range m.Headers() {
		name := f.Name()
		if isLength(name) {
			if !length {
				writeLength(&b, len(m.Body()))
			}
			length = true
			continue
		}
		start := b.Len()
		if v, ok := f.(*sip.ViaHeader); ok {
			writeVia(&b, v)
		} else {
			f.StringWrite(&b)
		}
		if !all(name, isToken) || !clean(b.Bytes()[start:]) {
			return nil, fmt.Errorf("%w: %s", ErrInjection, PlainText(name, 40))
		}
		b.WriteString("\r\n")
	}
	if !length {
		writeLength(&b, len(m.Body()))
	}
	b.WriteString("\r\n")
	b.Write(m.Body())
	return b.Bytes(), nil
}

// isLength reports whether a field is Content-Length. Few have a name as long, or as
// short, and all others cost no look at the names.
func isLength(name string) bool {
	if len(name) != len("Content-Length") && len(name) != 1 {
		return false
	}
	_, _, k := known(name)
	return k == contentLength
}

// writeVia is sipgo's StringWrite without a dozen pieces of memory for a message's
// most frequent field.
func writeVia(b *bytes.Buffer, v *sip.ViaHeader) {
	b.WriteString("Via: ")
	b.WriteString(v.ProtocolName)
	b.WriteByte('/')
	b.WriteString(v.ProtocolVersion)
	b.WriteByte('/')
	b.WriteString(v.Transport)
	b.WriteByte(' ')
	if strings.IndexByte(v.Host, ':') >= 0 && v.Host[0] != '[' {
		b.WriteByte('[')
		b.WriteString(v.Host)
		b.WriteByte(']')
	} else {
		b.WriteString(v.Host)
	}
	if v.Port > 0 {
		b.WriteByte(':')
		b.Write(strconv.AppendInt(b.AvailableBuffer(), int64(v.Port), 10))
	}
	if len(v.Params) > 0 {
		b.WriteByte(';')
		v.Params.ToStringWrite(';', b)
	}
}

func writeLength(b *bytes.Buffer, n int) {
	b.WriteString("Content-Length: ")
	b.Write(strconv.AppendInt(b.AvailableBuffer(), int64(n), 10))
	b.WriteString("\r\n")
}

func notURI(r rune) bool { return r <= ' ' || r >= 0x7f || r == '<' || r == '>' || r == '"' }

// clean reports whether a line has no control characters but those quoted with a
// backslash, as head.line has it.
func clean(line []byte) bool {
	for i, c := range line {
		if c < 0x20 && c != '\t' || c == 0x7f {
			if c == '\r' || c == '\n' || i == 0 || line[i-1] != '\\' {
				return false
			}
		}
	}
	return true
}
