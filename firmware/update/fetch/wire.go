package fetch

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"chordophone/firmware/update/release"
)

// ALPN is the application protocol (RFC 7301).
const ALPN = "chordophone-update/1"

const (
	askHead  = 1
	askChunk = 2

	here    = 0
	notHere = 1
)

const requestLen = 1 + len(release.ID{}) + 4

// maxData is the most octets of an answer.
const maxData = max(release.ChunkSize, release.MaxHead)

// Errors of asking.
var (
	ErrNotHere = errors.New("fetch: the phone does not have it")
	ErrAnswer  = errors.New("fetch: malformed answer")
)

type request struct {
	what  uint8
	id    release.ID
	index uint32
}

func (q request) append(b []byte) []byte {
	b = append(b, q.what)
	b = append(b, q.id[:]...)
	return binary.BigEndian.AppendUint32(b, q.index)
}

func readRequest(r io.Reader) (q request, err error) {
	var b [requestLen]byte
	if _, err := io.ReadFull(r, b[:]); err != nil {
		return request{}, err
	}
	q.what = b[0]
	q.index = binary.BigEndian.Uint32(b[1+copy(q.id[:], b[1:]):])
	if q.what != askHead && q.what != askChunk {
		return request{}, fmt.Errorf("fetch: request %d", q.what)
	}
	return q, nil
}

func appendAnswer(b []byte, status uint8, data []byte) []byte {
	b = append(b, status)
	b = binary.BigEndian.AppendUint32(b, uint32(len(data)))
	return append(b, data...)
}

// ask sends a request and reads the answer into buf.
func ask(rw io.ReadWriter, q request, buf []byte) ([]byte, error) {
	if _, err := rw.Write(q.append(nil)); err != nil {
		return nil, err
	}
	var head [5]byte
	if _, err := io.ReadFull(rw, head[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(head[1:])
	switch {
	case head[0] == notHere && n == 0:
		return nil, ErrNotHere
	case head[0] != here || n == 0 || uint64(n) > uint64(len(buf)):
		return nil, fmt.Errorf("%w: status %d, %d octets", ErrAnswer, head[0], n)
	}
	_, err := io.ReadFull(rw, buf[:n])
	return buf[:n], err
}
