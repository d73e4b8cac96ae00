package wire

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strconv"
	"strings"
	"testing"

	"chordophone/sip/wire/wiretest"

	"github.com/emiago/sipgo/sip"
)

// next is what one call of Next must bring.
type next struct {
	what   string // method or "response", "ping", or "nothing"
	status int
	err    error
}

func expect(t *testing.T, text string, want ...next) {
	t.Helper()
	s := NewStream(strings.NewReader(text))
	for i, w := range want {
		msg, v, ping, err := s.Next()
		got := next{"nothing", v.Status, err}
		switch m := msg.(type) {
		case *sip.Request:
			got.what = string(m.Method)
		case *sip.Response:
			got.what = "response"
		}
		if ping {
			got.what = "ping"
		}
		if got.what != w.what || got.status != w.status || !errors.Is(got.err, w.err) {
			t.Fatalf("number %d of %.60q is %v, want %v", i, text, got, w)
		}
	}
}

func TestStream(t *testing.T) {
	bad := strings.Replace(plain, "From: ", "X: ", 1)
	end := next{"nothing", 0, io.EOF}
	lost := next{"nothing", Drop, ErrFraming}
	invite := next{"INVITE", 0, nil}

	expect(t, "", end)
	expect(t, plain+answer+plain, invite, next{"response", 0, nil}, invite, end, end)
	// "MUST ignore any CRLF appearing before the start-line" (section 7.5).
	expect(t, "\r\n"+plain+"\r\n\r\n"+plain+"\r\n", invite, next{"ping", 0, nil}, invite, end)
	expect(t, "\r\n\r\n\r\n\r\n", next{"ping", 0, nil}, next{"ping", 0, nil}, end)
	// A bad message is answered, what follows is read.
	expect(t, bad+plain, next{"INVITE", 400, nil}, invite, end)
	expect(t, strings.Replace(plain, "SIP/2.0", "SIP/7.0", 1)+plain, next{"INVITE", 505, nil}, invite, end)
	expect(t, strings.Replace(plain, "Via: ", "X: ", 1)+plain, next{"nothing", Drop, nil}, invite, end)
	expect(t, strings.Replace(answer, "To: ", "X: ", 1)+plain, next{"nothing", Drop, nil}, invite, end)
	// Where the framing cannot be trusted nothing more is.
	for _, cut := range []string{"Content-Length: 3\r\n", "Content-Length: 3\r\nContent-Length: 3\r\n", "Content-Length: -3\r\n", "Content-Length: five\r\n",
		"Content-Length: 65536\r\n"} {
		text := strings.Replace(plain, "Content-Length: 3\r\n", cut, 1)
		status, err := 400, ErrFraming
		if cut == "Content-Length: 3\r\n" {
			text = strings.Replace(plain, cut, "", 1) // it is mandatory here
		} else if strings.Contains(cut, "65536") {
			status = 513
		}
		expect(t, text+plain, next{"INVITE", status, err}, next{"nothing", 0, err})
	}
	expect(t, strings.Replace(plain, "70\r\n", "70\n", 1)+plain, next{"INVITE", 400, ErrFraming}, next{"nothing", 0, ErrFraming})
	expect(t, strings.Replace(plain, "70\r\n", "70\r", 1)+plain, next{"INVITE", 400, ErrFraming}, next{"nothing", 0, ErrFraming})
	expect(t, "GET / HTTP/1.1\r\n", lost)
	expect(t, "\x16\x03\x01\n", lost)
	expect(t, "INVITE sip:a SIP/2.0\r\nX: "+strings.Repeat("x", MaxMessage), lost)
	expect(t, strings.Repeat("x", 2*MaxMessage), lost)
	// The end in the middle of a message is an error.
	for _, n := range []int{1, 50, len(plain) - 1} {
		expect(t, plain+plain[:n], invite, next{"nothing", 0, io.ErrUnexpectedEOF})
	}
	// The largest that there may be.
	head := strings.Replace(plain, "Content-Length: 3\r\n\r\nv=0", "Content-Length: 65000\r\n\r\n", 1)
	size := MaxMessage - len(head)
	big := strings.Replace(head, "65000", strconv.Itoa(size), 1) + strings.Repeat("b", size)
	expect(t, big+plain, invite, invite, end)
}

// RFC 4475, sections 3.1.2.3 and 3.3.9: "the framing error is not recoverable, and
// the connection should be closed".
func TestStreamTorture(t *testing.T) {
	for _, c := range wiretest.Torture() {
		_, v, _, err := NewStream(bytes.NewReader(c.Data)).Next()
		switch c.Name {
		case "ncl", "mcl01":
			if v.Status != 400 || err != ErrFraming {
				t.Errorf("%s: %v, %v", c.Name, v, err)
			}
		case "inv2543": // no Content-Length
			if v.Status != 400 || err != ErrFraming {
				t.Errorf("%s: %v, %v", c.Name, v, err)
			}
		case "baddn": // has no empty line
			if err != io.ErrUnexpectedEOF {
				t.Errorf("%s: %v, %v", c.Name, v, err)
			}
		case "clerr": // "there's not much the receiving party could do but wait for more data"
			if err != io.ErrUnexpectedEOF {
				t.Errorf("%s: %v, %v", c.Name, v, err)
			}
		case "test", "bigcode":
			if v.Status != Drop || err != ErrFraming {
				t.Errorf("%s: %v, %v", c.Name, v, err)
			}
		default:
			if v.Status != c.Status || err != nil {
				t.Errorf("%s: %v, %v", c.Name, v, err)
			}
		}
	}
}

// An error of the reader ends the stream, after what was whole; nothing is read
// after it, and hardly anything is held while nothing comes.
func TestStreamReader(t *testing.T) {
	s := NewStream(io.MultiReader(strings.NewReader(plain+"\r\nINV"), failing{}))
	if msg, v, _, err := s.Next(); msg == nil || !v.OK() || err != nil {
		t.Fatal(msg, v, err)
	}
	for range 2 {
		if _, _, _, err := s.Next(); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal(err)
		}
	}
	big := strings.Replace(plain, "Content-Length: 3\r\n\r\nv=0", "Content-Length: 60000\r\n\r\n"+strings.Repeat("b", 60000), 1)
	s = NewStream(strings.NewReader(big))
	if _, v, _, err := s.Next(); !v.OK() || err != nil {
		t.Fatal(v, err)
	}
	if cap(s.buf) > keepRoom {
		t.Errorf("%d octets held between messages", cap(s.buf))
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, os.ErrDeadlineExceeded }

// A ping is answered when it is whole, however it is cut up.
func TestStreamPing(t *testing.T) {
	r, w := io.Pipe()
	defer r.Close()
	go func() {
		for _, part := range []string{"\r", "\n", "\r", "\n", plain} {
			w.Write([]byte(part))
		}
		w.Close()
	}()
	s := NewStream(r)
	if _, _, ping, err := s.Next(); !ping || err != nil {
		t.Fatal(ping, err)
	}
	if msg, v, _, err := s.Next(); msg == nil || !v.OK() || err != nil {
		t.Fatal(msg, v, err)
	}
}
