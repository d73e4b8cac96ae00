package wire

import (
	"bytes"
	"errors"
	"io"

	"github.com/emiago/sipgo/sip"
)

// ErrFraming means that where the next message begins cannot be known.
var ErrFraming = errors.New("wire: messages of the stream cannot be told apart")

// Stream reads the messages of one connection (RFC 3261, section 18.3). It holds
// at most MaxMessage octets, and hardly any between messages.
type Stream struct {
	r       io.Reader
	buf     []byte // what was read and not used
	seen    int    // octets of buf that headEnd has looked at
	started bool   // seen has a start line
	head    head   // of the message whose body is awaited
	end     int    // of that head in buf; 0: none is awaited
	err     error  // after which there is nothing more
}

const (
	readAhead = 4 << 10 // octets to make room for
	keepRoom  = 8 << 10 // octets of buffer kept while nothing is in it
)

// NewStream reads from r, at most MaxMessage octets ahead.
func NewStream(r io.Reader) *Stream { return &Stream{r: r} }

// Next reads up to the end of the next message. ping says that instead of a
// message the far side sent the double CRLF of RFC 5626, section 3.5.1, to be
// answered with a single CRLF; a single CRLF, the pong, is passed over. (As both are
// made of the same octets, two pongs with nothing between them look like a ping; to
// answer that does no harm.) A request with something wrong comes with its verdict,
// as of Parse, and what is not even answerable comes as nil and Drop, to be counted.
// An error ends the stream: r's own, io.EOF only between messages, or ErrFraming;
// with ErrFraming a request and its verdict may come, to be answered before the
// connection is closed. Next sets no deadlines: r must.
func (s *Stream) Next() (msg sip.Message, v Verdict, ping bool, err error) {
	for s.err == nil {
		if s.end > 0 && len(s.buf) >= s.end+s.head.length {
			size := s.end + s.head.length
			msg, v := s.head.message(s.buf[s.end:size])
			s.use(size)
			return msg, v, false, nil
		}
		if s.end == 0 {
			if len(s.buf) > 1 && s.buf[0] == '\r' && s.buf[1] == '\n' {
				// Section 7.5: to be passed over, two of them to be answered, and
				// of the second there may be nothing yet.
				switch second := string(s.buf[2:min(4, len(s.buf))]); second {
				case "\r\n":
					s.use(4)
					return nil, Verdict{}, true, nil
				case "", "\r":
				default:
					s.use(2)
					continue
				}
			} else if msg, v, done := s.begin(); done {
				return msg, v, false, s.err
			} else if s.end > 0 {
				continue
			}
		}
		s.fill()
	}
	return nil, Verdict{}, false, s.err
}

// begin looks for a head. It reports true if there is one that ends the stream.
func (s *Stream) begin() (msg sip.Message, v Verdict, done bool) {
	end := headEnd(s.buf, s.seen)
	if end < 0 {
		if i := bytes.IndexByte(s.buf[s.seen:], '\n'); i >= 0 && !s.started {
			s.started = isStart(s.buf[:s.seen+i+1])
			if !s.started {
				s.fail(ErrFraming) // another protocol
			}
		}
		if s.seen = len(s.buf); s.seen >= MaxMessage {
			s.fail(ErrFraming) // endless
		}
		if s.err == nil {
			return nil, Verdict{}, false
		}
		return nil, Verdict{Status: Drop}, true
	}
	if _, ok := s.head.scan(string(s.buf[:end])); !ok {
		s.fail(ErrFraming)
		return nil, Verdict{Status: Drop}, true
	}
	// Section 18.3: "The Content-Length header field MUST be used with stream
	// oriented transports."
	if s.head.broken || s.head.length < 0 {
		s.head.bad = true
		s.fail(ErrFraming)
		msg, v = s.head.message(nil)
		return msg, v, true
	}
	if s.head.length > MaxMessage-end {
		s.head.many = true
		s.fail(ErrFraming)
		msg, v = s.head.message(nil)
		return msg, v, true
	}
	s.end = end
	return nil, Verdict{}, false
}

func isStart(line []byte) bool {
	var h head
	text, _ := h.line(string(line))
	return h.start(text)
}

// use removes what was read from the buffer.
func (s *Stream) use(n int) {
	rest := s.buf[n:]
	if len(rest) == 0 && cap(s.buf) > keepRoom {
		s.buf = nil
	} else {
		s.buf = s.buf[:copy(s.buf, rest)]
	}
	s.seen, s.end, s.started = 0, 0, false
	clear(s.head.fields) // or they would keep the message
	s.head = head{fields: s.head.fields[:0]}
}

func (s *Stream) fail(err error) {
	s.err, s.buf = err, nil
}

// fill reads once.
func (s *Stream) fill() {
	if room := cap(s.buf) - len(s.buf); room < readAhead/2 {
		grown := make([]byte, len(s.buf), max(readAhead, min(2*cap(s.buf), MaxMessage+readAhead)))
		copy(grown, s.buf)
		s.buf = grown
	}
	n, err := s.r.Read(s.buf[len(s.buf):cap(s.buf)])
	s.buf = s.buf[:len(s.buf)+n]
	if err == nil || n > 0 { // an error beside octets comes again
		return
	}
	if err == io.EOF && len(bytes.TrimLeft(s.buf, "\r\n")) > 0 {
		err = io.ErrUnexpectedEOF
	}
	s.fail(err)
}

// headEnd is the index behind the first empty line, of which none ends before
// from; -1 if there is none.
func headEnd(data []byte, from int) int {
	i := max(0, from-2)
	for {
		n := bytes.IndexByte(data[i:], '\n')
		if n < 0 {
			return -1
		}
		i += n + 1
		if next := data[i:]; len(next) > 0 && next[0] == '\n' {
			return i + 1
		} else if len(next) > 1 && next[0] == '\r' && next[1] == '\n' {
			return i + 2
		}
	}
}
