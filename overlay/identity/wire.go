package identity

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/crypto/cryptobyte"

	"chordophone/overlay"
)

// msgType is the first octet of an enrolment message.
type msgType uint8

const (
	msgHello   msgType = iota + 1 // pA
	msgShare                      // pB
	msgRequest                    // see request
	msgAnswer                     // see answer
	msgRefuse                     // refusal
)

// maxConfiguration bounds the configuration document in an answer. A longer one
// reaches the newcomer once it is a member. // RFC 6940, section 6.5.4
const maxConfiguration = 40 << 10

// maxMessage is the longest body: an answer with the longest chain and document.
const maxMessage = (overlay.MaxChain+2)*(overlay.MaxCert+2) + confirmLen + 6 + maxConfiguration

const _ = uint16(maxMessage) // its length has two octets

// refusal says why the enroller ends the exchange.
type refusal uint8

const (
	refuseClosed refusal = iota + 1
	refuseCode
	refuseBusy
	refuseTaken
	refuseFailed
	refuseDeep
	refuseAlive
	refuseReserved
)

var refusals = map[refusal]error{
	refuseClosed: ErrEnrolmentClosed,
	refuseCode:   ErrWrongCode,
	refuseBusy:   ErrBusy,
	refuseTaken:  ErrTaken,
	refuseFailed: ErrRefused,
	refuseDeep:   ErrTooDeep,

	refuseAlive:    ErrAlive,
	refuseReserved: ErrReserved,
}

// refusalOf is the code for err; what the newcomer need not know is
// refuseFailed.
func refusalOf(err error) refusal {
	for code, known := range refusals {
		if errors.Is(err, known) {
			return code
		}
	}
	return refuseFailed
}

var errMalformed = errors.New("malformed enrolment message")

func writeMessage(w io.Writer, t msgType, body []byte) error {
	if len(body) > maxMessage {
		panic("BUG: enrolment message too long")
	}
	b := binary.BigEndian.AppendUint16([]byte{byte(t)}, uint16(len(body)))
	_, err := w.Write(append(b, body...))
	return err
}

// readMessage reads a message of type want with a body of at most max octets. A
// refusal is returned as its error.
func readMessage(r io.Reader, want msgType, max int) ([]byte, error) {
	var head [3]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	t, n := msgType(head[0]), int(binary.BigEndian.Uint16(head[1:]))
	if t == msgRefuse {
		max = 1
	} else if t != want {
		return nil, fmt.Errorf("%w: type %d, want %d", errMalformed, t, want)
	}
	if n > max {
		return nil, fmt.Errorf("%w: %d octets", errMalformed, n)
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(r, body); err != nil {
		return nil, err
	}
	if t == msgRefuse {
		if n == 1 && refusals[refusal(body[0])] != nil {
			return nil, refusals[refusal(body[0])]
		}
		return nil, ErrRefused
	}
	return body, nil
}

// request is what the newcomer asks for.
//
//	opaque confirmation[32]; uint32 wish; opaque spki<0..2^8-1>; opaque sig<0..2^8-1>;
type request struct {
	confirm []byte
	wish    uint32 // extension, 0 for any
	spki    []byte // the newcomer's public key
	sig     []byte // by it, over keyProof: it has the private key
}

const maxRequest = confirmLen + 4 + 2*256

func (q request) marshal() ([]byte, error) {
	var b cryptobyte.Builder
	b.AddBytes(q.confirm)
	b.AddUint32(q.wish)
	b.AddUint8LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(q.spki) })
	b.AddUint8LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(q.sig) })
	return b.Bytes()
}

func parseRequest(body []byte) (q request, err error) {
	s := cryptobyte.String(body)
	var spki, sig cryptobyte.String
	if !s.ReadBytes(&q.confirm, confirmLen) || !s.ReadUint32(&q.wish) ||
		!s.ReadUint8LengthPrefixed(&spki) || !s.ReadUint8LengthPrefixed(&sig) || !s.Empty() {
		return request{}, errMalformed
	}
	q.spki, q.sig = spki, sig
	return q, nil
}

// answer is what the newcomer gets.
//
//	opaque confirmation[32]; opaque root<0..2^16-1>; opaque enroller<0..2^16-1>;
//	opaque configuration<0..2^16-1>; chain to the end
type answer struct {
	confirm       []byte
	root          []byte
	enroller      []byte // the newcomer's enroller certificate; what is above it is chain[1:]
	configuration []byte // the office's configuration document; empty: none
	chain         [][]byte
}

func (a answer) marshal() ([]byte, error) {
	var b cryptobyte.Builder
	b.AddBytes(a.confirm)
	b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(a.root) })
	b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(a.enroller) })
	b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(a.configuration) })
	b.AddBytes(AppendChain(nil, a.chain))
	return b.Bytes()
}

func parseAnswer(body []byte) (a answer, err error) {
	s := cryptobyte.String(body)
	var root, enroller, configuration cryptobyte.String
	if !s.ReadBytes(&a.confirm, confirmLen) || !s.ReadUint16LengthPrefixed(&root) || !s.ReadUint16LengthPrefixed(&enroller) ||
		!s.ReadUint16LengthPrefixed(&configuration) || len(configuration) > maxConfiguration {
		return answer{}, errMalformed
	}
	if a.chain, err = ParseChain(s); err != nil || len(a.chain) == 0 {
		return answer{}, errMalformed
	}
	a.root, a.enroller, a.configuration = root, enroller, configuration
	return a, nil
}

// keyProof is what the newcomer signs with its new key.
func keyProof(binding, spki []byte) []byte {
	b := append([]byte(EnrolALPN+" key\x00"), binding...)
	return append(b, spki...)
}

// normalCode is a pairing code without the spaces and hyphens people put in. The
// error is ErrCode.
func normalCode(code string) (string, error) {
	code = strings.NewReplacer(" ", "", "-", "").Replace(code)
	if len(code) < 6 || len(code) > 32 || strings.Trim(code, "0123456789") != "" {
		return "", ErrCode
	}
	return code, nil
}
