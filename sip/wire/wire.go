package wire

import (
	"bytes"
	"crypto/rand"

	"github.com/emiago/sipgo/sip"
)

// Limits on what comes from the network.
const (
	MaxMessage = 64 << 10 // octets of one message
	MaxFields  = 128      // header fields of one message
)

// Verdict is what is wrong with a message before anybody looks at its meaning:
// the status to refuse a request with, 0 for nothing, Drop for what cannot even be
// answered.
type Verdict struct {
	Status       int
	Field, Value string // to go into the response, e.g. Unsupported
}

// Drop is the status of what cannot be answered.
const Drop = -1

// OK reports whether nothing is wrong.
func (v Verdict) OK() bool { return v.Status == 0 }

// Parse reads one datagram. A request with something wrong comes with the verdict
// to answer it with; what is nothing at all, and a response with anything wrong,
// comes as nil and Drop. An ACK must not be answered whatever its verdict.
func Parse(data []byte) (sip.Message, Verdict) {
	for len(data) >= 2 && data[0] == '\r' && data[1] == '\n' {
		data = data[2:] // a keep-alive, or what section 7.5 says to pass over
	}
	end := headEnd(data, 0)
	if end < 0 {
		end = len(data)
	}
	if end < minHead || len(data) > MaxMessage {
		return nil, Verdict{Status: Drop}
	}
	lines := bytes.Count(data[:end], []byte{'\n'})
	h := head{fields: make([]field, 0, min(lines, MaxFields))}
	if _, ok := h.scan(string(data[:end])); !ok {
		return nil, Verdict{Status: Drop}
	}
	body := data[end:]
	if h.length > len(body) {
		h.bad = true // section 18.3
	} else if h.length >= 0 {
		body = body[:h.length] // section 18.3: "additional bytes [...] MUST be discarded"
	}
	return h.message(body)
}

const minHead = len("A sip:a SIP/2.0\r\n\r\n")

// Token is an unguessable tag, branch or Call-ID: 130 bits.
func Token() string { return rand.Text() }
